//! Kafka-native ACL entries.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, SERVICE};

/// What `avn service kafka-acl-add` sends.
fn entry(principal: &str, permission_type: &str) -> Value {
    json!({
        "principal": principal, "host": "*", "resource_name": "orders", "resource_type": "Topic",
        "pattern_type": "PREFIXED", "operation": "Read", "permission_type": permission_type,
    })
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn entries_are_added_shown_and_deleted(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let path = format!("{SERVICE}/kafka/acl");
    let added = api.post(&path, entry("User:auth0|1", "DENY")).await.ok();
    assert_eq!(added["message"], "added");
    let id = added["acl"]["id"].as_str().unwrap().to_owned();
    assert!(id.len() == 14 && id.starts_with("acl"), "{id}");
    let mut expected = entry("User:auth0|1", "DENY");
    expected["id"] = json!(id);
    assert_eq!(added["acl"], expected);
    assert_eq!(
        api.post(&path, entry("User:auth0|1", "DENY")).await.brief(),
        "409 Identical ACL entry already exists"
    );
    api.post(&path, entry("User:auth0|1", "ALLOW")).await.ok();

    let listed = api.get(&path).await.ok();
    assert_eq!(listed["acl"][0]["id"], "default");
    assert_eq!(listed["kafka_acl"].as_array().unwrap().len(), 2);
    assert_eq!(listed["kafka_acl"][0], expected);
    assert_eq!(api.get(SERVICE).await.ok()["service"]["kafka_acl"], listed["kafka_acl"]);
    assert_eq!(api.get(&format!("{path}/{id}")).await.ok()["acl"], expected);

    let deleted = api.delete(&format!("{path}/{id}")).await.ok();
    assert_eq!(deleted["message"], "deleted");
    assert_eq!(deleted["kafka_acl"].as_array().unwrap().len(), 1);
    for gone in [id.as_str(), "default", "acl", "a%2Fb"] {
        let at = format!("{path}/{gone}");
        assert_eq!(api.get(&at).await.brief(), "404 ACL does not exist", "{gone}");
        assert_eq!(api.delete(&at).await.brief(), "404 ACL does not exist", "{gone}");
    }
    // The other kind keeps its own.
    assert_eq!(api.get(&format!("{SERVICE}/acl")).await.ok()["acl"][0]["id"], "default");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn every_host_is_meant_where_none_is_given(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut body = entry("User:*", "ALLOW");
    body.as_object_mut().unwrap().remove("host");
    let added = api.post(&format!("{SERVICE}/kafka/acl"), body).await.ok();
    assert_eq!(added["acl"]["host"], "*");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_is_wrong_with_an_entry_is_named(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut answers = Vec::new();
    for change in [
        json!({ "principal": "alice" }),
        json!({ "principal": "User: admin" }),
        json!({ "principal": "User:alice*", "permission_type": "DENY" }),
        json!({ "principal": "User:auth0|*" }),
        json!({ "host": "10.0.0.0/8" }),
        json!({ "resource_type": "Broker" }),
        json!({ "resource_name": "" }),
        json!({ "resource_name": "or*ders" }),
        json!({ "resource_type": "Cluster" }),
        json!({ "resource_type": "Cluster", "resource_name": "kafka-cluster", "operation": "Alter" }),
        json!({ "pattern_type": "MATCH" }),
        json!({ "operation": "read" }),
        json!({ "operation": "ClusterAction" }),
        json!({ "permission_type": "MAYBE" }),
    ] {
        let mut body = entry("User:alice", "ALLOW");
        let change = change.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(change);
        answers.push(api.post(&format!("{SERVICE}/kafka/acl"), body).await.brief());
    }
    insta::assert_debug_snapshot!(answers);
    let listed = api.get(&format!("{SERVICE}/kafka/acl")).await.ok();
    assert_eq!(listed["kafka_acl"], json!([]));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_beginning_may_be_written_as_the_documentation_has_it(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let entry = |resource_type: &str| {
        json!({
            "principal": "User:analyst", "host": "*", "resource_type": resource_type,
            "resource_name": "logs-*", "pattern_type": "PREFIXED", "operation": "Read",
            "permission_type": "ALLOW",
        })
    };
    let path = format!("{SERVICE}/kafka/acl");
    let topics = api.post(&path, entry("Topic")).await.ok();
    assert_eq!(topics["acl"]["resource_name"], "logs-");
    // A group may be called so.
    let groups = api.post(&path, entry("Group")).await.ok();
    assert_eq!(groups["acl"]["resource_name"], "logs-*");
}
