//! Records through the mock cluster. It has no logins and no ACLs; those are tested end to end.

use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use tokio::time::{Instant, sleep};

use super::*;
use crate::owner::Owner;

pub(super) type Cluster = MockCluster<'static, DefaultProducerContext>;

/// A proxy on a cluster that has the topic `orders` with two partitions.
pub(super) fn on_mock() -> (App, Cluster) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 2, 1).unwrap();
    (testing::app(testing::settings(&cluster.bootstrap_servers())), cluster)
}

/// An instance `i` of group `g` that reads nothing yet.
pub(super) async fn instance(app: &App, options: Value) -> &'static str {
    let mut options = options;
    options["name"] = json!("i");
    options["format"] = json!("json");
    assert_eq!(post(app, "/consumers/g", &options).await.status, StatusCode::OK);
    "/consumers/g/instances/i"
}

/// An instance `i` of group `g` that reads `orders`.
pub(super) async fn consumer(app: &App, options: Value) -> &'static str {
    let base = instance(app, options).await;
    let topics = json!({"topics": ["orders"]});
    let subscribed = post(app, &format!("{base}/subscription"), &topics).await;
    assert_eq!(subscribed.status, StatusCode::NO_CONTENT, "{}", subscribed.text);
    base
}

/// Reads until `count` records came.
pub(super) async fn read(app: &App, base: &str, count: usize, query: &str) -> Vec<Value> {
    let mut records = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(20);
    while records.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} came: {records:?}", records.len());
        let answer = get(app, &format!("{base}/records?timeout=3000{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        records.extend(answer.json().as_array().unwrap().iter().cloned());
    }
    records
}

