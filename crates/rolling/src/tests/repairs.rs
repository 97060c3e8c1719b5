//! Sick nodes that cannot come up with what they were given.

use model::NodeId;

use super::cluster::{
    NEW, NEWER, NOW, OLD, decide, down, ids, kafka, node, on, restart, revision, rollout,
    rollout_with, run_to, waits_for, whole,
};
use crate::{Blocker, Direction, Failure, FailureKind, Jwks, Paused, Rollout, ServiceView, Step};

/// The node as it is while its broker has not been there for long.
fn out(view: &mut ServiceView, id: i32) {
    super::cluster::out(view, id);
    node(view, id).progress_at = Some(NOW.plus_ms(-900_000));
}

/// A node of which a listener has not answered for long.
fn deaf(view: &mut ServiceView, id: i32) {
    node(view, id).answers = false;
    node(view, id).progress_at = Some(NOW.plus_ms(-900_000));
}

fn paused(rollout: Rollout) -> Rollout {
    Rollout { paused: Some(Paused { by: "ann".into(), reason: "x".into() }), ..rollout }
}

/// Node 2 was ordered into a revision that a newer rollout has overtaken.
fn overtaken() -> Rollout {
    let mut rollout = rollout(NEWER);
    rollout.orders = rollout_with(NEW, &[2]).orders;
    rollout
}

#[test]
fn a_stale_node_that_is_sick_for_long_goes_first() {
    let mut view = whole(3, OLD);
    out(&mut view, 2);
    assert_eq!(decide(&rollout(NEW), &view), restart([2]));
    node(&mut view, 2).starts = vec![NOW.plus_ms(-60_000)];
    assert_eq!(waits_for(&rollout(NEW), &view), Blocker::Fenced(NodeId(2)), "it has its time");
    node(&mut view, 2).starts = Vec::new();
    node(&mut view, 2).progress_at = Some(NOW.plus_ms(-60_000));
    assert_eq!(waits_for(&rollout(NEW), &view), Blocker::Fenced(NodeId(2)), "it was well lately");
    out(&mut view, 2);
    node(&mut view, 2).recovering = true;
    assert_eq!(waits_for(&rollout(NEW), &view), Blocker::Recovering(NodeId(2)));
}

#[test]
fn a_stale_node_that_keeps_exiting_goes_first_and_one_that_fell_over_once_is_started() {
    let mut view = whole(3, OLD);
    down(&mut view, 2, [500_000]);
    assert_eq!(decide(&rollout(NEW), &view), Step::Start(ids([2])));
    down(&mut view, 2, [20_000, 1_000]);
    assert_eq!(decide(&rollout(NEW), &view), restart([2]));
}

#[test]
fn a_node_that_a_bad_revision_keeps_down_is_moved_on_to_a_newer_target() {
    let mut view = whole(3, OLD);
    down(&mut view, 2, [1_000]);
    node(&mut view, 2).pinned = revision(NEW);
    assert_eq!(decide(&overtaken(), &view), restart([2]));
}

#[test]
fn all_that_keep_exiting_are_moved_on_together_even_if_nobody_can_be_asked() {
    // The first configuration of a service was wrong.
    let mut view = whole(3, OLD);
    for id in 1..=3 {
        down(&mut view, id, [20_000, 10_000]);
    }
    view.kafka = None;
    let first = Rollout { base: None, ..rollout(NEW) };
    assert_eq!(decide(&first, &view), restart([1, 2, 3]));
    // After a power cut it was not.
    for id in 1..=3 {
        down_again(&mut view, id);
    }
    assert_eq!(decide(&first, &view), Step::Start(ids([1, 2, 3])));
}

fn down_again(view: &mut ServiceView, id: i32) {
    node(view, id).starts = vec![NOW.plus_ms(-900_000)];
}

