//! Nodes that do not come back as they should after their restart.

use model::NodeId;

use super::cluster::{
    NEW, NOW, OLD, decide, down, ids, kafka, node, out, revision, rollout_with, run_to, waits_for,
    whole,
};
use crate::{AuthView, Blocker, Direction, End, Failure, FailureKind, Rollout, ServiceView, Step};

/// The kind of failure that is decided, and whether it goes back.
fn fails(rollout: &Rollout, view: &ServiceView) -> Option<(FailureKind, bool)> {
    match decide(rollout, view) {
        Step::GoBack(Failure { node, kind, .. }) => {
            assert_eq!(node, NodeId(1));
            Some((kind, true))
        }
        Step::Halt(Failure { kind, .. }) => Some((kind, false)),
        _ => None,
    }
}

/// Node 1 was restarted as the first one.
fn canary() -> (Rollout, ServiceView) {
    let mut view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    (rollout_with(NEW, &[1]), view)
}

fn stuck_for(view: &mut ServiceView, ms: i64) {
    node(view, 1).progress_at = Some(NOW.plus_ms(-ms));
}

#[test]
fn a_process_that_ended_twice_keeps_exiting() {
    let (rollout, mut view) = canary();
    down(&mut view, 1, [11_000]);
    assert_eq!(decide(&rollout, &view), Step::Start(ids([1])), "once may happen");
    down(&mut view, 1, [30_000, 11_000]);
    assert_eq!(fails(&rollout, &view), Some((FailureKind::KeepsExiting, true)));
    let silent = ServiceView { kafka: None, ..view.clone() };
    assert_eq!(fails(&rollout, &silent), Some((FailureKind::KeepsExiting, true)), "nobody answers");
    let mut resumed = rollout.clone();
    resumed.since = NOW.plus_ms(-20_000);
    assert_eq!(fails(&resumed, &view), None, "only one start since a person let it go on");
    down(&mut view, 1, [90_000, 60_000, 30_000]);
    node(&mut view, 1).process = whole(3, NEW).nodes[&NodeId(1)].process.clone();
    assert_eq!(
        fails(&rollout, &view),
        Some((FailureKind::KeepsExiting, true)),
        "it was up briefly"
    );
}

#[test]
fn a_node_that_does_not_come_up_in_time_fails_and_three_times_the_usual_time_is_in_time() {
    let (rollout, mut view) = canary();
    out(&mut view, 1);
    stuck_for(&mut view, 60_000);
    assert_eq!(fails(&rollout, &view), None);
    stuck_for(&mut view, 60_001);
    assert_eq!(fails(&rollout, &view), Some((FailureKind::NotUp, true)));
    node(&mut view, 1).usual_ms = Some(30_000);
    assert_eq!(fails(&rollout, &view), None, "it usually takes half a minute");
    stuck_for(&mut view, 90_001);
    assert_eq!(fails(&rollout, &view), Some((FailureKind::NotUp, true)));
    node(&mut view, 1).recovering = true;
    assert_eq!(fails(&rollout, &view), None, "logs may take hours");
}

#[test]
fn trouble_counts_from_when_the_node_was_well_last_not_from_its_start() {
    let (rollout, mut view) = canary();
    assert!(NOW.ms_since(node(&mut view, 1).starts[0]) > 900_000);
    out(&mut view, 1);
    assert_eq!(waits_for(&rollout, &view), Blocker::Fenced(NodeId(1)));
    kafka(&mut view).fenced.insert(NodeId(1), false);
    node(&mut view, 1).answers = true;
    assert_eq!(waits_for(&rollout, &view), Blocker::VoterBehind(NodeId(1)));
    node(&mut view, 1).progress_at = None;
    out(&mut view, 1);
    assert_eq!(fails(&rollout, &view), None, "nobody has watched it");
}

#[test]
fn nobody_who_can_be_asked_is_no_failure_of_a_node_unless_it_is_the_only_one() {
    let (rollout, mut view) = canary();
    view.kafka = None;
    stuck_for(&mut view, 900_000);
    assert_eq!(waits_for(&rollout, &view), Blocker::KafkaSilent);
    let mut view = whole(1, OLD);
    run_to(&mut view, 1, NEW);
    view.kafka = None;
    stuck_for(&mut view, 60_001);
    assert_eq!(fails(&rollout, &view), Some((FailureKind::NotUp, true)));
}

#[test]
fn a_node_that_stays_out_of_sync_without_progress_fails() {
    let (rollout, mut view) = canary();
    kafka(&mut view).partitions[0].in_sync.retain(|it| *it != NodeId(1));
    stuck_for(&mut view, 120_000);
    assert_eq!(fails(&rollout, &view), None);
    stuck_for(&mut view, 120_001);
    assert_eq!(fails(&rollout, &view), Some((FailureKind::NotInSync, true)));
    kafka(&mut view).partitions[0].in_sync.push(NodeId(1));
    assert_eq!(fails(&rollout, &view), None);
    kafka(&mut view).quorum.behind.insert(NodeId(1));
    assert_eq!(fails(&rollout, &view), Some((FailureKind::NotInSync, true)), "of the metadata");
    let (rollout, mut view) = canary();
    stuck_for(&mut view, 120_001);
    kafka(&mut view).partitions[0].in_sync.retain(|it| *it != NodeId(2));
    assert_eq!(fails(&rollout, &view), None, "another node is out of sync");
}

