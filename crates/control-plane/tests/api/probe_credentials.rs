//! With what the platform logs in to show that a node lets it in.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, SERVICE};

fn path() -> String {
    format!("{SERVICE}/probe-credentials")
}

fn credentials(more: &Value) -> Value {
    let mut body = json!({
        "token_url": "https://idp.example.com/token", "client_id": "probe",
        "client_secret": "hunter2", "parameters": { "audience": "kafka" },
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn they_are_set_shown_without_the_secret_and_deleted(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let none = "404 Probe credentials does not exist";
    assert_eq!(api.get(&path()).await.brief(), none);
    let set = api.put(&path(), credentials(&json!({}))).await.ok();
    assert_eq!(
        set["probe_credentials"],
        json!({
            "token_url": "https://idp.example.com/token", "client_id": "probe",
            "parameters": { "audience": "kafka" },
        })
    );
    assert_eq!(api.get(&path()).await.ok(), set);
    let service = api.service().await.id;
    let stored = api.store.services.probe(service).await.unwrap().unwrap();
    assert_eq!(stored.client_secret.expose(), "hunter2");
    let events = api.get("/v1/project/dev/events").await.ok().to_string();
    assert!(events.contains("service_probe_update") && !events.contains("hunter2"), "{events}");
    assert_eq!(api.delete(&path()).await.brief(), "200 deleted");
    assert_eq!(api.delete(&path()).await.brief(), none);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_is_wrong_with_them_is_named_and_the_secret_is_not(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut answers = Vec::new();
    for more in [
        json!({ "token_url": "http://idp.example.com/token" }),
        json!({ "token_url": "https://10.0.0.1/token" }),
        json!({ "token_url": "https://user:pw@idp.example.com/" }),
        json!({ "client_id": "" }),
        json!({ "client_secret": "" }),
        json!({ "parameters": { "grant_type": "password" } }),
        json!({ "scope": "x" }),
    ] {
        let answer = api.put(&path(), credentials(&more)).await;
        assert!(!answer.body.to_string().contains("hunter2"));
        answers.push(answer.brief());
    }
    insta::assert_debug_snapshot!(answers);
}
