//! Configurations that no broker should run: the first node shows it, goes back, and the service
//! stays as it was.

use crate::support::{Load, Rollout, Stack};

/// Rolls into a bad revision, and sees that it ends as it should, with nothing lost.
async fn rejected(digit: char, change: &str, kind: &str) -> Rollout {
    let stack = Stack::new();
    stack.with_oidc().await;
    let before = stack.settled().await;
    let running = stack.running();
    let load = Load::start(&stack).await;
    let id = stack.roll_into(digit, change).await.id();
    let ended = stack.ended(&id).await;
    assert_eq!(ended.state(), "rolled_back", "{}", ended.json());
    assert_eq!(ended.json()["failure"]["kind"], kind, "{}", ended.json());
    let orders = stack.orders(&id).await;
    assert!(orders.iter().all(|it| *it == orders[0]), "only the first node: {orders:?}");
    let after = stack.settled().await;
    assert_eq!((&after.revision, &after.user_config), (&before.revision, &before.user_config));
    let now = stack.running();
    for (node, broker) in &running.brokers {
        let touched = u64::from(*node) == orders[0];
        assert_eq!(now.brokers[node].revision, broker.revision, "node {node}");
        assert_eq!(now.brokers[node].run != broker.run, touched, "node {node}");
    }
    let report = load.finish().await;
    for counted in ["failed", "lost", "duplicated", "out_of_order"] {
        assert_eq!(report["totals"][counted], 0, "{counted}: {report}");
    }
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn one_with_which_no_broker_starts() {
    let change = r"server_properties || E'num.io.threads=none\n'";
    let ended = rejected('d', change, "keeps_exiting").await;
    let log = ended.json()["failure"]["log"].as_str().unwrap_or_default().to_owned();
    assert!(log.contains("num.io.threads"), "the log says why: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_locks_passwords_out() {
    let change = r"regexp_replace(server_properties,
        'listener.name.client.sasl.enabled.mechanisms=[^\n]*',
        'listener.name.client.sasl.enabled.mechanisms=OAUTHBEARER')";
    rejected('e', change, "locks_out").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_lets_forged_tokens_in() {
    // Kafka's own handler for development, which believes whatever it is told.
    let change = r"regexp_replace(server_properties,
        '[^\n]*oauthbearer.sasl.server.callback.handler.class=[^\n]*\n', '', 'g')";
    rejected('f', change, "lets_in").await;
}
