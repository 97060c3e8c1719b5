//! The router in process: without Kafka, and against librdkafka's mock cluster.

mod access;
mod bad_requests;
mod drain;
mod expiry;
mod on_mock;
mod partitions;
mod positions;
mod protocol;
mod seen;

use axum::body::{Body, to_bytes};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::testing;
use crate::{App, Settings};

const JSON: &str = "application/vnd.kafka.json.v2+json";
const BINARY: &str = "application/vnd.kafka.binary.v2+json";

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

async fn send(app: &App, request: Request<Body>) -> Answer {
    let response = app.router().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, text }
}

async fn get(app: &App, path: &str) -> Answer {
    send(app, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn delete(app: &App, path: &str) -> Answer {
    send(app, Request::delete(path).body(Body::empty()).unwrap()).await
}

async fn post_text(app: &App, path: &str, media: &str, body: &str) -> Answer {
    let request = Request::post(path).header(CONTENT_TYPE, media).header("host", "proxy:8082");
    send(app, request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn post(app: &App, path: &str, body: &Value) -> Answer {
    post_text(app, path, JSON, &body.to_string()).await
}

#[tokio::test]
async fn health_is_answered_before_there_are_settings_and_the_rest_waits() {
    let app = App::new(Settings::new(testing::idp()), testing::limits(), CancellationToken::new());
    let health = get(&app, "/_health").await;
    assert_eq!(
        (health.status, health.json()["settings_loaded"].clone()),
        (StatusCode::OK, json!(false))
    );
    assert_eq!(health.headers[CONTENT_TYPE], "application/json");
    assert_eq!(get(&app, "/").await.text, "{}");
    let topics = get(&app, "/topics").await;
    assert_eq!(topics.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(topics.headers["retry-after"], "1");
}

#[tokio::test]
async fn every_route_has_both_forms_and_unknown_ones_are_plain() {
    let app = testing::app(testing::settings("127.0.0.1:1"));
    for path in ["/topics", "/topics/"] {
        assert_eq!(get(&app, path).await.text, r#"["orders"]"#, "{path}");
    }
    let orders = get(&app, "/topics/orders/").await;
    assert_eq!(orders.headers[CONTENT_TYPE], JSON);
    insta::assert_snapshot!(orders.text, @r#"{"configs":{},"name":"orders","partitions":[{"leader":1,"partition":0,"replicas":[{"broker":1,"in_sync":true,"leader":true}]},{"leader":1,"partition":1,"replicas":[{"broker":1,"in_sync":true,"leader":true}]}]}"#);
    insta::assert_snapshot!(get(&app, "/topics/nope").await.text, @r#"{"error_code":40403,"message":"Topic nope not found"}"#);
    let unknown = get(&app, "/nope").await;
    assert_eq!((unknown.status.as_u16(), unknown.text.as_str()), (404, "404: Not Found"));
    let wrong = Request::builder().method(Method::PUT).uri("/topics").body(Body::empty()).unwrap();
    let wrong = send(&app, wrong).await;
    assert_eq!((wrong.status.as_u16(), wrong.text.as_str()), (405, "405: Method Not Allowed"));
}

#[tokio::test]
async fn what_is_wrong_with_a_produce_request_is_said_before_kafka_is_asked() {
    let app = testing::app(testing::settings("127.0.0.1:1"));
    let nope = post(&app, "/topics/nope", &json!({"records": [{"value": 1}]})).await;
    insta::assert_snapshot!(nope.text, @r#"{"error_code":40401,"message":"Topic nope not found"}"#);
    let text = post_text(&app, "/topics/orders", "text/plain", "{}").await;
    assert_eq!(text.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = "x".repeat(1_048_577);
    let large = post_text(&app, "/topics/orders", JSON, &large).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let html = Request::get("/topics").header(ACCEPT, "text/html").body(Body::empty()).unwrap();
    assert_eq!(send(&app, html).await.status, StatusCode::NOT_ACCEPTABLE);
    let empty = post_text(&app, "/topics/orders", JSON, "").await;
    assert_eq!((empty.status.as_u16(), empty.text.as_str()), (400, "Missing request JSON body"));
}

#[tokio::test]
async fn with_authorization_on_every_route_but_health_needs_a_token() {
    let mut settings = testing::settings("127.0.0.1:1");
    settings.authorization = true;
    settings.oidc = Some(testing::oidc("http://127.0.0.1:1", "a"));
    let app = testing::app(settings);
    let instance = "/consumers/g/instances/i";
    let routes = [
        ("GET", "/brokers".to_owned()),
        ("GET", "/topics".to_owned()),
        ("GET", "/topics/orders/partitions".to_owned()),
        ("GET", "/topics/orders/partitions/0".to_owned()),
        ("POST", "/topics/orders/partitions/0".to_owned()),
        ("GET", "/topics/orders/partitions/0/offsets".to_owned()),
        ("GET", format!("{instance}/assignments")),
        ("POST", format!("{instance}/assignments")),
        ("POST", format!("{instance}/positions")),
        ("POST", format!("{instance}/positions/beginning")),
        ("POST", format!("{instance}/positions/end")),
        ("GET", "/topics/orders".to_owned()),
        ("POST", "/topics/orders".to_owned()),
        ("POST", "/consumers/g".to_owned()),
        ("DELETE", instance.to_owned()),
        ("GET", format!("{instance}/subscription")),
        ("POST", format!("{instance}/subscription")),
        ("DELETE", format!("{instance}/subscription")),
        ("GET", format!("{instance}/records")),
        ("GET", format!("{instance}/offsets")),
        ("POST", format!("{instance}/offsets")),
    ];
    for (method, path) in routes {
        let request = Request::builder().method(method).uri(&path);
        let bare = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(bare.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(bare.headers["www-authenticate"], "Bearer realm=\"kafka-rest\"");
        let request = Request::builder().method(method).uri(&path);
        let junk = request.header(AUTHORIZATION, "Bearer junk").body(Body::empty()).unwrap();
        assert_eq!(send(&app, junk).await.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    assert_eq!(get(&app, "/_health").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_instance_is_made_once_and_found_by_its_name() {
    let app = testing::app(testing::settings("127.0.0.1:1"));
    let made = post(&app, "/consumers/g%2Fx", &json!({"name": "i 1", "format": "json"})).await;
    insta::assert_snapshot!(made.text, @r#"{"base_uri":"http://proxy:8082/consumers/g%2Fx/instances/i%201","instance_id":"i 1"}"#);
    let again = post(&app, "/consumers/g%2Fx", &json!({"name": "i 1"})).await;
    insta::assert_snapshot!(again.text, @r#"{"error_code":40902,"message":"Consumer i 1 already exists"}"#);
    let base = "/consumers/g%2Fx/instances/i%201";
    assert_eq!(get(&app, &format!("{base}/subscription")).await.text, r#"{"topics":[]}"#);
    let request = Request::get(format!("{base}/records?timeout=0")).header(ACCEPT, BINARY);
    let mismatch = send(&app, request.body(Body::empty()).unwrap()).await;
    insta::assert_snapshot!(mismatch.text, @r#"{"error_code":40601,"message":"Consumer format json does not match the embedded format binary"}"#);
    assert_eq!(delete(&app, base).await.status, StatusCode::NO_CONTENT);
    insta::assert_snapshot!(delete(&app, base).await.text, @r#"{"error_code":40403,"message":"Consumer for ('g/x', 'i 1') not found"}"#);
}
