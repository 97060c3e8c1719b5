//! No request that is wrong is told that the server is.

use axum::Router;

use super::*;
use crate::tests::on_mock::{instance, on_mock};

/// Something of every JSON type.
fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(i32::MAX),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("x"),
        json!("\0"),
        json!("^a(["),
        json!("\u{1F600}".repeat(300)),
        json!([]),
        json!([null]),
        json!([[]]),
        json!(["nope"]),
        json!(["a b", "^(", "\0"]),
        json!(["x".repeat(1000)]),
        json!({}),
        json!({"a": {}}),
    ]
}

/// What is wrong whatever is asked.
fn bodies() -> Vec<String> {
    let texts = ["", " ", "{", "nul", "\"", "\u{0}", "[1,", "{\"a\":1}{}"];
    texts.iter().map(ToString::to_string).chain(values().iter().map(Value::to_string)).collect()
}

/// Objects with each of `keys`, and with lists of entries under those of them that are `lists`.
fn objects(keys: &[&str], lists: &[&str], inner: &[&str]) -> Vec<String> {
    let mut bodies = Vec::new();
    for value in values() {
        bodies.extend(keys.iter().chain(lists).map(|key| json!({ *key: value }).to_string()));
        for (list, name) in lists.iter().flat_map(|list| inner.iter().map(move |it| (list, it))) {
            let mut entry = match *list {
                "records" => json!({}),
                _ => json!({"topic": "orders", "partition": 0, "offset": 0}),
            };
            entry[*name] = value.clone();
            bodies.push(json!({ *list: [entry] }).to_string());
        }
    }
    bodies
}

async fn check(app: &Router, method: &Method, path: &str, body: &str) {
    let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, JSON);
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let text = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert!(status < 500, "{status} {method} {path} {body}: {text:?}");
}

/// Every body to every path of an instance, with those that its own keys make of it.
async fn check_instance(app: &Router, base: &str) {
    let places = objects(&[], &["partitions"], &["topic", "partition"]);
    let entry = ["topic", "partition", "offset", "timestamp"];
    let targets = objects(&[], &["offsets", "timestamps"], &entry);
    let commits = objects(&[], &["offsets", "partitions"], &entry);
    for (method, path, own) in [
        (Method::POST, "subscription", objects(&["topics", "topic_pattern"], &[], &[])),
        (Method::POST, "assignments", places.clone()),
        (Method::POST, "positions/beginning", places.clone()),
        (Method::POST, "positions/end", places.clone()),
        (Method::POST, "positions", targets),
        (Method::POST, "offsets", commits),
        (Method::GET, "offsets", places),
        (Method::GET, "records?timeout=0", Vec::new()),
        (Method::GET, "subscription", Vec::new()),
        (Method::GET, "assignments", Vec::new()),
        (Method::DELETE, "subscription", Vec::new()),
    ] {
        for body in bodies().iter().chain(&own) {
            check(app, &method, &format!("{base}/{path}"), body).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_client_sends_is_our_fault() {
    let (app, _cluster) = on_mock();
    let router = app.router();
    let records = objects(&["key_schema_id"], &["records"], &["key", "value", "partition", "x"]);
    for path in ["/topics/orders", "/topics/orders/partitions/0"] {
        for body in bodies().iter().chain(&records) {
            check(&router, &Method::POST, path, body).await;
        }
    }
    let options = ["name", "format", "auto.offset.reset", "auto.commit.enable", "fetch.min.bytes"];
    let more = ["consumer.request.timeout.ms", "consumer.instance.timeout.ms", "isolation.level"];
    let options = [options.as_slice(), &more, &["include.headers"]].concat();
    for body in bodies().iter().chain(&objects(&options, &[], &[])) {
        check(&router, &Method::POST, "/consumers/g", body).await;
    }
    let base = instance(&app, json!({})).await;
    check_instance(&router, base).await;
    assert_eq!(delete(&app, &format!("{base}/subscription")).await.status.as_u16(), 204);
    let place = json!({"partitions": [{"topic": "orders", "partition": 0}]});
    let assigned = post(&app, &format!("{base}/assignments"), &place).await;
    assert_eq!(assigned.status, StatusCode::NO_CONTENT, "{}", assigned.text);
    check_instance(&router, base).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_queries_are_no_fault_of_ours_either() {
    let (app, _cluster) = on_mock();
    let base = instance(&app, json!({})).await;
    let app = app.router();
    let words = ["%00", "%ff", "%2F", "..", "^", "a%20b", "%F0%9F%98%80", "-1", "1e9"];
    for word in words {
        for path in [
            format!("/topics/{word}"),
            format!("/topics/{word}/partitions/{word}"),
            format!("/topics/orders/partitions/{word}/offsets"),
            format!("/consumers/{word}/instances/{word}/records"),
            format!("{base}/records?timeout=0&max_bytes={word}"),
            format!("{base}/records?timeout={word}&headers={word}"),
            format!("{base}/records?timeout=0&timeout=0"),
            format!("{base}/{word}"),
        ] {
            check(&app, &Method::GET, &path, "").await;
            check(&app, &Method::POST, &path, "{\"records\":[{\"value\":1}]}").await;
            check(&app, &Method::DELETE, &path, "").await;
        }
        check(&app, &Method::POST, &format!("/consumers/{word}"), "{}").await;
    }
}
