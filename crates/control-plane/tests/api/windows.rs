//! Changes that wait for the maintenance window.

use model::Timestamp;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, SERVICE};

/// Two days from now: closed for longer than any test takes.
fn far_day() -> &'static str {
    const DAYS: [&str; 7] =
        ["thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday"];
    let today = Timestamp::now().0 / 86_400_000;
    DAYS[usize::try_from((today + 2) % 7).unwrap()]
}

async fn in_window(api: &Api, user_config: Value) -> Value {
    let body = json!({
        "maintenance": { "dow": far_day(), "time": "03:00:00" },
        "tidegate": { "apply": "in_maintenance_window" },
        "user_config": user_config,
    });
    api.put(SERVICE, body).await.ok()
}

fn restarts() -> Value {
    json!({ "kafka": { "group_max_session_timeout_ms": 1_700_000 } })
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_change_waits_and_says_until_when(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    assert_eq!(api.get(SERVICE).await.ok()["service"]["tidegate"]["apply"], "now");
    let answer = in_window(&api, restarts()).await;
    let rollout = &answer["tidegate"]["rollout"];
    assert_eq!(rollout["state"], "waiting_for_window");
    let opens = rollout["opens_at"].as_str().unwrap();
    assert!(opens.ends_with("T03:00:00Z"), "{opens}");
    let service = &answer["service"];
    assert_eq!(service["state"], "REBUILDING");
    assert_eq!(service["tidegate"]["apply"], "in_maintenance_window");
    assert_eq!(service["tidegate"]["rollout"], *rollout);
    let updates = service["maintenance"]["updates"].as_array().unwrap();
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0]["start_at"], *opens);
    let id = rollout["id"].as_str().unwrap();
    let shown = api.get(&format!("{SERVICE}/rollouts/{id}")).await.ok();
    assert_eq!(shown["rollout"]["window"]["opens_at"], *opens);
    assert_eq!(shown["rollout"]["estimated_end"], Value::Null);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn maintenance_start_starts_it_now(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let start = async || {
        let path = format!("{SERVICE}/maintenance/start");
        api.call("PUT", &path, None).await.ok()["message"].take()
    };
    let nothing = "service is up to date, maintenance not required";
    assert_eq!(start().await, nothing);
    in_window(&api, restarts()).await;
    assert_eq!(start().await, "maintenance started");
    let service = api.get(SERVICE).await.ok()["service"].take();
    assert_eq!(service["maintenance"]["updates"], json!([]));
    assert_eq!(service["tidegate"]["rollout"]["state"], "running");
    assert_eq!(start().await, nothing, "it waits for nothing any more");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_rollout_can_be_asked_for_in_the_window_and_started_before(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let maintenance = json!({ "maintenance": { "dow": far_day(), "time": "03:00:00" } });
    api.put(SERVICE, maintenance).await.ok();
    let body = json!({ "all_nodes": true, "in_maintenance_window": true });
    let answer = api.post(&format!("{SERVICE}/rollouts"), body).await.ok();
    assert_eq!(answer["rollout"]["state"], "waiting_for_window");
    let path = format!("{SERVICE}/rollouts/{}", answer["rollout"]["id"].as_str().unwrap());
    let now = api.post(&format!("{path}/start-now"), json!({})).await;
    assert_eq!(now.brief(), "202 it waits for no window any more");
    assert_eq!(now.body["rollout"]["state"], "running");
    assert_eq!(now.body["rollout"]["window"], Value::Null);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_window_that_never_opens_is_nothing_to_wait_for(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let before = api.service().await;
    let mut answers = Vec::new();
    for body in [
        json!({ "tidegate": { "apply": "in_maintenance_window" } }),
        json!({ "tidegate": { "apply": "in_maintenance_window" }, "maintenance": { "dow": "never" } }),
        json!({ "tidegate": { "apply": "tomorrow" } }),
        json!({ "tidegate": { "when": "now" } }),
    ] {
        answers.push(api.put(SERVICE, body).await.brief());
    }
    insta::assert_debug_snapshot!(answers);
    assert_eq!(api.service().await, before);
    // As it is: nothing changes.
    api.put(SERVICE, json!({ "tidegate": { "apply": "now" } })).await.ok();
    assert_eq!(api.service().await, before);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_change_that_is_to_be_made_now_does_not_wait(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    in_window(&api, json!({})).await;
    let body = json!({ "tidegate": { "apply": "now" }, "user_config": restarts() });
    let answer = api.put(SERVICE, body).await.ok();
    assert_eq!(answer["tidegate"]["rollout"]["state"], "running");
    assert_eq!(answer["service"]["tidegate"]["apply"], "now");
}
