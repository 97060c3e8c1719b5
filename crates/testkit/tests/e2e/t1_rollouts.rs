//! A rolling restart as people steer it: figures, pause, abort, rollback, a newer configuration,
//! the maintenance window, and partitions that cannot do without a node.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::support::{Load, Rollout, Stack, figure, let_pass, wait_until};

/// Long enough for several looks of the orchestrator.
const SEVERAL_LOOKS: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_tells_what_clients_noticed() {
    let stack = Stack::new();
    stack.settled().await;
    let mut load = Load::start(&stack).await;
    load.mark("roll").await;
    let rollout = stack.restart_all().await;
    let id = rollout.id();
    let (watched, ended) = tokio::join!(stack.watch(&id), stack.ended(&id));
    assert_eq!(ended.state(), "done", "{}", ended.json());
    for kind in ["started", "ordered", "phase", "done"] {
        assert!(watched.iter().any(|it| it["kind"] == kind), "{kind}: {watched:?}");
    }
    let ids: Vec<_> = watched.iter().map(|it| it["id"].as_i64()).collect();
    assert!(ids.is_sorted() && ids.iter().all(Option::is_some), "in order: {watched:?}");
    let probe = &ended.json()["probe"];
    figure("rollout_probe", probe.clone());
    assert!(probe["sent"].as_u64() > Some(100), "{}", ended.json());
    assert_eq!(probe["failed"], 0, "{}", ended.json());
    let orders = stack.orders(&rollout.id()).await;
    assert_eq!(orders.iter().collect::<BTreeSet<_>>().len(), 3, "{orders:?}");
    assert_eq!(orders.len(), 3, "each node once: {orders:?}");

    let report = load.finish().await;
    for counted in ["failed", "lost", "duplicated", "out_of_order"] {
        assert_eq!(report["totals"][counted], 0, "{counted}: {report}");
    }
    figure("load_during_rollout", report);
}

#[tokio::test]
async fn paused_it_touches_no_further_node_and_goes_on_when_told() {
    let stack = Stack::new();
    let id = stack.restart_all().await.id();
    stack.rollout_is(&id, "a node is under way", Rollout::is_under_way).await;
    stack.tell(&id, "pause", &json!({ "reason": "lunch" })).await;
    let paused = stack.rollout_is(&id, "it stands", |it| it.blocker() == Some("paused")).await;
    assert_eq!(paused.state(), "paused");
    let (running, orders) = (stack.running(), stack.orders(&id).await);
    assert_eq!(orders.len(), 1, "the node that was under way is back, and no other was touched");
    let_pass(SEVERAL_LOOKS).await;
    assert_eq!(stack.running(), running);
    stack.tell(&id, "resume", &json!({})).await;
    assert_eq!(stack.ended(&id).await.state(), "done");
    assert_eq!(stack.orders(&id).await.len(), 3);
}

#[tokio::test]
async fn aborted_it_ends_with_the_node_under_way_and_another_goes_on_from_there() {
    let stack = Stack::new();
    let id = stack.change_oidc().await.id();
    stack.rollout_is(&id, "a node is under way", Rollout::is_under_way).await;
    stack.tell(&id, "abort", &json!({})).await;
    let ended = stack.ended(&id).await;
    assert_eq!(ended.state(), "aborted", "{}", ended.json());
    let revisions = |stack: &Stack| -> Vec<String> {
        stack.running().brokers.into_values().map(|it| it.revision).collect()
    };
    let mixed = revisions(&stack);
    let stale = mixed.iter().filter(|it| !it.starts_with(ended.target())).count();
    assert_eq!((mixed.len(), stale), (3, 2), "{mixed:?} {}", ended.json());

    let answer = stack.rollouts_api("POST", "", Some(&json!({}))).await.expect(201).json();
    let next = answer["rollout"]["id"].as_str().expect("it has an id").to_owned();
    assert_eq!(stack.ended(&next).await.state(), "done");
    assert_eq!(stack.orders(&next).await.len(), 2, "only the two that were left");
    stack.settled().await;
}

#[tokio::test]
async fn rolled_back_every_node_runs_what_it_ran_before() {
    let stack = Stack::new();
    let before = stack.settled().await;
    let id = stack.change_oidc().await.id();
    stack
        .rollout_is(&id, "the second node is under way", |it| {
            it.phases().values().filter(|it| *it != "pending").count() == 2
        })
        .await;
    stack.tell(&id, "rollback", &json!({})).await;
    assert_eq!(stack.ended(&id).await.state(), "rolled_back");
    let after = stack.settled().await;
    assert_eq!(after.revision, before.revision);
    assert_eq!(after.user_config, before.user_config);
}

