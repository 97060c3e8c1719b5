//! What REST proxies hear.

use std::time::{Duration, Instant};

use axum::body::Body;
use control_plane::{alarm, token_hash};
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::harness::{Answer, Api};

const PROXY_TOKEN: &str = "token-of-proxy";

async fn give_token(api: &Api) {
    let service = api.service().await.id;
    api.store.tokens.replace_rest_proxy(&token_hash(PROXY_TOKEN), service).await.unwrap();
}

async fn settings(api: &Api, known: Option<&str>, wait: u32) -> Answer {
    let mut request = Request::get("/v1/rest-proxy/settings")
        .header(header::AUTHORIZATION, format!("Bearer {PROXY_TOKEN}"))
        .header("prefer", format!("wait={wait}"));
    if let Some(etag) = known {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    api.send(request.body(Body::empty()).unwrap()).await
}

fn etag(answer: &Answer) -> String {
    answer.headers[header::ETAG].to_str().unwrap().to_owned()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_settings_are_these(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    give_token(&api).await;
    let mut answer = settings(&api, None, 0).await;
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(etag(&answer), format!("\"{}\"", api.service().await.generation));
    let password = answer.body["own_identity"]["password"].take();
    assert_eq!(password.as_str().unwrap().len(), 43);
    insta::assert_json_snapshot!(answer.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn nothing_else_is_not_modified(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    give_token(&api).await;
    let known = etag(&settings(&api, None, 0).await);
    let same = settings(&api, Some(&known), 0).await;
    assert_eq!((same.status, same.body), (StatusCode::NOT_MODIFIED, Value::Null));
    assert_eq!(settings(&api, Some("\"0\""), 20).await.status, StatusCode::OK);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_proxy_that_waits_hears_of_a_change_at_once(pool: PgPool) {
    let (alarm, wake) = alarm(CancellationToken::new());
    let api = Api::with_wake(&pool, wake).await;
    api.add_service().await;
    give_token(&api).await;
    let mut tasks = JoinSet::new();
    tasks.spawn(alarm.run(api.store.clone(), CancellationToken::new()));
    // Long enough for the alarm to listen, and far shorter than the slow poll.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let known = etag(&settings(&api, None, 0).await);
    let waiting = {
        let api = api.clone();
        async move {
            let answer = settings(&api, Some(&known), 20).await;
            (answer, Instant::now())
        }
    };
    let update = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        api.update(json!({ "kafka_rest_authorization": true })).await.ok();
        Instant::now()
    };
    let ((answer, heard), updated) = tokio::join!(waiting, update);
    assert_eq!(answer.body["authorization"], true);
    assert!(heard.saturating_duration_since(updated) < Duration::from_secs(2));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn without_an_alarm_the_slow_poll_finds_the_change(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    give_token(&api).await;
    let known = etag(&settings(&api, None, 0).await);
    let update = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        api.update(json!({ "kafka_rest_authorization": true })).await.ok();
    };
    let (answer, ()) = tokio::join!(settings(&api, Some(&known), 20), update);
    assert_eq!(answer.body["authorization"], true);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn nobody_is_kept_waiting_when_the_server_stops(pool: PgPool) {
    let stop = CancellationToken::new();
    let (_alarm, wake) = alarm(stop.clone());
    let api = Api::with_wake(&pool, wake).await;
    api.add_service().await;
    give_token(&api).await;
    let known = etag(&settings(&api, None, 0).await);
    let started = Instant::now();
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stop.cancel();
    };
    let (answer, ()) = tokio::join!(settings(&api, Some(&known), 20), stopping);
    assert_eq!(answer.status, StatusCode::NOT_MODIFIED);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn it_needs_the_token_of_a_proxy(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let answer = api.get("/v1/rest-proxy/settings").await;
    assert_eq!(answer.brief(), "403 This needs the token of a REST proxy");
}
