//! A broker that dies comes back by itself, as what it was.

use std::time::Duration;

use crate::support::{Broker, Load, Stack, figure, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_comes_back_and_nothing_is_lost() {
    let stack = Stack::new();
    let before = stack.settled().await;
    let (node, victim) = active_controller(&stack, before.active_controller().unwrap());
    let mut load = Load::start(&stack).await;

    load.mark("kill").await;
    stack.kill(&victim).await;
    let (back, took) = wait_until("it runs again, in sync", Duration::from_mins(3), async || {
        let running = stack.running().brokers.get(&node).cloned();
        let service = stack.service().await;
        match running.filter(|it| it.run != victim.run) {
            Some(broker) if service.is_settled() => Ok(broker),
            other => Err(format!("{other:?} {service:?}")),
        }
    })
    .await;
    assert_eq!(back.revision, victim.revision);
    assert_eq!(stack.service().await.revision, before.revision);

    let report = load.finish().await;
    for counted in ["failed", "lost", "duplicated", "out_of_order"] {
        assert_eq!(report["totals"][counted], 0, "{counted}: {report}");
    }
    figure("killed_broker_in_sync_secs", took.as_secs_f64());
    figure("load_during_kill", report);
}

/// The broker that leads the controllers: the worst one to lose. Its node is named like
/// `my-kafka-2`.
fn active_controller(stack: &Stack, name: &str) -> (u32, Broker) {
    let node = name.rsplit('-').next().unwrap().parse().unwrap();
    let broker = stack.running().brokers.get(&node).cloned();
    (node, broker.unwrap_or_else(|| panic!("node {node} does not run")))
}