#[tokio::test]
async fn a_newer_configuration_takes_over_at_the_next_node() {
    let stack = Stack::new();
    let first = stack.change_oidc().await.id();
    stack.rollout_is(&first, "a node is under way", Rollout::is_under_way).await;
    let size = if stack.service_object().await["user_config"]["kafka"]["socket_request_max_bytes"]
        == 52_428_800
    {
        52_428_801
    } else {
        52_428_800
    };
    stack.update(&["-c".to_owned(), format!("kafka.socket_request_max_bytes={size}")]).await;
    let second = stack.latest_rollout().await;
    assert_ne!(second.id(), first);
    assert_eq!(stack.rollout(&first).await.state(), "superseded");
    assert_eq!(stack.ended(&second.id()).await.state(), "done");
    let orders = (stack.orders(&first).await, stack.orders(&second.id()).await);
    assert_eq!((orders.0.len(), orders.1.len()), (1, 3), "each node at most once more: {orders:?}");
    stack.settled().await;
}

#[tokio::test]
async fn a_change_waits_for_the_maintenance_window_until_it_is_started_by_hand() {
    let stack = Stack::new();
    stack.settled().await;
    // In three days, whatever today is.
    let in_three_days = (model::Timestamp::now().0 / 86_400_000 + 3 + 3).rem_euclid(7);
    let day = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        [usize::try_from(in_three_days).unwrap()];
    let window = ["--maintenance-dow", day, "--maintenance-time", "03:00:00"];
    stack.update(&window.map(str::to_owned)).await;
    let path = format!("/project/{}/service/{}", stack.project, stack.service);
    let apply = |when: &str| json!({ "tidegate": { "apply": when } });
    stack.api("PUT", &path, Some(&apply("in_maintenance_window"))).await.expect(200);
    let rollout = stack.change_oidc().await;
    let running = stack.running();
    let held = stack
        .rollout_is(&rollout.id(), "it waits", |it| it.blocker() == Some("window_closed"))
        .await;
    assert!(held.json()["window"]["opens_at"].is_string(), "{}", held.json());
    assert_eq!(stack.running(), running);
    stack.avn(&["service", "maintenance-start", &stack.service]).await;
    assert_eq!(stack.ended(&rollout.id()).await.state(), "done");
    stack.api("PUT", &path, Some(&apply("now"))).await.expect(200);
    stack.settled().await;
}

#[tokio::test]
async fn a_topic_with_one_replica_is_refused_by_forecast_and_goes_with_consent() {
    let stack = Stack::new();
    stack.settled().await;
    let topic = stack.name("single");
    stack.raw_topic(&topic, 1, 1).await;
    let refused = stack.rollouts_api("POST", "", Some(&json!({ "all_nodes": true }))).await;
    let refused = refused.expect(422);
    assert!(refused.body.contains(&format!("{topic}-0")), "{}", refused.body);
    assert!(refused.body.contains("\"offline\""), "{}", refused.body);

    // A change of the configuration is accepted, and waits.
    let id = stack.change_oidc().await.id();
    let running = stack.running();
    stack.rollout_is(&id, "it waits", |it| it.blocker() == Some("needs_consent")).await;
    assert_eq!(stack.running(), running);
    let consent = json!({ "name": "ann", "reason": "it is a test", "remedy": "outage" });
    stack.tell(&id, "consent", &consent).await;
    let ended = stack.ended(&id).await;
    assert_eq!(ended.state(), "done");
    assert_eq!(ended.json()["consent"]["name"], "ann", "{}", ended.json());
    stack.delete_raw_topic(&topic).await;
}

#[tokio::test]
async fn a_topic_with_one_replica_gets_more_for_the_time_of_the_rollout() {
    let stack = Stack::new();
    stack.settled().await;
    let topic = stack.name("raised");
    stack.raw_topic(&topic, 2, 1).await;
    let consent = json!({ "name": "ann", "reason": "no outage", "remedy": "raise_replication" });
    let body = json!({ "all_nodes": true, "consent": consent });
    let answer = stack.rollouts_api("POST", "", Some(&body)).await.expect(201).json();
    let id = answer["rollout"]["id"].as_str().expect("it has an id").to_owned();
    let admin = stack.admin().await;
    let in_sync = async || {
        let topics = stack.topics_at(&stack.bootstrap(), &admin).await;
        let topics = topics.map_err(|it| it.to_string())?;
        let found = topics.iter().find(|it| it.name == topic);
        found.map(|it| it.in_sync).ok_or_else(|| format!("{topics:?}"))
    };
    wait_until("it has three replicas", Duration::from_mins(2), async || match in_sync().await? {
        3 => Ok(()),
        other => Err(format!("{other} replicas")),
    })
    .await;
    assert_eq!(stack.ended(&id).await.state(), "done");
    wait_until("it has one again", Duration::from_mins(1), async || match in_sync().await? {
        1 => Ok(()),
        other => Err(format!("{other} replicas")),
    })
    .await;
    stack.delete_raw_topic(&topic).await;
}
