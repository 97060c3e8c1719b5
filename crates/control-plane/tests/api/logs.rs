//! What the platform did to a service, and what its brokers denied, as one log.

use http::StatusCode;
use model::{Denial, DenialRule, Denied, NodeId, ShownText, Timestamp};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, SERVICE};

fn logs() -> String {
    format!("{SERVICE}/logs")
}

fn denial(topic: &str, times: u64, last: Timestamp) -> Denial {
    let denied = Denied {
        principal: ShownText::of("alice"),
        host: ShownText::of("10.0.0.7"),
        operation: ShownText::of("Write"),
        resource_type: ShownText::of("Topic"),
        resource_name: ShownText::of(topic),
        request: ShownText::of("Produce"),
        rule: Some(DenialRule::NoEntry),
    };
    Denial { node: NodeId(2), denied: Some(denied), times, last }
}

async fn deny(api: &Api, topic: &str) {
    let now = Timestamp::now();
    let service = api.service().await.id;
    api.store.denials.record(service, &[denial(topic, 12, now)], now).await.unwrap();
}

async fn read(api: &Api, query: Value) -> Value {
    api.post(&logs(), query).await.ok()
}

/// All pages of a line each, from `query` on.
async fn paged(api: &Api, mut query: Value) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let answer = read(api, query.clone()).await;
        match answer["logs"].as_array().unwrap().as_slice() {
            [] => return all,
            lines => all.extend(lines.to_vec()),
        }
        query["offset"] = answer["offset"].clone();
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_brokers_denied_is_a_line_among_the_events(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let before = read(&api, json!({})).await;
    let events = before["logs"].as_array().unwrap().len();
    deny(&api, "orders\n").await;
    let answer = read(&api, json!({})).await;
    let lines = answer["logs"].as_array().unwrap();
    assert_eq!(lines.len(), events + 1);
    let new = &lines[events..];
    let line = &new[0];
    let expected = json!({
        "time": line["time"],
        "hostname": "my-kafka-2",
        "unit": "kafka",
        "msg": "access_denied: User:alice from 10.0.0.7 was denied Write on Topic 'orders\\n' by \
                Produce, 12 times: no ACL entry allows it",
    });
    assert_eq!(line, &expected);
    // Who followed before hears of it, and of nothing else.
    let offset = &before["offset"];
    assert_eq!(paged(&api, json!({ "limit": 1, "offset": offset })).await, new);
    // As does who has the offset of a version that knew events only.
    let old = offset.as_str().unwrap().split(['.', '+']).next();
    assert_eq!(paged(&api, json!({ "limit": 1, "offset": old })).await, new);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn pages_both_ways_have_each_line_once(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    for topic in ["a", "b", "c"] {
        deny(&api, topic).await;
        api.put(SERVICE, json!({ "maintenance": { "dow": "monday", "time": "03:00:00" } }))
            .await
            .ok();
        deny(&api, topic).await;
    }
    let all = read(&api, json!({})).await;
    let lines = all["logs"].as_array().unwrap().clone();
    let denied = lines.iter().filter(|it| it["unit"] == "kafka").count();
    assert!(denied == 6 && lines.len() >= 7, "{lines:?}");
    let backwards: Vec<Value> = lines.iter().rev().cloned().collect();
    for limit in [1, 2, 4] {
        let forwards = json!({ "limit": limit, "offset": "0" });
        assert_eq!(paged(&api, forwards).await, lines, "pages of {limit}");
        let desc = json!({ "limit": limit, "sort_order": "desc" });
        assert_eq!(paged(&api, desc).await, backwards, "pages of {limit}");
    }
    let first = &all["first_log_offset"];
    assert_eq!(paged(&api, json!({ "limit": 2, "offset": first })).await, lines[1..]);
    let end = json!({ "limit": 5, "offset": all["offset"] });
    assert_eq!(read(&api, end).await["offset"], all["offset"], "it stays where it is");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_offset_that_is_none_is_refused(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    for offset in ["", "yesterday", "-1", "1.x", "99999999999999999999"] {
        let answer = api.post(&logs(), json!({ "offset": offset })).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{offset}");
        let expected =
            format!("Invalid 'offset' '{offset}': it has to be the 'offset' of an earlier answer");
        assert_eq!(answer.body["message"], json!(expected));
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn denials_of_another_service_are_not_shown(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    deny(&api, "t").await;
    let body = json!({ "service_name": "other", "service_type": "kafka", "plan": "business-4" });
    api.post("/v1/project/dev/service", body).await.ok();
    let answer = api.post("/v1/project/dev/service/other/logs", json!({})).await.ok();
    let lines = answer["logs"].as_array().unwrap();
    assert!(!lines.is_empty() && lines.iter().all(|it| it["unit"] != "kafka"), "{lines:?}");
}
