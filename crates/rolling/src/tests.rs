//! The rules as examples, and the laws that hold whatever happens.

mod laws;
mod sim;

use model::{NodeId, RevisionId, Timestamp};

use crate::{Blocker, Incarnation, Jwks, Order, Rollout, Step, next_step};
use sim::{NEW, OLD, revision, rollout, whole};

const NOW: Timestamp = Timestamp(1_000_000);

fn decide(rollout: &Rollout, view: &crate::ServiceView) -> Step {
    next_step(Some(rollout), view, NOW)
}

#[test]
fn restarts_one_node_at_a_time_and_the_active_controller_last() {
    let mut view = whole(3, OLD);
    view.kafka.as_mut().unwrap().quorum.leader = Some(NodeId(1));
    assert_eq!(decide(&rollout(NEW), &view), Step::Restart(NodeId(2)));
    sim::run_to(&mut view, NodeId(2), NEW);
    assert_eq!(decide(&rollout(NEW), &view), Step::Restart(NodeId(3)));
    sim::run_to(&mut view, NodeId(3), NEW);
    assert_eq!(decide(&rollout(NEW), &view), Step::Restart(NodeId(1)));
    sim::run_to(&mut view, NodeId(1), NEW);
    assert_eq!(decide(&rollout(NEW), &view), Step::Done);
}

#[test]
fn waits_for_each_kind_of_trouble() {
    type Trouble = fn(&mut crate::ServiceView);
    let cases: [(Trouble, Blocker); 9] = [
        (|it| it.kafka = None, Blocker::KafkaSilent),
        (|it| sim::node(it, 3).busy = true, Blocker::Busy(NodeId(3))),
        (|it| sim::node(it, 3).answers = false, Blocker::NotAnswering(NodeId(3))),
        (
            |it| {
                sim::kafka(it).fenced.remove(&NodeId(3));
            },
            Blocker::NotRegistered(NodeId(3)),
        ),
        (
            |it| {
                sim::kafka(it).fenced.insert(NodeId(3), true);
            },
            Blocker::Fenced(NodeId(3)),
        ),
        (|it| sim::kafka(it).quorum.leader = None, Blocker::NoQuorumLeader),
        (
            |it| {
                sim::kafka(it).quorum.caught_up.remove(&NodeId(2));
            },
            Blocker::VoterBehind(NodeId(2)),
        ),
        (|it| sim::kafka(it).reassignments = 2, Blocker::Reassigning(2)),
        (
            |it| {
                sim::kafka(it).partitions[0].in_sync.remove(&NodeId(2));
            },
            Blocker::OutOfSync { partitions: 1, example: "orders-0".into() },
        ),
    ];
    for (trouble, blocker) in cases {
        let mut view = whole(3, OLD);
        trouble(&mut view);
        assert_eq!(decide(&rollout(NEW), &view), Step::Wait(blocker));
    }
}

#[test]
fn a_replication_factor_that_leaves_no_room_blocks_and_says_which_topic() {
    let mut view = whole(3, OLD);
    sim::kafka(&mut view).partitions[0].min_in_sync = 3;
    let blocker = Blocker::MinInSync { node: NodeId(1), partitions: 1, example: "orders-0".into() };
    assert_eq!(decide(&rollout(NEW), &view), Step::Wait(blocker));
}

#[test]
fn a_full_disk_anywhere_blocks() {
    let mut view = whole(3, OLD);
    sim::kafka(&mut view).bad_log_dirs.insert(NodeId(2));
    assert_eq!(decide(&rollout(NEW), &view), Step::Wait(Blocker::LogDir(NodeId(2))));
}

#[test]
fn stops_no_broker_while_the_keys_it_needs_cannot_be_fetched() {
    let mut view = whole(3, OLD);
    view.jwks = Jwks::Unusable("connection refused".into());
    let blocker = Blocker::Jwks("connection refused".into());
    assert_eq!(decide(&rollout(NEW), &view), Step::Wait(blocker));
}

#[test]
fn starts_what_is_down_even_while_nobody_can_be_asked() {
    let mut view = whole(3, OLD);
    view.kafka = None;
    for node in view.nodes.values_mut() {
        node.process = None;
    }
    let all = [1, 2, 3].map(NodeId).into();
    assert_eq!(next_step(None, &view, NOW), Step::Start(all));
}

