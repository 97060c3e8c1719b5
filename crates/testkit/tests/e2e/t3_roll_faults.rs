//! Whatever dies in the middle of a rolling restart, it goes on where it was, and nothing is lost.

use std::time::Duration;

use serde_json::json;

use crate::support::{KILL, Load, Rollout, Stack, let_pass, wait_until};

/// Every node was restarted once, and nothing was lost.
async fn assert_clean(stack: &Stack, rollout: &Rollout, load: Load) {
    let ended = stack.ended(&rollout.id()).await;
    assert_eq!(ended.state(), "done", "{}", ended.json());
    let mut orders = stack.orders(&rollout.id()).await;
    orders.sort_unstable();
    assert_eq!(orders, [1, 2, 3], "each node once");
    stack.settled().await;
    let report = load.finish().await;
    for counted in ["failed", "lost", "duplicated", "out_of_order"] {
        assert_eq!(report["totals"][counted], 0, "{counted}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_orchestrator_is_killed_in_each_phase() {
    let stack = Stack::new();
    stack.settled().await;
    let load = Load::start(&stack).await;
    let rollout = stack.restart_all().await;
    for phase in ["pending", "registered", "soaking"] {
        let what = format!("a node is {phase}");
        stack.rollout_is(&rollout.id(), &what, |it| it.is_in(phase)).await;
        stack.replace_orchestrator().await;
    }
    assert_clean(&stack, &rollout, load).await;
    stack.kill_orchestrator().await;
    stack.bring_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_not_its_turn_is_killed() {
    let stack = Stack::new();
    stack.settled().await;
    let load = Load::start(&stack).await;
    let rollout = stack.change_oidc().await;
    let under_way =
        stack.rollout_is(&rollout.id(), "the first node is back", Rollout::is_between).await;
    let pending = under_way.phases().into_iter().find(|(_, phase)| phase == "pending");
    let (node, _) = pending.expect("a node whose turn has not come");
    let victim = stack.running().brokers[&node].clone();
    victim.run.signal(KILL);
    let (back, _) = wait_until("it is back", Duration::from_mins(2), async || {
        let now = stack.running().brokers.get(&node).cloned();
        now.filter(|it| it.run != victim.run).ok_or_else(|| "it is away".to_owned())
    })
    .await;
    assert_eq!(back.revision, victim.revision, "it comes back as what it was");
    assert_clean(&stack, &rollout, load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_controller_moves_in_the_middle() {
    let stack = Stack::new();
    stack.settled().await;
    let load = Load::start(&stack).await;
    let rollout = stack.restart_all().await;
    stack.rollout_is(&rollout.id(), "the first node is back", Rollout::is_between).await;
    let service = stack.service().await;
    let name = service.active_controller().expect("a controller is active");
    let node: u32 = name.rsplit('-').next().unwrap().parse().unwrap();
    stack.running().brokers[&node].run.signal(KILL);
    assert_clean(&stack, &rollout, load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_away_for_half_a_minute() {
    let stack = Stack::new();
    stack.settled().await;
    let load = Load::start(&stack).await;
    let rollout = stack.restart_all().await;
    stack.rollout_is(&rollout.id(), "a node is under way", Rollout::is_under_way).await;
    let postgres = stack.postgres();
    let paused: Vec<_> = postgres.iter().map(|it| it.pause()).collect();
    let before = stack.running();
    let_pass(Duration::from_secs(30)).await;
    let others = stack
        .running()
        .brokers
        .into_iter()
        .filter(|(node, now)| before.brokers.get(node).is_some_and(|it| it.run != now.run));
    assert!(others.count() <= 1, "only the node that was under way");
    drop(paused);
    assert_clean(&stack, &rollout, load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_identity_provider_no_node_is_stopped_and_no_broker_dies() {
    let stack = Stack::new();
    stack.with_oidc().await;
    let load = Load::start(&stack).await;
    let rollout = stack.restart_all().await;
    stack.rollout_is(&rollout.id(), "the first node is back", Rollout::is_between).await;
    let provider = stack.program("tidegate-idp");
    let stopped = provider.pause();
    stack.rollout_is(&rollout.id(), "it waits", |it| it.blocker() == Some("jwks")).await;
    let running = stack.running();
    let_pass(Duration::from_secs(5)).await;
    assert_eq!(stack.running(), running, "no broker dies, and none is stopped");
    drop(stopped);
    assert_clean(&stack, &rollout, load).await;
}

#[tokio::test]
async fn a_restart_that_nobody_ordered_stops_it() {
    let stack = Stack::new();
    let rollout = stack.restart_all().await;
    stack.rollout_is(&rollout.id(), "the first node is back", Rollout::is_between).await;
    let pending = stack.rollout(&rollout.id()).await.phases();
    let (node, _) = pending.into_iter().find(|(_, it)| it == "pending").expect("one is left");
    stack.restart_by_hand(node).await;
    let paused =
        stack.rollout_is(&rollout.id(), "it stands", |it| it.blocker() == Some("paused")).await;
    assert_eq!(paused.json()["paused"]["name"], "orchestrator", "{}", paused.json());
    stack.tell(&rollout.id(), "resume", &json!({})).await;
    assert_eq!(stack.ended(&rollout.id()).await.state(), "done");
}
