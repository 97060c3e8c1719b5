//! Nodes that are restarted together.

use model::NodeId;

use super::cluster::{
    NEW, OLD, decide, kafka, node, on, restart, rollout, rollout_with, run_to, whole,
};
use crate::{Remedy, Rollout, ServiceView};

/// Six nodes, node 1 done; partitions on the even and on the odd ones.
fn six() -> (Rollout, ServiceView) {
    let mut view = whole(6, OLD);
    run_to(&mut view, 1, NEW);
    kafka(&mut view).partitions = vec![on("even", [2, 4, 6], 2), on("odd", [1, 3, 5], 2)];
    let mut rollout = rollout_with(NEW, &[1]);
    rollout.policy.max_unavailable = 2;
    (rollout, view)
}

#[test]
fn nodes_without_a_common_partition_go_together() {
    let (rollout, view) = six();
    assert_eq!(decide(&rollout, &view), restart([3, 4]));
}

#[test]
fn those_of_the_same_rack_are_preferred() {
    let (rollout, mut view) = six();
    kafka(&mut view).partitions = vec![on("orders", [1, 3, 4], 1)];
    for (id, rack) in [(2, "a"), (3, "b"), (4, "b"), (5, "a")] {
        node(&mut view, id).rack = rack.into();
    }
    assert_eq!(decide(&rollout, &view), restart([2, 5]));
}

#[test]
fn the_first_node_and_the_active_controller_go_alone() {
    let (_, mut view) = six();
    let mut first = rollout(NEW);
    first.policy.max_unavailable = 4;
    assert_eq!(decide(&first, &view), restart([3]), "the first");
    let mut ordered = rollout_with(NEW, &[3]);
    ordered.policy.max_unavailable = 4;
    assert_eq!(decide(&ordered, &view), restart([3]), "it was ordered and not carried out");
    for id in 2..=5 {
        run_to(&mut view, id, NEW);
    }
    let mut last = rollout_with(NEW, &[1, 2, 3, 4, 5]);
    last.policy.max_unavailable = 4;
    assert_eq!(decide(&last, &view), restart([6]), "the active controller");
    run_to(&mut view, 1, OLD);
    node(&mut view, 1).process.as_mut().unwrap().incarnation.0.push('x');
    assert_eq!(decide(&last, &view), restart([1]), "not beside another");
}

#[test]
fn a_batch_leaves_the_quorum_its_majority() {
    let (mut rollout, mut view) = six();
    rollout.policy.max_unavailable = 4;
    kafka(&mut view).partitions.clear();
    assert_eq!(decide(&rollout, &view), restart([2, 3]), "four of six");
    kafka(&mut view).quorum.voters = [4, 5, 6].map(NodeId).into();
    kafka(&mut view).quorum.caught_up = [4, 5, 6].map(NodeId).into();
    assert_eq!(decide(&rollout, &view), restart([2, 3, 4]), "one of three voters");
}

#[test]
fn consent_to_the_loss_of_one_node_is_none_to_the_loss_of_two() {
    let (mut rollout, mut view) = six();
    rollout.remedy = Remedy::Consent;
    kafka(&mut view).partitions = vec![on("orders", [2, 3, 4], 2), on("single", [5], 1)];
    assert_eq!(decide(&rollout, &view), restart([3, 5]), "2, 3 and 4 share a partition");
    kafka(&mut view).partitions = vec![on("pair", [2, 3], 2)];
    run_to(&mut view, 4, NEW);
    run_to(&mut view, 5, NEW);
    rollout.orders = rollout_with(NEW, &[1, 4, 5]).orders;
    assert_eq!(decide(&rollout, &view), restart([3]), "both would be worse than one");
    kafka(&mut view).partitions = vec![on("strict", [2, 3, 4], 3)];
    assert_eq!(decide(&rollout, &view), restart([2, 3]), "no worse");
}