#[test]
fn a_node_that_exits_at_once_is_not_started_in_a_tight_loop() {
    let mut view = whole(3, OLD);
    sim::node(&mut view, 2).process = None;
    sim::node(&mut view, 2).last_start = Some(NOW.plus_ms(-9_999));
    let blocker = Blocker::KeepsExiting(NodeId(2));
    assert_eq!(next_step(None, &view, NOW), Step::Wait(blocker));
    sim::node(&mut view, 2).last_start = Some(NOW.plus_ms(-10_000));
    assert_eq!(next_step(None, &view, NOW), Step::Start([NodeId(2)].into()));
}

fn order(node: i32, to: char, from: Option<&str>) -> Order {
    let from = from.map(|it| Incarnation(it.into()));
    Order { node: NodeId(node), revision: revision(to), from, at: NOW, attempt: 1 }
}

#[test]
fn an_order_whose_process_is_still_there_is_carried_out_again() {
    let view = whole(3, OLD);
    let rollout = Rollout { target: revision(NEW), order: Some(order(3, NEW, Some("3-a"))) };
    assert_eq!(decide(&rollout, &view), Step::Restart(NodeId(3)));
}

#[test]
fn an_order_that_was_overtaken_before_it_was_carried_out_is_dropped() {
    let mut view = whole(3, OLD);
    sim::node(&mut view, 2).pinned = revision(NEW);
    let rollout = Rollout { target: revision(OLD), order: Some(order(2, NEW, Some("2-a"))) };
    assert_eq!(decide(&rollout, &view), Step::Restart(NodeId(2)), "it is pinned to the wrong one");
    sim::node(&mut view, 2).pinned = revision(OLD);
    assert_eq!(decide(&rollout, &view), Step::Done);
}

#[test]
fn a_newer_target_waits_until_the_ordered_node_is_back() {
    let mut view = whole(3, OLD);
    let rollout = Rollout { target: revision('c'), order: Some(order(2, NEW, Some("2-a"))) };
    sim::run_to(&mut view, NodeId(2), NEW);
    sim::kafka(&mut view).partitions[0].in_sync.remove(&NodeId(2));
    assert!(matches!(decide(&rollout, &view), Step::Wait(Blocker::OutOfSync { .. })));
    sim::kafka(&mut view).partitions[0].in_sync.insert(NodeId(2));
    assert_eq!(decide(&rollout, &view), Step::Restart(NodeId(1)));
}

#[test]
fn a_node_that_a_bad_revision_keeps_down_is_moved_on_to_a_newer_target() {
    let mut view = whole(3, OLD);
    sim::node(&mut view, 2).process = None;
    sim::node(&mut view, 2).pinned = revision(NEW);
    sim::node(&mut view, 2).last_start = Some(NOW);
    for partition in &mut sim::kafka(&mut view).partitions {
        partition.in_sync.remove(&NodeId(2));
    }
    sim::kafka(&mut view).fenced.insert(NodeId(2), true);
    sim::kafka(&mut view).quorum.caught_up.remove(&NodeId(2));
    let stuck = Rollout { target: revision(NEW), order: Some(order(2, NEW, Some("2-a"))) };
    assert_eq!(decide(&stuck, &view), Step::Wait(Blocker::KeepsExiting(NodeId(2))));
    let fixed = Rollout { target: revision('c'), ..stuck };
    assert_eq!(decide(&fixed, &view), Step::Restart(NodeId(2)));
}

#[test]
fn leaderships_go_back_before_the_next_node_and_not_forever() {
    let mut view = whole(3, OLD);
    sim::run_to(&mut view, NodeId(2), NEW);
    sim::kafka(&mut view).partitions[1].leader = Some(NodeId(1));
    let mut rollout = Rollout { target: revision(NEW), order: Some(order(2, NEW, Some("2-a"))) };
    assert_eq!(decide(&rollout, &view), Step::RestoreLeaders);
    rollout.order.as_mut().unwrap().at = NOW.plus_ms(-120_000);
    assert_eq!(decide(&rollout, &view), Step::Restart(NodeId(1)));
}

#[test]
fn without_a_rollout_nothing_is_restarted() {
    assert_eq!(next_step(None, &whole(3, OLD), NOW), Step::Done);
}

#[test]
fn revisions_compare_by_content() {
    assert_eq!(revision(OLD), RevisionId::try_from("a".repeat(64)).unwrap());
}
