//! Aiven's ACL entries.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, SERVICE};

fn entry(permission: &str, topic: &str, username: &str) -> Value {
    json!({ "permission": permission, "topic": topic, "username": username })
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn entries_are_added_listed_and_deleted(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let acl = format!("{SERVICE}/acl");
    let added = api.post(&acl, entry("readwrite", "topic2020*", "*userA")).await.ok();
    assert_eq!(added["message"], "added");
    assert_eq!(added["acl"][0]["id"], "default");
    let id = added["acl"][1]["id"].as_str().unwrap().to_owned();
    assert!(id.len() == 14 && id.starts_with("acl"), "{id}");
    assert_eq!(
        api.post(&acl, entry("readwrite", "topic2020*", "*userA")).await.brief(),
        "409 Identical ACL entry already exists"
    );
    for path in [&acl, &format!("{SERVICE}/kafka/acl")] {
        assert_eq!(api.get(path).await.ok()["acl"], added["acl"]);
    }
    let deleted = api.delete(&format!("{acl}/{id}")).await.ok();
    assert_eq!(deleted["message"], "deleted");
    assert_eq!(deleted["acl"].as_array().unwrap().len(), 1);
    assert_eq!(api.delete(&format!("{acl}/{id}")).await.brief(), "404 ACL does not exist");
    assert_eq!(api.delete(&format!("{acl}/default")).await.brief(), "200 deleted");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_is_wrong_with_an_entry_is_named(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut answers = Vec::new();
    for (permission, topic, username) in
        [("own", "t", "a"), ("read", "", "a"), ("read", "t/1", "a"), ("read", "t", "auth0|1")]
    {
        let answer = api.post(&format!("{SERVICE}/acl"), entry(permission, topic, username)).await;
        answers.push(answer.brief());
    }
    insta::assert_debug_snapshot!(answers);
    assert_eq!(api.get(&format!("{SERVICE}/acl")).await.ok()["acl"].as_array().unwrap().len(), 1);
}
