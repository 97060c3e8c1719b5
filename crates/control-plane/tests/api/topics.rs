//! Topics while Kafka is away: what can be said without it. The rest is in the end-to-end suite.

use http::header::RETRY_AFTER;
use serde_json::{Value, json};
use sqlx::PgPool;
use store::DesiredTopic;

use crate::harness::{Api, SERVICE};

fn topics() -> String {
    format!("{SERVICE}/topic")
}

/// As `avn` sends it, nulls and all.
fn topic(fields: &Value) -> Value {
    let mut body = json!({
        "cleanup_policy": "delete", "min_insync_replicas": null, "topic_name": "invoices",
        "partitions": 3, "replication": 3, "retention_bytes": null, "retention_hours": 2,
        "tags": [{ "key": "BU", "value": "FINANCE" }],
    });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn without_kafka_it_is_later_and_nothing_is_written(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let one = format!("{}/invoices", topics());
    let (create, empty) = (topic(&json!({})), json!({}));
    let mut requests = vec![("POST", topics(), Some(create)), ("GET", topics(), None)];
    requests.extend([("GET", one.clone(), None), ("PUT", one.clone(), Some(empty))]);
    requests.push(("DELETE", one, None));
    for (method, path, body) in requests {
        let answer = api.call(method, &path, body).await;
        let expected = "503 Kafka cannot be reached at the moment, try again later";
        assert_eq!(answer.brief(), expected, "{method} {path}");
        assert!(answer.headers.contains_key(RETRY_AFTER));
    }
    assert_eq!(api.store.topics.list(api.service().await.id).await.unwrap(), []);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_a_rolling_restart_would_take_offline_is_refused(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut answers = Vec::new();
    for fields in [
        json!({ "replication": 1 }),
        json!({ "replication": 4 }),
        json!({ "min_insync_replicas": 3 }),
        json!({ "replication": 2, "min_insync_replicas": 2 }),
        json!({ "config": { "min_insync_replicas": 3 } }),
        json!({ "partitions": 0 }),
        json!({ "partitions": 10_001 }),
        json!({ "topic_name": "a/b" }),
        json!({ "topic_name": "__consumer_offsets" }),
        json!({ "retention_hours": -5 }),
        json!({ "config": { "remote_storage_enable": true } }),
        json!({ "owner_user_group_id": "ug1" }),
    ] {
        answers.push(api.post(&topics(), topic(&fields)).await.brief());
    }
    insta::assert_debug_snapshot!(answers);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_topic_that_is_known_can_be_deleted_without_kafka(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let service = api.service().await.id;
    let desired = DesiredTopic {
        name: "orders".parse().unwrap(),
        partitions: 3,
        replication: 3,
        config: [].into(),
        tags: Vec::new(),
        deleting: false,
        problem: None,
    };
    api.store.topics.create(service, &desired, &"test".into()).await.unwrap();
    let path = format!("{}/orders", topics());
    assert_eq!(api.delete(&path).await.brief(), "200 deleted");
    assert!(api.store.topics.list(service).await.unwrap()[0].deleting);
    assert_eq!(api.delete(&path).await.brief(), "404 Topic does not exist");
}
