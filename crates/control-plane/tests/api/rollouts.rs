//! Rolling restarts that people ask for, look at and steer.

use http::{StatusCode, header};
use model::{
    BlockerStatus, NodeId, NodeState, NodeStatus, PhaseStatus, ProbeFigures, RolloutStatus,
    Timestamp,
};
use rolling::{Failure, FailureKind};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Answer, Api, SERVICE};

fn rollouts() -> String {
    format!("{SERVICE}/rollouts")
}

async fn start(api: &Api, headers: &[(&str, &str)], body: Value) -> Answer {
    api.call_with("POST", &rollouts(), headers, Some(body)).await
}

/// A rollout of every node, by its path.
async fn started(api: &Api) -> String {
    let answer = start(api, &[], json!({ "all_nodes": true })).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.headers[header::LOCATION].to_str().unwrap().to_owned()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_rollout_is_started_listed_and_looked_at(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let body = json!({
        "all_nodes": true, "max_unavailable": 2, "canary_bake_seconds": 30, "soak_seconds": 5,
    });
    let answer = start(&api, &[], body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(
        answer.body["message"],
        "started without a forecast: Kafka cannot be asked, so it waits if it needs consent"
    );
    assert_eq!(answer.headers[header::ETAG], "\"1\"");
    let path = answer.headers[header::LOCATION].to_str().unwrap();
    let looked = api.get(path).await;
    assert_eq!(looked.headers[header::ETAG], "\"1\"");
    let looked = looked.ok();
    assert_eq!(looked["rollout"], answer.body["rollout"]);
    for (key, value) in [
        ("state", json!("running")),
        ("all_nodes", json!(true)),
        ("max_unavailable", json!(2)),
        ("canary_bake_seconds", json!(30)),
        ("soak_seconds", json!(5)),
    ] {
        assert_eq!(looked["rollout"][key], value, "{key}");
    }
    let list = api.get(&format!("{}?limit=1", rollouts())).await.ok();
    assert_eq!(list["rollouts"], json!([looked["rollout"]]));
    assert_eq!(api.get(&rollouts()).await.ok()["rollouts"].as_array().unwrap().len(), 2);
    assert_eq!(api.get(SERVICE).await.ok()["service"]["state"], "REBUILDING");
    for unknown in ["nonsense", "00000000-0000-0000-0000-000000000000"] {
        let answer = api.get(&format!("{}/{unknown}", rollouts())).await;
        assert_eq!(answer.brief(), "404 Rollout does not exist");
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_same_key_starts_it_once_and_another_not_beside_it(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let body = || json!({ "all_nodes": true });
    let key = [("idempotency-key", "night-of-the-24th")];
    let first = start(&api, &key, body()).await;
    let again = start(&api, &key, body()).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(first.headers[header::LOCATION], again.headers[header::LOCATION]);
    assert_eq!(again.body["message"], "started by an earlier request with this key");
    let other = start(&api, &[("idempotency-key", "another")], body()).await;
    assert_eq!(other.brief(), "409 A rollout of the service is under way");
    api.finish_rollout().await;
    // Even after it has ended, and although the service is not what it was.
    let late = start(&api, &[key[0], ("if-match", "\"99\"")], body()).await;
    assert_eq!(late.body["rollout"]["state"], "done");
    let long = "k".repeat(201);
    assert_eq!(start(&api, &[("idempotency-key", &long)], body()).await.status, 400);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_was_seen_has_to_be_there_still(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let stale = start(&api, &[("if-match", "\"7\"")], json!({})).await;
    assert_eq!(stale.brief(), "412 The service has changed since it was looked at");
    let generation = format!("\"{}\"", api.service().await.generation);
    let answer = start(&api, &[("if-match", &generation)], json!({ "all_nodes": true })).await;
    let path = answer.headers[header::LOCATION].to_str().unwrap().to_owned();
    let pause = async |tag: &str| {
        let body = Some(json!({ "reason": "lunch", "name": "ann" }));
        api.call_with("POST", &format!("{path}/pause"), &[("if-match", tag)], body).await
    };
    assert_eq!(pause("\"9\"").await.brief(), "412 Rollout has changed since it was looked at");
    assert_eq!(pause("W/\"1\"").await.brief(), "412 If-Match names no version that there was");
    let paused = pause("\"1\"").await;
    assert_eq!(
        (paused.status, &paused.headers[header::ETAG]),
        (StatusCode::ACCEPTED, &"\"2\"".parse().unwrap())
    );
    assert_eq!(paused.body["rollout"]["paused"], json!({ "name": "ann", "reason": "lunch" }));
    assert_eq!(pause("\"1\"").await.status, StatusCode::PRECONDITION_FAILED);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_makes_no_sense_is_refused_with_key_value_and_rule(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let consent = |name: &str, remedy: &str| json!({ "consent": { "name": name, "reason": "r", "remedy": remedy } });
    let mut answers = Vec::new();
    for body in [
        json!({ "max_unavailable": 0 }),
        json!({ "max_unavailable": 101 }),
        json!({ "soak_seconds": 86_401 }),
        json!({ "canary_bake_seconds": -1 }),
        json!({ "in_maintenance_window": true }),
        json!({ "bogus": 1 }),
        consent("", "outage"),
        consent("ann\n", "hope"),
    ] {
        answers.push(start(&api, &[], body.clone()).await.brief());
        // A forecast is of something that could be started.
        let path = format!("{}/forecast", rollouts());
        assert_eq!(api.post(&path, body.clone()).await.status, 400, "{body}");
    }
    let path = started(&api).await;
    for body in [json!({}), json!({ "reason": " " }), json!({ "reason": "a\u{0}b" })] {
        answers.push(api.post(&format!("{path}/pause"), body).await.brief());
    }
    insta::assert_debug_snapshot!(answers);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn without_kafka_there_is_no_forecast(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let answer = api.post(&format!("{}/forecast", rollouts()), json!({ "all_nodes": true })).await;
    assert_eq!(answer.brief(), "503 Kafka cannot be reached at the moment, try again later");
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(api.get(&rollouts()).await.ok()["rollouts"].as_array().unwrap().len(), 1);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_rollout_is_told_what_to_do_and_says_what_that_means(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let path = started(&api).await;
    let mut answers = Vec::new();
    for (command, body) in [
        ("pause", json!({ "reason": "lunch" })),
        ("resume", json!({})),
        ("resume", json!({})),
        (
            "consent",
            json!({ "name": "ann", "reason": "it is night", "remedy": "raise_replication" }),
        ),
        ("start-now", json!({})),
        // Its target is what every node was good with.
        ("rollback", json!({})),
        ("abort", json!({})),
        ("abort", json!({})),
    ] {
        let answer = api.post(&format!("{path}/{command}"), body).await;
        answers.push(format!(
            "{command}: {} ({})",
            answer.brief(),
            answer.body["rollout"]["state"]
        ));
    }
    insta::assert_debug_snapshot!(answers);
    let rollout = api.get(&path).await.ok()["rollout"].take();
    assert_eq!(rollout["consent"], json!({ "name": "ann", "reason": "it is night" }));
    assert_eq!(rollout["remedy"], "raise_replication");
    let events = api.get("/v1/project/dev/events?limit=3").await.ok();
    let types = events["events"].as_array().unwrap().iter().map(|it| it["event_type"].clone());
    let expected = ["rollout_aborting", "rollout_consented", "rollout_resumed"];
    assert_eq!(types.collect::<Vec<_>>(), expected);
    api.finish_rollout().await;
    for command in ["resume", "abort", "rollback", "start-now"] {
        let answer = api.post(&format!("{path}/{command}"), json!({})).await;
        assert_eq!(answer.brief(), "409 Rollout has ended: done", "{command}");
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_change_goes_back_and_says_so(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let updated =
        api.update(json!({ "kafka": { "group_max_session_timeout_ms": 1_700_000 } })).await.ok();
    let id = updated["tidegate"]["rollout"]["id"].as_str().unwrap();
    let path = format!("{}/{id}", rollouts());
    let back = api.post(&format!("{path}/rollback"), json!({})).await;
    assert_eq!(
        (back.status, &back.body["rollout"]["direction"]),
        (StatusCode::ACCEPTED, &json!("back"))
    );
    let again = api.post(&format!("{path}/rollback"), json!({})).await;
    assert_eq!(again.brief(), "202 it goes back already");
    let service = api.get(SERVICE).await.ok();
    assert_eq!(service["service"]["user_config"]["kafka"], json!({}));
    assert_eq!(service["service"]["tidegate"]["rollout"]["direction"], "back");
}

/// What an orchestrator would show.
fn status(phases: [&str; 3]) -> RolloutStatus {
    let since = Timestamp(1_795_291_200_000);
    let phase = |(node, phase): (i32, &str)| PhaseStatus {
        node: NodeId(node),
        phase: phase.to_owned(),
        since,
    };
    RolloutStatus {
        blocker: Some(BlockerStatus {
            code: "out_of_sync".into(),
            text: "replicas are out of sync: partition orders-0".into(),
            since,
        }),
        nodes: (1..).zip(phases).map(phase).collect(),
        probe: Some(ProbeFigures { sent: 1000, failed: 0, slowest_ms: 41, longest_gap_ms: 60 }),
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_is_seen_of_it_is_shown(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let path = started(&api).await;
    let (service, active) = (api.service().await, api.active().await);
    let seen = status(["done", "catching_up", "pending"]);
    api.store.rollouts.publish(active.id, &seen, &[]).await.unwrap();
    let failure =
        Failure { node: NodeId(2), kind: FailureKind::KeepsExiting, why: "it ended".into() };
    api.store.rollouts.halt(service.id, &active, &failure, "the log\n").await.unwrap();
    let mut rollout = api.get(&path).await.ok()["rollout"].take();
    for changing in ["/id", "/target", "/base", "/started_at", "/seen_at"] {
        *rollout.pointer_mut(changing).unwrap() = json!("[changes]");
    }
    insta::assert_json_snapshot!(rollout);
    let brief = api.get(SERVICE).await.ok()["service"]["tidegate"]["rollout"].take();
    assert_eq!((&brief["nodes_done"], &brief["nodes"]), (&json!(1), &json!(3)));
    assert_eq!(
        (&brief["state"], &brief["blocker"]["code"]),
        (&json!("halted"), &json!("out_of_sync"))
    );
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn nodes_show_their_progress_while_it_is_under_way(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    started(&api).await;
    let node = |(node, phase): (i32, &str)| NodeStatus {
        node: NodeId(node),
        state: NodeState::SyncingData,
        revision: None,
        active_controller: false,
        waiting_for: Some("replicas are out of sync".into()),
        phase: Some(phase.to_owned()),
        incarnation: None,
        out_of_sync: None,
    };
    let statuses: Vec<_> = (1..).zip(["done", "catching_up", "pending"]).map(node).collect();
    api.store.nodes.publish(api.service().await.id, &statuses).await.unwrap();
    let states = async || api.get(SERVICE).await.ok()["service"]["node_states"].take();
    insta::assert_json_snapshot!(states().await[1]);
    let progress = states().await;
    assert_eq!(progress[0]["progress_updates"].as_array().unwrap().len(), 4);
    assert_eq!(progress[2]["progress_updates"][0]["phase"], "prepare");
    api.finish_rollout().await;
    assert_eq!(states().await[1]["progress_updates"], json!([]));
}
