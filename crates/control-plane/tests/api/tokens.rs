//! API tokens, as their owners make and revoke them.

use http::StatusCode;
use model::{Grants, Role, Scope};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, OTHER_TOKEN, SERVICE, TOKEN, add_token};

const TOKENS: &str = "/v1/access_token";

async fn make(api: &Api, by: &str, body: Value) -> Value {
    let made = api.call_as(by, "POST", TOKENS, Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    made.ok()
}

fn full(made: &Value) -> String {
    made["full_token"].as_str().unwrap().to_owned()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_token_is_shown_once_and_does_what_its_maker_may(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let scope = Scope::Project("dev".parse().unwrap());
    add_token(&api.store, "weak", Grants::one(scope, Role::ReadOnly)).await;
    let body = json!({ "description": "d", "extend_when_used": false, "max_age_seconds": null });
    let made = make(&api, "weak", body).await;
    let token = full(&made);
    api.call_as(&token, "GET", SERVICE, None).await.ok();
    let refused = api.call_as(&token, "PUT", SERVICE, None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let listed = api.call_as("weak", "GET", TOKENS, None).await.ok();
    assert!(!listed.to_string().contains(&token));
    let prefix = made["token_prefix"].as_str().unwrap();
    assert!(token.starts_with(prefix) && prefix.len() < 20, "{prefix}");
    let one = listed["tokens"].as_array().unwrap().iter().find(|it| it["token_prefix"] == prefix);
    let one = one.unwrap();
    assert_eq!(one["description"], "d");
    assert!(one["last_used_time"].is_string(), "{one}");
    assert_eq!(one["expiry_time"], Value::Null);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_token_is_described_anew_and_revoked_by_its_owner_only(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let made = make(&api, TOKEN, json!({})).await;
    let path = format!("{TOKENS}/{}", made["token_prefix"].as_str().unwrap());
    let new = || Some(json!({ "description": "new" }));
    let described = api.call("PUT", &path, new()).await.ok();
    assert_eq!(described["description"], "new");
    for (method, body) in [("PUT", new()), ("DELETE", None)] {
        let others = api.call_as(OTHER_TOKEN, method, &path, body).await;
        assert_eq!(others.brief(), "404 Access token does not exist");
    }
    // `avn user logout` sends the whole token.
    let whole = format!("{TOKENS}/{}", full(&made));
    assert_eq!(api.call("DELETE", &whole, None).await.brief(), "200 revoked");
    let gone = api.call_as(&full(&made), "GET", "/v1/me", None).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
    assert_eq!(api.call("DELETE", &whole, None).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn expiring_all_tokens_ends_the_one_that_asks_and_no_others(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let made = full(&make(&api, TOKEN, json!({})).await);
    assert_eq!(api.call("POST", "/v1/me/expire_tokens", None).await.brief(), "200 tokens expired");
    for token in [TOKEN, made.as_str()] {
        let answer = api.call_as(token, "GET", "/v1/me", None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    api.call_as(OTHER_TOKEN, "GET", "/v1/me", None).await.ok();
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_age_or_a_description_that_makes_no_sense_is_refused(pool: PgPool) {
    let api = Api::empty(&pool).await;
    for age in [0, -1, i64::MAX] {
        let answer = api.post(TOKENS, json!({ "max_age_seconds": age })).await;
        let expected =
            format!("400 Invalid 'max_age_seconds': {age}: it is not between 1 and 3153600000");
        assert_eq!(answer.brief(), expected);
    }
    let answer = api.post(TOKENS, json!({ "description": "x".repeat(1001) })).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = api.post(TOKENS, json!({ "description": "a\u{0}b" })).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let listed = api.get(TOKENS).await.ok();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1, "only the one that asks");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn there_are_no_passwords_to_sign_in_with(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let body = json!({ "email": "a@b.c", "password": "x" });
    let answer = api.post("/v1/userauth", body).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body["message"].as_str().unwrap().contains("avn user login --token"));
}
