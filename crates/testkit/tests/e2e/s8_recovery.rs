//! A broker that dies comes back by itself, as what it was.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    Broker, KILL, Load, Refusal, Running, ServiceState, Stack, figure, wait_until,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_comes_back_and_nothing_is_lost() {
    let stack = Stack::new();
    let before = stack.settled().await;
    let (node, victim) = active_controller(&stack, &before);
    let mut load = Load::start(&stack).await;

    load.mark("kill").await;
    let (back, took) = killed(&stack, node, &victim).await;
    assert_eq!(back.revision, victim.revision);
    assert_eq!(stack.service().await.revision, before.revision);

    let report = load.finish().await;
    for counted in ["failed", "lost", "duplicated", "out_of_order"] {
        assert_eq!(report["totals"][counted], 0, "{counted}: {report}");
    }
    figure("killed_broker_in_sync_secs", took.as_secs_f64());
    figure("load_during_kill", report);
}

/// Kafka 4.3.1 forgets every SCRAM credential when it starts if it reads of a removed one first
/// (`ScramDelta.apply`): users that come and go must not lock out those that stay.
#[tokio::test]
async fn a_broker_that_starts_again_knows_the_users_that_stay() {
    let stack = Stack::new();
    let before = stack.settled().await;
    let path = format!("/project/{}/service/{}/user", stack.project, stack.service);
    for number in 0..40 {
        let username = stack.name(&number.to_string());
        stack.api("POST", &path, Some(&json!({ "username": username }))).await.expect(200);
    }
    // In Kafka, too, before they go.
    let last = stack.user(&stack.name("39")).await;
    for number in 0..40 {
        let username = stack.name(&number.to_string());
        stack.api("DELETE", &format!("{path}/{username}"), None).await.expect(200);
    }
    wait_until("they are gone", Duration::from_secs(30), async || {
        match stack.topics_at(&stack.bootstrap(), &last).await {
            Err(Refusal::Authentication(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;

    // Now: getting it waits until it works at each broker, by which a lost user may be back.
    let admin = stack.admin().await;
    let (node, victim) = active_controller(&stack, &before);
    killed(&stack, node, &victim).await;
    for broker in &stack.brokers {
        stack.topics_at(broker, &admin).await.unwrap_or_else(|it| panic!("{broker}: {it}"));
    }
}

/// The brokers are nobody's children: they, and the restart that has been ordered, outlive the
/// orchestrator, and the next one goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn an_orchestrator_that_dies_in_a_rolling_restart_takes_nothing_with_it() {
    let stack = Stack::new();
    let before = stack.settled().await;
    let running = stack.running();
    let mut load = Load::start(&stack).await;

    load.mark("without orchestrator").await;
    stack.kill_orchestrator().await;
    let username = stack.name("meanwhile");
    stack.avn(&["service", "user-create", &stack.service, "--username", &username]).await;
    assert_eq!(stack.running(), running, "brokers and proxy live on");
    stack.bring_up().await;
    let user = stack.user(&username).await;
    stack.topics_at(&stack.bootstrap(), &user).await.unwrap();
    assert_eq!(stack.running(), running, "they are adopted, not started again");

    load.mark("roll").await;
    let since = stack.last_event().await;
    let options = if before.has_oidc() { Stack::switch_off() } else { stack.switch_on() };
    stack.update(&options).await;
    wait_until("the first restart is ordered", Duration::from_mins(1), async || {
        let events = stack.events_after(since).await;
        let ordered = events.iter().any(|it| it.kind == "node_restart");
        if ordered { Ok(()) } else { Err(format!("{events:?}")) }
    })
    .await;
    stack.kill_orchestrator().await;
    let replaced = |now: &Running| {
        let other = |it: &(&u32, &Broker)| running.brokers[it.0].run != it.1.run;
        now.brokers.iter().filter(other).count()
    };
    let (resumed, _) =
        wait_until("the node is back by itself", Duration::from_mins(1), async || {
            let now = stack.running();
            let back = now.brokers.len() == running.brokers.len() && replaced(&now) > 0;
            if back { Ok(now) } else { Err(format!("{now:?}")) }
        })
        .await;
    assert_eq!(replaced(&resumed), 1, "nobody is there who could order another: {resumed:?}");

    stack.bring_up().await;
    let after = stack.settled().await;
    let restarts = stack.events_after(since).await;
    let mut restarts: Vec<&str> = restarts
        .iter()
        .filter(|it| it.kind == "node_restart")
        .filter_map(|it| it.description.split_whitespace().nth(1))
        .collect();
    restarts.sort_unstable();
    assert_eq!(restarts, ["1", "2", "3"], "each node was restarted once");
    for (node, broker) in stack.running().brokers {
        assert!(broker.revision.starts_with(&after.revision), "{node}: {}", broker.revision);
        let earlier = resumed.brokers[&node].run == broker.run;
        assert_eq!(earlier, broker.revision == resumed.brokers[&node].revision, "{node}");
    }

    let report = load.finish().await;
    for counted in ["failed", "lost", "duplicated", "out_of_order"] {
        assert_eq!(report["totals"][counted], 0, "{counted}: {report}");
    }
    stack.delete_user(&username).await;
}

/// Kills a broker and waits until it runs again and all is well.
async fn killed(stack: &Stack, node: u32, victim: &Broker) -> (Broker, Duration) {
    victim.run.signal(KILL);
    wait_until("it runs again, in sync", Duration::from_mins(3), async || {
        let running = stack.running().brokers.get(&node).cloned();
        let service = stack.service().await;
        match running.filter(|it| it.run != victim.run) {
            Some(broker) if service.is_settled() => Ok(broker),
            other => Err(format!("{other:?} {service:?}")),
        }
    })
    .await
}

/// The broker that leads the controllers: the worst one to lose. Its node is named like
/// `my-kafka-2`.
fn active_controller(stack: &Stack, service: &ServiceState) -> (u32, Broker) {
    let name = service.active_controller().expect("a controller is active");
    let node = name.rsplit('-').next().unwrap().parse().unwrap();
    let broker = stack.running().brokers.get(&node).cloned();
    (node, broker.unwrap_or_else(|| panic!("node {node} does not run")))
}
