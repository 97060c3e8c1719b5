//! What a rollout would do, before it does it.

use model::NodeId;

use super::cluster::{NEW, OLD, found, kafka, node, on, rollout, run_to, whole};
use crate::{Blocker, Forecast, Impact, Outage, ServiceView, forecast};

/// The nodes of each batch, in their order.
fn batches(forecast: &Forecast) -> Vec<Vec<i32>> {
    let mut batches: Vec<Vec<i32>> = Vec::new();
    for node in &forecast.nodes {
        batches.resize(batches.len().max(node.batch), Vec::new());
        batches[node.batch - 1].push(node.node.0);
    }
    batches
}

fn impacts(view: &ServiceView, of: i32) -> Vec<(String, Impact)> {
    let forecast = forecast(&rollout(NEW), view);
    let found = forecast.nodes.iter().find(|it| it.node == NodeId(of)).unwrap();
    assert_eq!(found.n_partitions, found.partitions.len());
    found.partitions.iter().map(|it| (it.name.clone(), it.impact)).collect()
}

#[test]
fn a_healthy_cluster_misses_nothing() {
    let view = whole(3, OLD);
    let forecast = forecast(&rollout(NEW), &view);
    assert_eq!(forecast.blocker, None);
    assert!(!forecast.needs_consent);
    assert_eq!(batches(&forecast), [[1], [2], [3]], "the active controller last");
    assert!(forecast.nodes.iter().all(|it| it.n_partitions == 0 && it.quorum_margin == 0));
    assert_eq!(forecast.duration_ms, 3 * 60_000 + 60_000 + 2 * 15_000);
}

#[test]
fn one_replica_is_an_outage_and_as_many_as_are_needed_block_writes_whatever_is_waited_for() {
    let mut view = whole(3, OLD);
    kafka(&mut view).partitions = vec![on("single", [1], 1), on("pair", [1, 2], 2)];
    let (offline, blocked) = (Outage::Offline, Outage::WriteBlocked);
    let inherent = |outage| Impact { outage, inherent: true };
    assert_eq!(
        impacts(&view, 1),
        [("single-0".into(), inherent(offline)), ("pair-0".into(), inherent(blocked))]
    );
    assert_eq!(impacts(&view, 2), [("pair-0".into(), inherent(blocked))]);
    assert_eq!(impacts(&view, 3), []);
    assert!(forecast(&rollout(NEW), &view).needs_consent);
}

#[test]
fn a_replica_that_is_out_of_sync_makes_it_worse_for_now() {
    let mut view = whole(3, OLD);
    kafka(&mut view).partitions[0].in_sync.pop();
    let passing = Impact { outage: Outage::WriteBlocked, inherent: false };
    assert_eq!(impacts(&view, 1), [("orders-0".into(), passing)]);
    let forecast = forecast(&rollout(NEW), &view);
    assert_eq!(forecast.blocker, Some(Blocker::OutOfSync(found(1, "orders-0"))));
    assert!(!forecast.needs_consent, "waiting helps");
}

#[test]
fn nodes_that_go_together_are_one_batch_and_take_as_long_as_the_slowest() {
    let mut view = whole(6, OLD);
    kafka(&mut view).partitions.clear();
    let mut rollout = rollout(NEW);
    rollout.policy.max_unavailable = 2;
    for id in 1..=6 {
        node(&mut view, id).usual_ms = Some(1_000 * i64::from(id));
    }
    let forecast = forecast(&rollout, &view);
    assert_eq!(batches(&forecast), [vec![1], vec![2, 3], vec![4, 5], vec![6]]);
    assert_eq!(forecast.duration_ms, 1_000 + 60_000 + 3_000 + 5_000 + 6_000 + 3 * 15_000);
    assert!(forecast.nodes.iter().all(|it| it.is_measured));
    let margins: Vec<i64> = forecast.nodes.iter().map(|it| it.quorum_margin).collect();
    assert_eq!(margins, [1, 0, 0, 0, 0, 1]);
}

#[test]
fn the_only_voter_is_missed_and_a_person_has_to_agree() {
    let mut view = whole(1, OLD);
    kafka(&mut view).partitions.clear();
    let forecast = forecast(&rollout(NEW), &view);
    assert_eq!(batches(&forecast), [[1]]);
    assert_eq!(forecast.nodes[0].quorum_margin, -1);
    assert!(forecast.needs_consent);
}

#[test]
fn nodes_that_run_the_target_are_left_out_and_a_silent_kafka_tells_nothing() {
    let mut view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    assert_eq!(batches(&forecast(&rollout(NEW), &view)), [[2], [3]]);
    view.kafka = None;
    let unknown = forecast(&rollout(NEW), &view);
    assert_eq!((unknown.blocker, unknown.nodes.len()), (Some(Blocker::KafkaSilent), 0));
}

#[test]
fn only_fifty_partitions_are_named() {
    let mut view = whole(3, OLD);
    kafka(&mut view).partitions = vec![on("single", [1], 1); 60];
    let forecast = forecast(&rollout(NEW), &view);
    let last = forecast.nodes.iter().find(|it| it.node == NodeId(1)).unwrap();
    assert_eq!((last.partitions.len(), last.n_partitions), (50, 60));
}
