//! Manual assignment and seeking, against the mock cluster.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::*;
use crate::owner::Owner;
use crate::tests::on_mock::{Cluster, consumer, instance, on_mock, produce, read};

fn places(listed: &[(&str, i32)]) -> Value {
    let listed: Vec<Value> =
        listed.iter().map(|it| json!({"topic": it.0, "partition": it.1})).collect();
    json!({ "partitions": listed })
}

fn offset(partition: i32, offset: i64) -> Value {
    json!({"offsets": [{"topic": "orders", "partition": partition, "offset": offset}]})
}

async fn done(app: &App, path: &str, body: &Value) {
    let answer = post(app, path, body).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path} {body}: {}", answer.text);
}

/// Ten records, with their offsets as values, in partition 0, and an instance that reads it.
async fn assigned(options: Value) -> (App, Cluster, &'static str) {
    let (app, cluster) = on_mock();
    let records: Vec<Value> = (0..10).map(|it| json!({"value": it, "partition": 0})).collect();
    produce(&app, Value::Array(records)).await;
    let base = instance(&app, options).await;
    done(&app, &format!("{base}/assignments"), &places(&[("orders", 0)])).await;
    (app, cluster, base)
}

async fn values(app: &App, base: &str, count: usize) -> Vec<i64> {
    let records = read(app, base, count, "").await;
    records.iter().map(|it| it["value"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_reads_what_it_was_assigned() {
    let (app, _cluster, base) = assigned(json!({})).await;
    assert_eq!(values(&app, base, 10).await, (0..10).collect::<Vec<i64>>());
    let path = format!("{base}/assignments");
    insta::assert_snapshot!(get(&app, &path).await.text, @r#"{"partitions":[{"partition":0,"topic":"orders"}]}"#);
    // What it keeps goes on where it was.
    done(&app, &path, &places(&[("orders", 1), ("orders", 0), ("orders", 1)])).await;
    produce(&app, json!([{"value": 10, "partition": 0}, {"value": 11, "partition": 1}])).await;
    let mut rest = values(&app, base, 2).await;
    rest.sort_unstable();
    assert_eq!(rest, [10, 11]);
    done(&app, &path, &places(&[])).await;
    assert_eq!(get(&app, &path).await.text, r#"{"partitions":[]}"#);
    assert_eq!(get(&app, &format!("{base}/records?timeout=100")).await.text, "[]");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_goes_on_where_it_was_told() {
    let (app, _cluster, base) = assigned(json!({"auto.commit.enable": false})).await;
    let positions = format!("{base}/positions");
    done(&app, &positions, &offset(0, 7)).await;
    assert_eq!(values(&app, base, 3).await, [7, 8, 9]);
    let place = places(&[("orders", 0)]);
    done(&app, &format!("{positions}/beginning"), &place).await;
    // The rest waits here, and is dropped by the next seek.
    let first = get(&app, &format!("{base}/records?timeout=5000&max_bytes=1")).await;
    assert_eq!(first.json().as_array().unwrap().len(), 1);
    assert_eq!(first.json()[0]["value"], 0);
    done(&app, &positions, &offset(0, 5)).await;
    assert_eq!(values(&app, base, 5).await, [5, 6, 7, 8, 9]);
    done(&app, &format!("{positions}/end"), &place).await;
    produce(&app, json!([{"value": 10, "partition": 0}])).await;
    assert_eq!(values(&app, base, 1).await, [10]);
    done(&app, &positions, &offset(0, 2)).await;
    done(&app, &format!("{base}/offsets"), &json!({})).await;
    let request = Request::get(format!("{base}/offsets")).header(CONTENT_TYPE, JSON);
    let committed = send(&app, request.body(Body::from(place.to_string())).unwrap()).await;
    assert_eq!(committed.json()["offsets"][0]["offset"], 2, "the position that was set");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_goes_on_at_a_time() {
    let (app, _cluster, base) = assigned(json!({})).await;
    sleep(Duration::from_millis(20)).await;
    let then = model::Timestamp::now();
    sleep(Duration::from_millis(20)).await;
    produce(&app, json!([{"value": 10, "partition": 0}])).await;
    let at = |ms: i64| json!({"offsets": [{"topic": "orders", "partition": 0, "timestamp": ms}]});
    let positions = format!("{base}/positions");
    done(&app, &positions, &at(then.0)).await;
    assert_eq!(values(&app, base, 1).await, [10]);
    done(&app, &positions, &at(0)).await;
    assert_eq!(values(&app, base, 11).await.len(), 11);
    let entry = json!({"topic": "orders", "partition": 0, "timestamp": "2999-01-01T00:00:00Z"});
    done(&app, &positions, &json!({ "timestamps": [entry] })).await;
    produce(&app, json!([{"value": 11, "partition": 0}])).await;
    assert_eq!(values(&app, base, 1).await, [11], "nothing is so late: the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_and_its_positions_outlive_the_clients() {
    let (app, _cluster, base) = assigned(json!({"auto.commit.enable": false})).await;
    let suspend = || {
        app.sessions.close();
        app.consumers.sweep(model::Timestamp::now());
        assert!(!app.consumers.find(&Owner::Proxy, "g", "i").unwrap().is_live());
    };
    done(&app, &format!("{base}/positions"), &offset(0, 3)).await;
    suspend();
    assert_eq!(get(&app, &format!("{base}/assignments")).await.json(), places(&[("orders", 0)]));
    assert_eq!(values(&app, base, 7).await, [3, 4, 5, 6, 7, 8, 9]);
    suspend();
    done(&app, &format!("{base}/positions"), &offset(0, 8)).await;
    assert_eq!(values(&app, base, 2).await, [8, 9]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_a_group_seeks_what_the_group_gave_it() {
    let (app, _cluster) = on_mock();
    produce(&app, json!([{"value": 0, "partition": 0}, {"value": 1, "partition": 0}])).await;
    let base = consumer(&app, json!({})).await;
    let early = post(&app, &format!("{base}/positions"), &offset(0, 0)).await;
    insta::assert_snapshot!(early.text, @r#"{"error_code":40903,"message":"Partition TopicPartition{topic=orders,partition=0,offset=0,leader_epoch=None,error=None} is unassigned"}"#);
    assert_eq!(values(&app, base, 2).await, [0, 1]);
    let both = places(&[("orders", 0), ("orders", 1)]);
    assert_eq!(get(&app, &format!("{base}/assignments")).await.json(), both);
    done(&app, &format!("{base}/positions"), &offset(0, 1)).await;
    assert_eq!(values(&app, base, 1).await, [1]);
    // While it is away it has what it had.
    app.sessions.close();
    app.consumers.sweep(model::Timestamp::now());
    assert_eq!(get(&app, &format!("{base}/assignments")).await.json(), both);
    done(&app, &format!("{base}/positions"), &offset(0, 0)).await;
    assert_eq!(values(&app, base, 2).await, [0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seek_does_not_wait_for_a_long_poll_which_gets_what_is_there() {
    let (app, _cluster, base) = assigned(json!({})).await;
    assert_eq!(values(&app, base, 10).await.len(), 10);
    let path = format!("{base}/records?timeout=60000");
    let started = Instant::now();
    let later = async {
        sleep(Duration::from_millis(300)).await;
        done(&app, &format!("{base}/positions"), &offset(0, 9)).await;
    };
    let (polled, ()) = tokio::join!(get(&app, &path), later);
    assert_eq!(polled.json()[0]["value"], 9, "{}", polled.text);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_subscribes_or_is_assigned() {
    let (app, _cluster, base) = assigned(json!({})).await;
    let topics = json!({"topics": ["orders"]});
    let subscription = format!("{base}/subscription");
    let assignments = format!("{base}/assignments");
    let both = post(&app, &subscription, &topics).await;
    insta::assert_snapshot!(both.text, @r#"{"error_code":40903,"message":"IllegalStateError: You must choose only one way to configure your consumer: (1) subscribe to specific topics by name, (2) subscribe to topics matching a regex pattern, (3) assign itself specific topic-partitions."}"#);
    assert_eq!(values(&app, base, 10).await.len(), 10, "it still reads what it was assigned");
    assert_eq!(delete(&app, &subscription).await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&app, &assignments).await.text, r#"{"partitions":[]}"#);
    done(&app, &subscription, &topics).await;
    let both = post(&app, &assignments, &places(&[("orders", 0)])).await;
    insta::assert_snapshot!(both.text, @r#"{"error_code":40903,"message":"IllegalStateError"}"#);
    assert_eq!(get(&app, &subscription).await.text, r#"{"topics":["orders"]}"#);
    assert_eq!(delete(&app, &subscription).await.status, StatusCode::NO_CONTENT);
    done(&app, &assignments, &places(&[("orders", 1)])).await;
    produce(&app, json!([{"value": 10, "partition": 1}])).await;
    assert_eq!(values(&app, base, 1).await, [10], "the group takes nothing away any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_at_once() {
    let (app, _cluster) = on_mock();
    let base = instance(&app, json!({})).await;
    let mut answers = Vec::new();
    let mut note = |what: &str, answer: Answer| {
        answers.push(format!("{} {what} {}", answer.status.as_u16(), answer.text));
    };
    let started = Instant::now();
    note("unassigned seek", post(&app, &format!("{base}/positions"), &offset(0, 5)).await);
    for whither in ["beginning", "end"] {
        let path = format!("{base}/positions/{whither}");
        note(whither, post(&app, &path, &places(&[("orders", 0)])).await);
    }
    let nothing = places(&[("orders", 7), ("nope", 0)]);
    done(&app, &format!("{base}/assignments"), &nothing).await;
    note("records", get(&app, &format!("{base}/records?timeout=30000")).await);
    let path = format!("{base}/positions/end");
    note("end", post(&app, &path, &places(&[("orders", 7)])).await);
    note("end", post(&app, &path, &places(&[("nope", 0)])).await);
    note("missing", post(&app, &format!("{base}/assignments"), &json!({})).await);
    done(&app, &format!("{base}/assignments"), &places(&[])).await;
    done(&app, &format!("{base}/subscription"), &json!({"topics": ["nope"]})).await;
    note("subscribed", get(&app, &format!("{base}/records?timeout=30000")).await);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    insta::assert_snapshot!(answers.join("\n"), @r#"
    409 unassigned seek {"error_code":40903,"message":"Partition TopicPartition{topic=orders,partition=0,offset=5,leader_epoch=None,error=None} is unassigned"}
    409 beginning {"error_code":40903,"message":"Trying to reset unassigned partitions to beginning"}
    409 end {"error_code":40903,"message":"Trying to reset unassigned partitions to end"}
    404 records {"error_code":40403,"message":"Unknown topic or partition"}
    404 end {"error_code":40403,"message":"Unknown topic or partition"}
    404 end {"error_code":40403,"message":"Unknown topic or partition"}
    422 missing {"error_code":422,"message":"partitions missing from the request"}
    404 subscribed {"error_code":40403,"message":"Unknown topic or partition"}
    "#);
}
