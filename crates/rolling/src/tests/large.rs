//! A cluster as large as they get.

use model::NodeId;

use super::cluster::{
    NEW, OLD, decide, kafka, node, partition, rollout, rollout_with, run_to, waits_for, whole,
};
use crate::{Blocker, ServiceView, Step};

const BROKERS: i32 = 1_000;
const PARTITIONS: i32 = 200_000;

/// Every partition on three neighbours; the first five nodes vote, and node 3 leads them.
fn large() -> ServiceView {
    let mut view = whole(BROKERS, OLD);
    let voters = (1..=5).map(NodeId).collect::<std::collections::BTreeSet<_>>();
    let kafka = kafka(&mut view);
    kafka.quorum.voters.clone_from(&voters);
    kafka.quorum.caught_up = voters;
    kafka.quorum.leader = Some(NodeId(3));
    let topic: std::sync::Arc<str> = "orders".into();
    kafka.partitions = (0..PARTITIONS)
        .map(|index| {
            let replicas = (0..3).map(|it| NodeId((index + it) % BROKERS + 1)).collect();
            let number = usize::try_from(index).unwrap();
            crate::PartitionView { topic: topic.clone(), ..partition("", number, replicas, 2) }
        })
        .collect();
    view
}

#[test]
fn a_thousand_brokers_and_two_hundred_thousand_partitions() {
    let mut view = large();
    assert_eq!(decide(&rollout(NEW), &view), Step::Restart([NodeId(1)].into()));
    let mut rollout = rollout_with(NEW, &[1]);
    run_to(&mut view, 1, NEW);
    rollout.policy.max_unavailable = 4;
    let Step::Restart(batch) = decide(&rollout, &view) else { panic!() };
    assert_eq!(batch, [2, 5, 8, 11].map(NodeId).into(), "no two of three neighbours");
    let all: Vec<i32> = (1..=BROKERS).filter(|it| *it != 3).collect();
    let mut rollout = rollout_with(NEW, &all);
    for id in &all {
        run_to(&mut view, *id, NEW);
    }
    assert_eq!(decide(&rollout, &view), Step::Restart([NodeId(3)].into()));
    rollout.orders.insert(NodeId(3), super::cluster::order(3, NEW));
    run_to(&mut view, 3, NEW);
    kafka(&mut view).partitions[199_999].in_sync.pop();
    assert!(matches!(waits_for(&rollout, &view), Blocker::OutOfSync(found) if found.count == 1));
    node(&mut view, 2).answers = false;
    assert_eq!(waits_for(&rollout, &view), Blocker::NotAnswering(NodeId(2)));
}