pub(super) async fn produce(app: &App, records: Value) {
    let answer = post(app, "/topics/orders", &json!({ "records": records })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_get_their_offsets_and_a_bad_one_does_not_drop_the_others() {
    let (app, _cluster) = on_mock();
    let records = json!({"records": [
        {"value": 1, "partition": 1},
        {"value": 2, "partition": "x"},
        {"value": 3, "partition": 7},
        {"value": null, "partition": 1},
    ]});
    let answer = post(&app, "/topics/orders", &records).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    insta::assert_snapshot!(answer.text, @r#"{"key_schema_id":null,"offsets":[{"offset":0,"partition":1},{"error":"partition is not a valid int: x","error_code":1},{"error":"This request is for a topic or partition that does not exist on this broker.","error_code":2},{"offset":1,"partition":1}],"value_schema_id":null}"#);
    let binary = r#"{"records":[{"value":"not base64"}]}"#;
    let binary = post_text(&app, "/topics/orders", BINARY, binary).await;
    assert_eq!(binary.status, StatusCode::BAD_REQUEST);
    let binary = r#"{"records":[{"key":"aw==","value":"dg==","partition":0}]}"#;
    let binary = post_text(&app, "/topics/orders/", BINARY, binary).await;
    insta::assert_snapshot!(binary.text, @r#"{"key_schema_id":null,"offsets":[{"offset":0,"partition":0}],"value_schema_id":null}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_is_read_once_whatever_max_bytes_says() {
    let (app, _cluster) = on_mock();
    let value = "x".repeat(5000);
    let records: Vec<Value> =
        (0..60).map(|key| json!({"key": key, "value": value, "partition": 0})).collect();
    produce(&app, Value::Array(records)).await;
    let big = "123456789012345678901234567890";
    let exact = format!(
        r#"{{"records":[{{"value":{big},"partition":0}},{{"value":null,"key":"k","partition":0}}]}}"#
    );
    assert_eq!(post_text(&app, "/topics/orders", JSON, &exact).await.status, StatusCode::OK);

    let base = consumer(&app, json!({})).await;
    let first = get(&app, &format!("{base}/records?timeout=15000&max_bytes=10000")).await;
    assert_eq!(first.json().as_array().unwrap().len(), 1, "two of 5004 bytes are too many");
    let mut records = first.json().as_array().unwrap().clone();
    records.extend(read(&app, base, 59, "&max_bytes=30000").await);
    let offsets: Vec<i64> = records.iter().map(|it| it["offset"].as_i64().unwrap()).collect();
    assert_eq!(offsets[..60], (0..60).collect::<Vec<i64>>());
    let rest = get(&app, &format!("{base}/records?timeout=3000")).await;
    let all = records.len() == 62;
    assert!(all || rest.text.contains(big), "no digit is lost: {}", rest.text);
    assert!(all || rest.text.contains(r#""key":"k","offset":61"#), "{}", rest.text);
    assert_eq!(delete(&app, base).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_ends_with_the_first_record_and_a_commit_is_seen() {
    let (app, _cluster) = on_mock();
    let base = consumer(&app, json!({"auto.commit.enable": false})).await;
    let committed = format!("{base}/offsets");
    let places = json!({"partitions": [{"topic": "orders", "partition": 0}]});
    let ask = || {
        let body = Body::from(places.to_string());
        Request::get(&committed).header(CONTENT_TYPE, JSON).body(body).unwrap()
    };
    assert_eq!(send(&app, ask()).await.text, r#"{"offsets":[]}"#);
    // Into its group first.
    produce(&app, json!([{"value": "a", "partition": 0}])).await;
    read(&app, base, 1, "").await;

    let started = Instant::now();
    let late = async {
        sleep(Duration::from_millis(300)).await;
        produce(&app, json!([{"value": "b", "partition": 0}])).await;
    };
    let path = format!("{base}/records?timeout=15000");
    let (polled, ()) = tokio::join!(get(&app, &path), late);
    assert_eq!(polled.json()[0]["value"], "b");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());

    assert_eq!(post(&app, &committed, &json!({})).await.status, StatusCode::NO_CONTENT);
    insta::assert_snapshot!(send(&app, ask()).await.text, @r#"{"offsets":[{"metadata":"","offset":2,"partition":0,"topic":"orders"}]}"#);
    let explicit = json!({"offsets": [{"topic": "orders", "partition": 0, "offset": 0}]});
    assert_eq!(post(&app, &committed, &explicit).await.status, StatusCode::NO_CONTENT);
    assert!(send(&app, ask()).await.text.contains("\"offset\":1"));
    let beyond = json!({"offsets": [{"topic": "orders", "partition": 9, "offset": 0}]});
    insta::assert_snapshot!(post(&app, &committed, &beyond).await.text, @r#"{"error_code":40402,"message":"Partition 9 not found"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_survives_its_clients_and_goes_on_where_it_was() {
    let (app, _cluster) = on_mock();
    produce(&app, json!([{"value": 0, "partition": 0}, {"value": 1, "partition": 0}])).await;
    let base = consumer(&app, json!({"auto.commit.enable": false})).await;
    let first = get(&app, &format!("{base}/records?timeout=15000&max_bytes=1")).await;
    assert_eq!(first.json()[0]["offset"], 0);

    // What an expired token and changed settings have in common.
    app.sessions.close();
    let found = app.consumers.find(&Owner::Proxy, "g", "i").unwrap();
    app.consumers.sweep(model::Timestamp::now());
    assert!(!found.is_live());
    drop(found);
    let records = read(&app, base, 1, "").await;
    assert_eq!(records[0]["offset"], 1, "nothing was committed, and nothing comes twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_answers_who_waits_and_leaves_the_groups() {
    let (app, _cluster) = on_mock();
    let base = consumer(&app, json!({})).await;
    let started = Instant::now();
    let stop = async {
        sleep(Duration::from_millis(500)).await;
        app.stopping.cancel();
    };
    let path = format!("{base}/records?timeout=60000");
    let (polled, ()) = tokio::join!(get(&app, &path), stop);
    assert_eq!((polled.status, polled.text.as_str()), (StatusCode::OK, "[]"));
    app.close(Duration::from_mins(1)).await;
    assert!(started.elapsed() < Duration::from_secs(50) && app.tracker.is_empty());
}
