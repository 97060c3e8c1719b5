//! Service users.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, SERVICE};

async fn usernames(api: &Api) -> Vec<String> {
    let service = api.get(SERVICE).await.ok();
    let users = service["service"]["users"].as_array().unwrap().clone();
    users.iter().map(|it| it["username"].as_str().unwrap().to_owned()).collect()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_user_is_made_shown_and_deleted(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let users = format!("{SERVICE}/user");
    let made = api.post(&users, json!({ "username": "alice" })).await.ok();
    assert_eq!(made["user"]["type"], "normal");
    assert_eq!(made["user"]["password"].as_str().unwrap().len(), 24);
    assert_eq!(usernames(&api).await, ["alice", "avnadmin"]);
    let again = api.post(&users, json!({ "username": "alice" })).await;
    assert_eq!(again.brief(), "409 Service user already exists");

    assert_eq!(api.delete(&format!("{users}/alice")).await.brief(), "200 deleted");
    assert_eq!(usernames(&api).await, ["avnadmin"]);
    let gone = "404 Service user does not exist";
    assert_eq!(api.get(&format!("{users}/alice")).await.brief(), gone);
    assert_eq!(api.delete(&format!("{users}/alice")).await.brief(), gone);
    let arn = "arn%3Aaws%3Aiam%3A%3A1%3Auser%2Fx%20y";
    assert_eq!(api.get(&format!("{users}/{arn}")).await.brief(), gone);
    // Kafka may still know the old one: it comes back with another password.
    let back = api.post(&users, json!({ "username": "alice" })).await.ok();
    assert_ne!(back["user"]["password"], made["user"]["password"]);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn names_that_cannot_be_principals_are_refused(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    for name in [" broker", "", "a b", "auth0|1", "a:b", &"x".repeat(65)] {
        let answer = api.post(&format!("{SERVICE}/user"), json!({ "username": name })).await;
        assert_eq!(answer.status, 400, "{name}");
        assert!(answer.brief().contains("1-64 of A-Z"), "{}", answer.brief());
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_primary_user_stays(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let answer = api.delete(&format!("{SERVICE}/user/avnadmin")).await;
    assert_eq!(answer.brief(), "403 Service user 'avnadmin' cannot be deleted");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn passwords_are_reset_to_a_given_or_to_a_random_one(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let user = format!("{SERVICE}/user/avnadmin");
    let password = async || api.get(&user).await.ok()["user"]["password"].clone();
    let first = password().await;

    let given = json!({ "operation": "reset-credentials", "new_password": "s3cret-s3cret" });
    let answer = api.put(&user, given).await.ok();
    assert_eq!(answer["message"], "updated");
    assert_eq!(answer["service"]["users"][0]["password"], "s3cret-s3cret");

    api.put(&user, json!({ "operation": "reset-credentials", "new_password": null })).await.ok();
    let second = password().await;
    assert!(second != first && second != "s3cret-s3cret");

    api.put(&user, json!({ "operation": "acknowledge-renewal" })).await.ok();
    assert_eq!(password().await, second);
    api.call("PUT", &format!("{SERVICE}/credentials/reset"), None).await.ok();
    assert_ne!(password().await, second);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_password_that_is_refused_is_not_repeated(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let user = format!("{SERVICE}/user/avnadmin");
    for password in ["short", "with space in it", "\u{fc}ml\u{e4}ute!"] {
        let body = json!({ "operation": "reset-credentials", "new_password": password });
        let answer = api.put(&user, body).await;
        assert_eq!(answer.status, 400);
        assert!(!answer.body.to_string().contains(password), "{}", answer.body);
    }
    let unknown = api.put(&user, json!({ "operation": "promote" })).await;
    assert_eq!(unknown.status, 400);
    assert_ne!(unknown.body["message"], Value::Null);
}
