//! Step 5: what of the v2 API only a real cluster can answer: passwords, metadata, times.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Timestamp;
use serde_json::{Value, json};

use crate::support::{Answer, Request, Stack, wait_until};

const TOPIC: &str = "orders";
const JSON_RECORDS: &str = "application/vnd.kafka.json.v2+json";

/// A service user who comes with a password instead of a token.
struct User<'a> {
    stack: &'a Stack,
    basic: String,
}

impl User<'_> {
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let url = format!("{}{path}", self.stack.rest);
        let request = Request::new(method, &url)
            .header("Authorization", &self.basic)
            .header("Accept", JSON_RECORDS);
        let request = match body {
            Some(body) => request.body(JSON_RECORDS, &body.to_string()),
            None => request,
        };
        request.send().await
    }
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

/// Authorization is on, and `alice` may use `topic`.
async fn ready<'a>(stack: &'a Stack, topic: &str) -> User<'a> {
    stack.with_oidc().await;
    stack.authorize(true).await;
    stack.topic(topic, 3).await;
    stack.user("alice").await;
    stack.with_acl("readwrite", topic, "alice").await;
    let password = stack.password("alice").await.unwrap();
    let user = User { stack, basic: basic("alice", &password) };
    wait_until("alice may write", Duration::from_secs(20), async || {
        let records = json!({ "records": [{ "value": "ready", "partition": 0 }] });
        let answer = user.ask("POST", &format!("/topics/{topic}"), Some(records)).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
    user
}

#[tokio::test]
async fn a_service_user_comes_with_a_password_and_is_not_the_principal_of_a_token() {
    let stack = Stack::new();
    let user = ready(&stack, TOPIC).await;
    let topic = format!("/topics/{TOPIC}");
    let wrong = User { stack: &stack, basic: basic("alice", "no such password") };
    let records = json!({ "records": [{ "value": 1 }] });
    let refused = wrong.ask("POST", &topic, Some(records.clone())).await.expect(401);
    assert!(refused.header("www-authenticate").is_some(), "{refused:?}");
    user.ask("POST", &topic, Some(records)).await.expect(200);

    let group = format!("/consumers/{}", stack.name("basic"));
    let made = json!({ "name": "i", "format": "json" });
    user.ask("POST", &group, Some(made)).await.expect(200);
    let instance = format!("{group}/instances/i");
    let token = stack.token_of("alice").await;
    stack.rest("GET", &format!("{instance}/subscription"), Some(&token)).await.expect(404);
    user.ask("DELETE", &instance, None).await.expect(204);
}

#[tokio::test]
async fn metadata_and_positions_are_those_of_the_cluster() {
    let stack = Stack::new();
    let topic = stack.name("times");
    let user = ready(&stack, &topic).await;
    // What a broker says of the others right after a restart may be old.
    wait_until("all brokers are known", Duration::from_secs(30), async || {
        let brokers = user.ask("GET", "/brokers", None).await.expect(200).json();
        let all = brokers == json!({ "brokers": [1, 2, 3] });
        if all { Ok(()) } else { Err(brokers.to_string()) }
    })
    .await;
    let partitions = format!("/topics/{topic}/partitions");
    let listed = user.ask("GET", &partitions, None).await.expect(200).json();
    assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
    user.ask("GET", &format!("{partitions}/99"), None).await.expect(404);

    // Not the time at which they are written. Kafka allows up to an hour ahead.
    let early = Timestamp::now().0 + 600_000;
    let late = early + 60_000;
    let header = json!([{ "key": "trace", "value": "S2Fma2E=" }]);
    let records = json!({ "records": [
        { "value": "early", "timestamp": early, "headers": header },
        { "value": "late", "timestamp": late },
    ]});
    let place = format!("{partitions}/1");
    let stored = user.ask("POST", &place, Some(records)).await.expect(200).json();
    let offset = |index: usize| stored["offsets"][index]["offset"].as_i64().unwrap();
    assert_eq!((&stored["offsets"][0]["partition"], offset(1)), (&json!(1), offset(0) + 1));
    let bounds = user.ask("GET", &format!("{place}/offsets"), None).await.expect(200).json();
    assert_eq!(bounds["end_offset"], offset(1) + 1, "{bounds}");

    let instance = assigned(&user, &topic).await;
    let seek = |offsets: Value| json!({ "offsets": [offsets] });
    let positions = format!("{instance}/positions");
    let by_time = json!({ "topic": topic, "partition": 1, "timestamp": early + 1 });
    user.ask("POST", &positions, Some(seek(by_time))).await.expect(204);
    let read = first_record(&user, &instance).await;
    assert_eq!((&read["value"], &read["offset"]), (&json!("late"), &json!(offset(1))));

    let by_offset = json!({ "topic": topic, "partition": 1, "offset": offset(0) });
    user.ask("POST", &positions, Some(seek(by_offset))).await.expect(204);
    let read = first_record(&user, &instance).await;
    assert_eq!((&read["value"], &read["timestamp"]), (&json!("early"), &json!(early)));
    assert_eq!(read["headers"], header);
    user.ask("DELETE", &instance, None).await.expect(204);
}

/// An instance that reads partition 1 and shows headers.
async fn assigned(user: &User<'_>, topic: &str) -> String {
    let group = format!("/consumers/{}", user.stack.name("positions"));
    let made = json!({ "name": "i", "format": "json", "include.headers": true });
    user.ask("POST", &group, Some(made)).await.expect(200);
    let instance = format!("{group}/instances/i");
    let places = json!({ "partitions": [{ "topic": topic, "partition": 1 }] });
    user.ask("POST", &format!("{instance}/assignments"), Some(places)).await.expect(204);
    instance
}

async fn first_record(user: &User<'_>, instance: &str) -> Value {
    let path = format!("{instance}/records?timeout=5000&max_bytes=1");
    let (record, _) = wait_until("a record", Duration::from_secs(30), async || {
        let answer = user.ask("GET", &path, None).await.expect(200);
        answer.json().as_array().unwrap().first().cloned().ok_or_else(|| answer.body.clone())
    })
    .await;
    record
}
