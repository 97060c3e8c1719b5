//! Tags, the end of a service, and what an update would do.

use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, SERVICE};

const DRY: &str = "/v1/project/dev/service/my-kafka?dry_run=true&limit=999";

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_terminated_service_is_gone_for_everybody_at_once(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    api.put(SERVICE, json!({ "termination_protection": true })).await.ok();
    let refused = api.call("DELETE", SERVICE, None).await;
    assert_eq!(
        refused.brief(),
        "403 Service is protected against termination and shutdown. Remove termination protection \
         first."
    );
    api.put(SERVICE, json!({ "termination_protection": false })).await.ok();
    assert_eq!(api.call("DELETE", SERVICE, None).await.brief(), "200 terminated");
    assert_eq!(api.get(SERVICE).await.brief(), "404 Service does not exist");
    assert_eq!(api.get("/v1/project/dev/service").await.ok()["services"], json!([]));
    let body = json!({ "service_name": "my-kafka", "service_type": "kafka", "plan": "startup-2" });
    let again = api.post("/v1/project/dev/service", body).await;
    assert_eq!(
        again.brief(),
        "409 A service of that name is being terminated, try again in a moment"
    );
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn tags_are_kept_and_shown(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let path = format!("{SERVICE}/tags");
    let patch = async |tags: Value| api.call("PATCH", &path, Some(json!({ "tags": tags }))).await;
    assert_eq!(patch(json!({ "a": "b", "c": "d" })).await.brief(), "200 tags updated");
    patch(json!({ "c": null })).await.ok();
    assert_eq!(api.get(&path).await.ok()["tags"], json!({ "a": "b" }));
    assert_eq!(api.get(SERVICE).await.ok()["service"]["tags"], json!({ "a": "b" }));
    api.put(&path, json!({ "tags": { "x": "y" } })).await.ok();
    assert_eq!(api.get(&path).await.ok()["tags"], json!({ "x": "y" }));
    let bad = patch(json!({ "a\nb": "c" })).await;
    assert_eq!(
        bad.brief(),
        "400 Invalid 'tags': 'a\\nb': a key is 1-128 characters without control characters"
    );
    let many: serde_json::Map<_, _> = (0..50).map(|it| (it.to_string(), json!("v"))).collect();
    assert_eq!(
        patch(Value::Object(many)).await.brief(),
        "400 Invalid 'tags': a service has 50 at most"
    );
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_dry_run_says_what_would_follow_and_changes_nothing(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let before = api.service().await;
    let body = json!({
        "plan": "business-4",
        "user_config": { "kafka": { "connections_max_idle_ms": 540_000, "log_retention_ms": 1000 } },
        "termination_protection": true,
    });
    let answer = api.put(DRY, body.clone()).await.ok();
    assert_eq!(answer["message"], "nothing was changed: this was a dry run");
    let told = &answer["tidegate"];
    assert_eq!(told["dry_run"], true);
    assert_eq!(
        told["diff"],
        json!([
            { "key": "termination_protection", "before": false, "after": true },
            { "key": "user_config.kafka.connections_max_idle_ms", "before": null, "after": 540_000 },
            { "key": "user_config.kafka.log_retention_ms", "before": null, "after": 1000 },
        ])
    );
    assert_eq!(told["impact"]["rolling_restart"], json!(["connections.max.idle.ms"]));
    assert_eq!(told["impact"]["dynamic"], json!(["log.retention.ms"]));
    assert_eq!((&told["rollout"], &told["forecast"]), (&Value::Null, &Value::Null), "no Kafka");
    assert_eq!(api.service().await, before);
    let done = api.put(SERVICE, body).await.ok();
    assert_eq!(done["tidegate"]["dry_run"], false);
    assert_eq!(done["tidegate"]["diff"], told["diff"]);
    let again = api.put(DRY, json!({ "termination_protection": true })).await.ok();
    assert_eq!(again["tidegate"]["diff"], json!([]));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_dry_run_refuses_what_the_update_would_refuse(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let body = json!({ "user_config": { "kafka": { "log_segment_bytes": 1 } } });
    let (dry, real) = (api.put(DRY, body.clone()).await, api.put(SERVICE, body).await);
    assert_eq!(dry.status, StatusCode::BAD_REQUEST);
    assert_eq!(dry.body, real.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_proxy_that_asks_for_no_token_is_warned_of_where_people_look(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let open = json!({ "user_config": { "kafka_rest_authorization": false } });
    let notified = &api.get(SERVICE).await.ok()["service"]["service_notifications"];
    assert_eq!(notified[0]["type"], "kafka_rest_without_authorization");
    assert_eq!(notified[0]["level"], "warning");
    api.update(json!({ "kafka_rest_authorization": true })).await.ok();
    assert_eq!(api.get(SERVICE).await.ok()["service"]["service_notifications"], json!([]));
    let told = api.put(DRY, open).await.ok();
    assert!(told["tidegate"]["warnings"][0].as_str().unwrap().contains("without a token"));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_effective_configuration_names_the_origin_of_each_value(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let config = api.get(&format!("{SERVICE}/config")).await.ok();
    assert_eq!(config["is_current"], true);
    let option = |key: &str| {
        let options = config["options"].as_array().unwrap();
        options.iter().find(|it| it["key"] == key).unwrap().clone()
    };
    let of = |key: &str| (option(key)["value"].clone(), option(key)["origin"].clone());
    assert_eq!(of("kafka_rest"), (json!(true), json!("user")));
    assert_eq!(of("kafka.min_insync_replicas"), (json!(2), json!("derived")));
    assert_eq!(option("kafka.log_segment_bytes")["update"], "dynamic");
    let properties = config["properties"].as_array().unwrap();
    let heap = properties.iter().find(|it| it["name"] == "-Xmx512m").unwrap();
    assert_eq!((&heap["origin"], &heap["place"]), (&json!("plan"), &json!("jvm")));
    let text = config.to_string();
    assert!(text.contains("${secrets:secrets.properties:admin}"), "passwords are references");
}
