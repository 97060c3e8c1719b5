//! Client quotas.

use model::{ClientQuota, QuotaEntity, QuotaKey, QuotaName};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, SERVICE};

const ARN: &str = "arn%3Aaws%3Aiam%3A%3A1%3Auser%2Fx%20y";

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_quota_is_set_changed_shown_and_deleted(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let path = format!("{SERVICE}/quota");
    let user = "arn:aws:iam::1:user/x y";
    let body =
        json!({ "user": user, "consumer_byte_rate": 1_048_576.0, "request_percentage": 25.5 });
    assert_eq!(api.post(&path, body).await.brief(), "200 created");
    // What is not given stays.
    let body = json!({ "user": user, "consumer_byte_rate": 5, "producer_byte_rate": null });
    api.post(&path, body).await.ok();
    let body = json!({ "user": "default", "client-id": "default", "producer_byte_rate": 7.0 });
    api.post(&path, body).await.ok();
    let of_everybody: Value = json!({
        "client-id": "default", "user": "default", "consumer_byte_rate": null,
        "producer_byte_rate": 7.0, "request_percentage": null,
    });
    let of_user: Value = json!({
        "client-id": null, "user": user, "consumer_byte_rate": 5.0, "producer_byte_rate": null,
        "request_percentage": 25.5,
    });
    let listed = api.get(&path).await.ok();
    assert_eq!(listed["quotas"], json!([of_everybody, of_user]));
    let described = async |query: &str| api.get(&format!("{path}/describe?{query}")).await;
    assert_eq!(described(&format!("user={ARN}")).await.ok()["quota"], of_user);
    let both = "client-id=default&user=default";
    assert_eq!(described(both).await.ok()["quota"], of_everybody);

    assert_eq!(api.delete(&format!("{path}?user={ARN}")).await.brief(), "200 deleted");
    for gone in [format!("user={ARN}"), "user=default".into(), "client-id=default".into()] {
        let missing = "404 Quota does not exist";
        assert_eq!(described(&gone).await.brief(), missing, "{gone}");
        assert_eq!(api.delete(&format!("{path}?{gone}")).await.brief(), missing, "{gone}");
    }
    assert_eq!(api.get(&path).await.ok()["quotas"], json!([of_everybody]));

    // Kafka may still have it: the orchestrator has to know.
    let name = QuotaName::parse("user", user).unwrap();
    let entity = QuotaEntity::new(Some(name), None).unwrap();
    let stored = api.store.quotas.list(api.service().await.id).await.unwrap();
    let quota = ClientQuota { entity, key: QuotaKey::RequestPercentage };
    assert_eq!(stored.get(&quota), Some(&None));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_is_wrong_with_a_quota_is_named(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let path = format!("{SERVICE}/quota");
    let mut answers = Vec::new();
    for body in [
        json!({ "consumer_byte_rate": 1 }),
        json!({ "user": "a" }),
        json!({ "user": "", "consumer_byte_rate": 1 }),
        json!({ "user": " admin", "consumer_byte_rate": 1 }),
        json!({ "client-id": "a\tb", "consumer_byte_rate": 1 }),
        json!({ "user": "a", "consumer_byte_rate": 0 }),
        json!({ "user": "a", "producer_byte_rate": 0.5 }),
        json!({ "user": "a", "consumer_byte_rate": 1, "request_percentage": -1 }),
        json!({ "user": "a", "consumer_byte_rate": "many" }),
    ] {
        answers.push(api.post(&path, body).await.brief());
    }
    for at in [path.clone(), format!("{path}?user=")] {
        answers.push(api.delete(&at).await.brief());
    }
    answers.push(api.get(&format!("{path}/describe")).await.brief());
    insta::assert_debug_snapshot!(answers);
    assert_eq!(api.get(&path).await.ok()["quotas"], json!([]));
}
