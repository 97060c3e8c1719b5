//! A broker that dies comes back by itself, as what it was.

use std::time::Duration;

use serde_json::json;

use crate::support::{Broker, Load, Refusal, ServiceState, Stack, figure, wait_until};

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

    let (node, victim) = active_controller(&stack, &before);
    killed(&stack, node, &victim).await;
    let admin = stack.admin().await;
    for broker in &stack.brokers {
        stack.topics_at(broker, &admin).await.unwrap_or_else(|it| panic!("{broker}: {it}"));
    }
}

/// Kills a broker and waits until it runs again and all is well.
async fn killed(stack: &Stack, node: u32, victim: &Broker) -> (Broker, Duration) {
    stack.kill(victim).await;
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
