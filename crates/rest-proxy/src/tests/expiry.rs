//! What becomes of records and consumers when a token is over, or Kafka refuses it. On the mock
//! cluster, which knows no login: the clients are as those of a real one, but show no token.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use testkit::issuer::{Issuer, Running, TokenRequest};
use tokio_util::task::TaskTracker;

use super::*;
use crate::identity;
use crate::sessions::Session;
use crate::shared::locked;

const BASE: &str = "/consumers/g/instances/i";

struct Stage {
    app: App,
    idp: Running,
    cluster: MockCluster<'static, DefaultProducerContext>,
    /// Who Kafka lets in.
    door: Arc<Mutex<String>>,
    _tasks: TaskTracker,
}

impl Stage {
    async fn new() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("orders", 1, 1).unwrap();
        let idp = Issuer::serve().await.unwrap();
        let door = Arc::new(Mutex::new(String::new()));
        let directories = testing::guarded(&door, &Arc::default());
        let settings = testing::secured(&cluster.bootstrap_servers(), &idp);
        let app = testing::app_with(settings, testing::limits(), directories);
        let (tasks, maintained) = (TaskTracker::new(), app.clone());
        tasks.spawn(async move { maintained.maintain().await });
        Self { app, idp, cluster, door, _tasks: tasks }
    }

    fn token(&self, ttl_secs: u32) -> String {
        let request = TokenRequest::of("alice").ttl_secs(ttl_secs);
        format!("Bearer {}", self.idp.issuer.mint(&request).unwrap())
    }

    async fn ask(&self, method: &str, path: &str, token: &str, body: Value) -> Answer {
        let request = Request::builder().method(method).uri(path).header(AUTHORIZATION, token);
        let request = request.header(CONTENT_TYPE, JSON);
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        send(&self.app, request.body(body).unwrap()).await
    }

    async fn produce(&self, token: &str, values: &[i32]) -> Answer {
        let records: Vec<Value> = values.iter().map(|it| json!({ "value": it })).collect();
        self.ask("POST", "/topics/orders", token, json!({ "records": records })).await
    }

    /// An instance that commits nothing by itself and reads `orders`.
    async fn subscribe(&self, token: &str) {
        let options = json!({"name": "i", "format": "json", "auto.commit.enable": false});
        assert_eq!(self.ask("POST", "/consumers/g", token, options).await.status, StatusCode::OK);
        let topics = json!({"topics": ["orders"]});
        let path = format!("{BASE}/subscription");
        let subscribed = self.ask("POST", &path, token, topics).await;
        assert_eq!(subscribed.status, StatusCode::NO_CONTENT);
    }

    async fn poll(&self, token: &str, query: &str) -> Answer {
        self.ask("GET", &format!("{BASE}/records?{query}"), token, Value::Null).await
    }

    /// The next record, asked for until it comes.
    async fn next(&self, token: &str) -> i64 {
        loop {
            let answer = self.poll(token, "timeout=10000&max_bytes=1").await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            if let Some(record) = answer.json().as_array().and_then(|it| it.first().cloned()) {
                return record["offset"].as_i64().unwrap();
            }
        }
    }

    async fn session(&self, token: &str) -> Arc<Session> {
        let request = Request::get("/").header(AUTHORIZATION, token).body(()).unwrap();
        let active = self.app.settings.active().unwrap();
        let caller = identity::identify(&self.app, active, &request.into_parts().0).await.unwrap();
        self.app.sessions.session(&caller).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_goes_on_with_the_next_token_where_it_was() {
    let stage = Stage::new().await;
    let short = stage.token(12);
    assert_eq!(stage.produce(&short, &[0, 1]).await.status, StatusCode::OK);
    stage.subscribe(&short).await;
    assert_eq!(stage.next(&short).await, 0);
    let session = stage.session(&short).await;
    session.ended().await;
    assert_eq!(session.ended_error().to_string(), "The access token expired");
    assert_eq!(stage.poll(&short, "timeout=0").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stage.next(&stage.token(60)).await, 1, "nothing was committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_ends_with_its_token_and_a_newer_one_keeps_the_client() {
    let stage = Stage::new().await;
    let (short, long) = (stage.token(12), stage.token(600));
    assert_eq!(stage.produce(&short, &[0]).await.status, StatusCode::OK);
    stage.subscribe(&short).await;
    assert_eq!(stage.next(&short).await, 0);
    let session = stage.session(&short).await;
    let refreshed = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stage.poll(&long, "timeout=0").await
    };
    // Much longer than the token has, with nothing to read.
    let (polled, _) = tokio::join!(stage.poll(&short, "timeout=100000"), refreshed);
    assert_eq!((polled.status, polled.text.as_str()), (StatusCode::OK, "[]"));
    assert_eq!(stage.poll(&short, "timeout=0").await.status, StatusCode::UNAUTHORIZED);
    assert!(!session.has_ended(), "the newer token took over");
    assert_eq!(stage.produce(&long, &[1]).await.status, StatusCode::OK);
    assert_eq!(stage.next(&long).await, 1);
    assert!(Arc::ptr_eq(&session, &stage.session(&long).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_wait_for_a_refused_login_get_401() {
    let stage = Stage::new().await;
    let token = stage.token(60);
    assert_eq!(stage.produce(&token, &[0]).await.status, StatusCode::OK);
    let session = stage.session(&token).await;
    stage.cluster.broker_down(1).unwrap();
    testing::NOBODYS.clone_into(&mut locked(&stage.door));
    let refused = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        session.health().note(RDKafkaErrorCode::Authentication);
    };
    let (answer, ()) = tokio::join!(stage.produce(&token, &[1]), refused);
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
    let challenge = answer.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    // At once, without asking Kafka: it would let in again.
    locked(&stage.door).clear();
    assert_eq!(stage.produce(&token, &[1]).await.status, StatusCode::UNAUTHORIZED);
}