#[test]
fn the_only_node_of_a_service_comes_back_from_a_bad_revision() {
    let mut view = whole(1, OLD);
    down(&mut view, 1, [20_000, 10_000]);
    node(&mut view, 1).pinned = revision(NEW);
    view.kafka = None;
    let rollout = rollout_with(NEW, &[1]);
    assert!(matches!(decide(&rollout, &view), Step::GoBack(_)));
    let back = Rollout { direction: Direction::Back, ..rollout };
    assert_eq!(decide(&back, &view), restart([1]));
    // It hangs instead.
    run_to(&mut view, 1, NEW);
    node(&mut view, 1).progress_at = Some(NOW.plus_ms(-900_000));
    assert_eq!(decide(&back, &view), restart([1]));
    // It was well a moment ago: that Kafka is silent now does not mean much.
    node(&mut view, 1).progress_at = Some(NOW.plus_ms(-1_000));
    assert_eq!(waits_for(&back, &view), Blocker::KafkaSilent);
}

#[test]
fn a_batch_that_failed_together_goes_back_together_if_down_and_one_by_one_if_not() {
    let mut view = whole(5, OLD);
    kafka(&mut view).partitions = vec![on("orders", [3, 4, 5], 2)];
    for id in [1, 2] {
        down(&mut view, id, [20_000, 10_000]);
        node(&mut view, id).pinned = revision(NEW);
    }
    let back = Rollout { direction: Direction::Back, ..rollout_with(NEW, &[1, 2]) };
    assert_eq!(decide(&back, &view), restart([1, 2]));
    for id in [1, 2] {
        run_to(&mut view, id, NEW);
        out(&mut view, id);
    }
    assert_eq!(decide(&back, &view), restart([1]));
}

#[test]
fn two_sick_nodes_that_nobody_ordered_are_left_in_peace() {
    let mut view = whole(5, OLD);
    out(&mut view, 1);
    out(&mut view, 2);
    assert_eq!(waits_for(&rollout(NEW), &view), Blocker::Fenced(NodeId(1)));
}

#[test]
fn a_sick_node_that_is_still_counted_on_is_left_in_peace() {
    let mut view = whole(3, OLD);
    deaf(&mut view, 2);
    assert_eq!(decide(&rollout(NEW), &view), restart([2]), "it is not");
    kafka(&mut view).partitions[0].in_sync = ids([1, 2]).into_iter().collect();
    assert_eq!(waits_for(&rollout(NEW), &view), Blocker::NotAnswering(NodeId(2)), "a partition");
    let mut view = whole(3, OLD);
    deaf(&mut view, 2);
    kafka(&mut view).quorum.caught_up.remove(&NodeId(1));
    assert_eq!(waits_for(&rollout(NEW), &view), Blocker::NotAnswering(NodeId(2)), "the quorum");
    kafka(&mut view).quorum.caught_up.insert(NodeId(1));
    kafka(&mut view).quorum.leader = None;
    assert_eq!(waits_for(&rollout(NEW), &view), Blocker::NotAnswering(NodeId(2)), "no controller");
}

#[test]
fn the_last_replica_of_a_partition_that_nobody_serves_is_not_counted_on() {
    let mut view = whole(3, OLD);
    out(&mut view, 2);
    kafka(&mut view).partitions[0].in_sync = vec![NodeId(2)];
    kafka(&mut view).partitions[0].leader = None;
    assert_eq!(decide(&rollout(NEW), &view), restart([2]));
    kafka(&mut view).partitions[0].leader = Some(NodeId(2));
    assert_eq!(waits_for(&rollout(NEW), &view), Blocker::Fenced(NodeId(2)));
}

#[test]
fn consent_to_blocked_writes_is_none_to_an_outage_that_waiting_avoids() {
    let mut view = whole(3, OLD);
    kafka(&mut view).partitions = vec![on("pair", [2, 3], 2)];
    deaf(&mut view, 2);
    let agreed = Rollout { remedy: crate::Remedy::Consent, ..rollout(NEW) };
    assert_eq!(decide(&agreed, &view), restart([2]));
    kafka(&mut view).partitions[0].in_sync = vec![NodeId(2)];
    assert_eq!(waits_for(&agreed, &view), Blocker::NotAnswering(NodeId(2)));
}

#[test]
fn an_order_to_a_sick_node_that_was_not_carried_out_is() {
    let mut view = whole(3, OLD);
    out(&mut view, 2);
    node(&mut view, 2).starts = vec![NOW];
    assert_eq!(decide(&rollout_with(NEW, &[2]), &view), restart([2]));
}

