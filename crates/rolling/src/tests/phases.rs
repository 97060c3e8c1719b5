//! Where each node is.

use model::NodeId;

use super::cluster::{NEW, NOW, OLD, down, kafka, node, out, rollout, rollout_with, run_to, whole};
use crate::{AuthView, Failure, FailureKind, Phase, Rollout, ServiceView, phases};

fn phase(rollout: &Rollout, view: &ServiceView, id: i32) -> Phase {
    phases(rollout, view, NOW)[&NodeId(id)]
}

#[test]
fn a_node_passes_through_each_phase_in_their_order() {
    let mut view = whole(3, OLD);
    let mut seen = vec![phase(&rollout(NEW), &view, 1)];
    let rollout = rollout_with(NEW, &[1]);
    let mut note = |view: &ServiceView| seen.push(phase(&rollout, view, 1));
    note(&view);
    down(&mut view, 1, [1]);
    note(&view);
    run_to(&mut view, 1, NEW);
    node(&mut view, 1).auth = AuthView::Untried;
    node(&mut view, 1).recovering = true;
    note(&view);
    node(&mut view, 1).recovering = false;
    note(&view);
    kafka(&mut view).fenced.insert(NodeId(1), false);
    note(&view);
    node(&mut view, 1).answers = true;
    note(&view);
    node(&mut view, 1).auth = AuthView::Proven;
    note(&view);
    view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    view.whole_since = None;
    note(&view);
    view.whole_since = Some(NOW.plus_ms(-100_000));
    note(&view);
    let all = [
        Phase::Pending,
        Phase::Stopping,
        Phase::Starting,
        Phase::Recovering,
        Phase::Registered,
        Phase::OpeningListeners,
        Phase::Proving,
        Phase::CatchingUp,
        Phase::Soaking,
        Phase::Done,
    ];
    assert_eq!(seen, all);
    assert!(all.is_sorted());
    let names: std::collections::BTreeSet<&str> = all.iter().map(|it| it.as_str()).collect();
    assert_eq!(names.len(), all.len());
}

#[test]
fn the_node_for_which_a_rollout_was_halted_has_failed() {
    let mut view = whole(3, OLD);
    out(&mut view, 1);
    let failure = Failure { node: NodeId(1), kind: FailureKind::NotUp, why: String::new() };
    let halted = Rollout { halted: Some(failure), ..rollout_with(NEW, &[1]) };
    assert_eq!(phase(&halted, &view, 1), Phase::Failed);
    assert_eq!(phase(&halted, &view, 2), Phase::Pending);
}

#[test]
fn without_kafka_a_node_is_starting() {
    let mut view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    view.kafka = None;
    assert_eq!(phase(&rollout_with(NEW, &[1]), &view, 1), Phase::Starting);
}
