//! What Kafka refuses, as the API says it.

use serde_json::json;
use sqlx::PgPool;
use store::Aggregate;

use crate::harness::{Api, SERVICE};

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_kafka_refuses_is_shown_until_it_does_not(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let problems = async || api.get(&format!("{SERVICE}/problems")).await.ok()["problems"].clone();
    let notifications = async || {
        let service = api.get(SERVICE).await.ok()["service"]["service_notifications"].clone();
        let all = service.as_array().unwrap().clone();
        all.into_iter().filter(|it| it["type"] == "user_alert").collect::<Vec<_>>()
    };
    assert_eq!(problems().await, json!([]));
    assert!(notifications().await.is_empty());
    let service = api.service().await.id;
    let refused = [("user alice".to_owned(), "Kafka answered POLICY_VIOLATION".to_owned())].into();
    api.store.refusals.replace(service, Aggregate::Quota, &refused).await.unwrap();
    let shown = problems().await;
    assert_eq!(shown[0]["aggregate"], "quota");
    assert_eq!(shown[0]["name"], "user alice");
    assert_eq!(shown[0]["message"], "Kafka answered POLICY_VIOLATION");
    assert!(shown[0]["since"].as_str().unwrap().ends_with('Z'));
    let alerts = notifications().await;
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0]["level"], "warning");
    let text = "Kafka refuses quota user alice: Kafka answered POLICY_VIOLATION";
    assert_eq!(alerts[0]["message"], text);
    assert_eq!(alerts[0]["metadata"]["since"], shown[0]["since"]);
    let listed = api.get("/v1/project/dev/service").await.ok();
    let listed = listed["services"][0]["service_notifications"].as_array().unwrap().clone();
    assert!(listed.contains(&alerts[0]), "in the list too");
    api.store.refusals.replace(service, Aggregate::Quota, &[].into()).await.unwrap();
    assert_eq!(problems().await, json!([]));
    assert!(notifications().await.is_empty());
}