#[test]
fn what_a_person_has_stopped_moves_on_nothing_but_nodes_under_way() {
    let mut view = whole(3, OLD);
    out(&mut view, 2);
    assert_eq!(waits_for(&paused(rollout(NEW)), &view), Blocker::Fenced(NodeId(2)));
    let aborted = Rollout { abort: true, ..rollout(NEW) };
    assert_eq!(waits_for(&aborted, &view), Blocker::Fenced(NodeId(2)));
    let failure = Failure { node: NodeId(2), kind: FailureKind::NotUp, why: "x".into() };
    let halted = Rollout { halted: Some(failure.clone()), ..rollout(NEW) };
    assert_eq!(waits_for(&halted, &view), Blocker::Halted(failure));
    assert_eq!(decide(&paused(overtaken()), &view), restart([2]), "its first try has failed");
    node(&mut view, 2).starts = vec![NOW];
    assert_eq!(waits_for(&paused(overtaken()), &view), Blocker::Fenced(NodeId(2)));
    down(&mut view, 2, [20_000, 10_000]);
    assert_eq!(decide(&paused(overtaken()), &view), restart([2]));
    assert_eq!(decide(&paused(rollout(NEW)), &view), Step::Start(ids([2])));
}

#[test]
fn nothing_is_moved_on_while_a_node_is_busy_or_the_keys_are_away() {
    let mut view = whole(3, OLD);
    out(&mut view, 2);
    node(&mut view, 3).busy = true;
    assert_eq!(waits_for(&rollout(NEW), &view), Blocker::Busy(NodeId(3)));
    node(&mut view, 3).busy = false;
    view.jwks = Jwks::Unusable("x".into());
    assert_eq!(waits_for(&rollout(NEW), &view), Blocker::Fenced(NodeId(2)));
}

#[test]
fn a_node_that_hangs_gets_another_try_when_a_person_lets_the_rollout_go_on() {
    let mut view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    run_to(&mut view, 2, NEW);
    out(&mut view, 2);
    node(&mut view, 2).progress_at = Some(NOW.plus_ms(-900_000));
    let rollout = rollout_with(NEW, &[1, 2]);
    assert!(matches!(decide(&rollout, &view), Step::Halt(_)));
    let resumed = Rollout { since: NOW, ..rollout };
    assert_eq!(decide(&resumed, &view), restart([2]));
    let mut again = resumed;
    again.orders.get_mut(&NodeId(2)).unwrap().at = NOW;
    node(&mut view, 2).starts = vec![NOW];
    assert_eq!(waits_for(&again, &view), Blocker::Fenced(NodeId(2)), "and only one");
}

#[test]
fn a_node_whose_replicas_never_come_in_sync_goes_back_too() {
    let mut view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    kafka(&mut view).partitions[0].in_sync.retain(|it| *it != NodeId(1));
    node(&mut view, 1).progress_at = Some(NOW.plus_ms(-120_001));
    let rollout = rollout_with(NEW, &[1]);
    assert!(matches!(decide(&rollout, &view), Step::GoBack(_)));
    let back = Rollout { direction: Direction::Back, ..rollout };
    assert_eq!(decide(&back, &view), restart([1]));
    let mut lost = back.clone();
    let from = view.nodes[&NodeId(1)].process.as_ref().map(|it| it.incarnation.clone());
    *lost.orders.get_mut(&NodeId(1)).unwrap() =
        crate::Order { from, ..super::cluster::order(1, OLD) };
    assert_eq!(decide(&lost, &view), restart([1]), "and if the order was not carried out");
    node(&mut view, 1).progress_at = Some(NOW.plus_ms(-119_000));
    assert!(matches!(waits_for(&back, &view), Blocker::OutOfSync(_)), "it moves");
    node(&mut view, 1).progress_at = Some(NOW.plus_ms(-120_001));
    kafka(&mut view).partitions[1].in_sync.retain(|it| *it != NodeId(3));
    assert!(matches!(waits_for(&back, &view), Blocker::OutOfSync(_)), "it is counted on elsewhere");
}

#[test]
fn a_node_that_nobody_can_ask_about_is_left_in_peace_even_if_it_is_the_only_one() {
    let mut view = whole(1, OLD);
    view.kafka = None;
    node(&mut view, 1).progress_at = Some(NOW.plus_ms(-900_000));
    assert_eq!(waits_for(&rollout(NEW), &view), Blocker::KafkaSilent);
}