#[test]
fn a_node_that_falls_away_three_times_fails_and_earlier_falls_count_no_more() {
    let (mut rollout, mut view) = canary();
    node(&mut view, 1).falls = [300, 200].map(|it| NOW.plus_ms(-it)).into();
    assert_eq!(fails(&rollout, &view), None);
    node(&mut view, 1).falls.push(NOW.plus_ms(-100));
    assert_eq!(fails(&rollout, &view), Some((FailureKind::Flaps, true)));
    rollout.since = NOW.plus_ms(-250);
    assert_eq!(fails(&rollout, &view), None, "a person has let it go on since");
}

#[test]
fn a_node_that_locks_out_who_should_get_in_fails_after_a_while() {
    let (rollout, mut view) = canary();
    let locks_out = |ms: i64| AuthView::LocksOut {
        why: "CLIENT: wrong audience".into(),
        since: NOW.plus_ms(-ms),
    };
    node(&mut view, 1).auth = locks_out(30_000);
    assert_eq!(waits_for(&rollout, &view), Blocker::AuthUnproven(NodeId(1)));
    node(&mut view, 1).auth = locks_out(30_001);
    assert_eq!(fails(&rollout, &view), Some((FailureKind::LocksOut, true)));
    let resumed = Rollout { since: NOW.plus_ms(-1), ..rollout };
    assert_eq!(fails(&resumed, &view), None, "a person has just let it go on");
}

#[test]
fn a_node_that_lets_in_who_should_not_fails_at_once_even_if_nothing_else_is_known() {
    let (rollout, mut view) = canary();
    node(&mut view, 1).auth = AuthView::LetsIn("a forged token".into());
    view.kafka = None;
    assert_eq!(fails(&rollout, &view), Some((FailureKind::LetsIn, true)));
}

#[test]
fn only_the_first_node_goes_back_and_only_if_there_is_a_way_back() {
    let (rollout, mut view) = canary();
    down(&mut view, 1, [30_000, 11_000]);
    let without = Rollout { base: None, ..rollout.clone() };
    assert_eq!(fails(&without, &view), Some((FailureKind::KeepsExiting, false)));
    let same = Rollout { base: Some(revision(NEW)), ..rollout };
    assert_eq!(fails(&same, &view), Some((FailureKind::KeepsExiting, false)));
    run_to(&mut view, 2, NEW);
    let second = rollout_with(NEW, &[1, 2]);
    assert_eq!(fails(&second, &view), Some((FailureKind::KeepsExiting, false)));
    // An order to node 2 that was not carried out makes node 1 no less the first.
    let mut view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    down(&mut view, 1, [30_000, 11_000]);
    assert_eq!(fails(&second, &view), Some((FailureKind::KeepsExiting, true)));
}

#[test]
fn the_failure_of_a_node_that_nobody_ordered_stops_nothing() {
    let mut view = whole(3, OLD);
    down(&mut view, 2, [30_000, 20_000, 11_000]);
    let (rollout, _) = canary();
    run_to(&mut view, 1, NEW);
    assert!(fails(&rollout, &view).is_none());
}

#[test]
fn going_back_brings_the_first_node_back_to_the_base_and_ends() {
    let (rollout, mut view) = canary();
    down(&mut view, 1, [30_000, 11_000]);
    let mut back = Rollout { direction: Direction::Back, ..rollout };
    assert_eq!(decide(&back, &view), Step::Restart(ids([1])), "at once");
    back.orders.get_mut(&NodeId(1)).unwrap().revision = revision(OLD);
    let mut view = whole(3, OLD);
    node(&mut view, 1).process.as_mut().unwrap().incarnation.0.push('x');
    assert_eq!(waits_for(&back, &view), Blocker::AuthUnproven(NodeId(1)));
    node(&mut view, 1).auth = AuthView::Proven;
    assert_eq!(decide(&back, &view), Step::End(End::RolledBack));
    down(&mut view, 1, [30_000, 11_000]);
    assert_eq!(fails(&back, &view), Some((FailureKind::KeepsExiting, false)), "no second way back");
}

#[test]
fn halted_means_that_nothing_happens_until_a_person_says_so() {
    let (rollout, mut view) = canary();
    let failure = Failure { node: NodeId(1), kind: FailureKind::LetsIn, why: "x".into() };
    let halted = Rollout { halted: Some(failure.clone()), ..rollout };
    let blocker = Blocker::Halted(failure);
    assert_eq!(waits_for(&halted, &view), blocker);
    assert!(blocker.needs_person());
    let ended = Rollout { abort: true, ..halted.clone() };
    assert_eq!(decide(&ended, &view), Step::End(End::Aborted), "aborting says so");
    down(&mut view, 1, [1_000]);
    assert_eq!(waits_for(&halted, &view), blocker, "also while it waits for the next start");
    assert_eq!(waits_for(&ended, &view), blocker, "aborted, but not whole");
    view.kafka = None;
    assert_eq!(waits_for(&halted, &view), blocker);
}

#[test]
fn names_and_sentences_of_failures_and_blockers_are_all_different() {
    let names: std::collections::BTreeSet<&str> =
        FailureKind::ALL.iter().map(|it| it.as_str()).collect();
    assert_eq!(names.len(), FailureKind::ALL.len());
    let failure = Failure { node: NodeId(1), kind: FailureKind::NotUp, why: "gone".into() };
    assert_eq!(failure.to_string(), "node 1: gone");
    assert_eq!(Blocker::Halted(failure).to_string(), "halted, a person has to look: node 1: gone");
}
