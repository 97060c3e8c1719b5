//! Laws over random clusters. `simulation::run` asserts laws 1 to 6, 9 and 10 at each decision; law
//! 8, of two orchestrators, is one of the reconciler, whose simulator holds it.

use std::collections::{BTreeMap, BTreeSet};

use model::{NodeId, Timestamp};
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::cluster::{NEW, NEWER, NOW, OLD, partition, revision, rollout_with, run_to, whole};
use super::simulation::{Event, Pace, Scenario, run};
use crate::{
    Direction, End, Failure, FailureKind, Jwks, Outage, Paused, Remedy, Rollout, ServiceView, Step,
    impact, next_step,
};

fn pace() -> impl Strategy<Value = Pace> {
    (0..20_u32, 0..40_u32, 0..60_u32).prop_map(|(stop, start, catch_up)| Pace {
        stop,
        start,
        catch_up,
    })
}

prop_compose! {
    fn scenario()(n_nodes in 3..12_i32)(
        n_nodes in Just(n_nodes),
        n_racks in 1..4_i32,
        max_unavailable in 1..5_usize,
        partitions in prop::collection::vec((2..5_usize, 1..4_usize), 1..8),
        paces in prop::collection::vec(pace(), 1..12),
        lost in prop::collection::vec(1..14_usize, 0..4),
        crashes in prop::collection::btree_map(0..2_000_u32, (1..=n_nodes).prop_map(Event::Crash), 0..4),
    ) -> Scenario {
        Scenario { n_nodes, n_racks, max_unavailable, partitions, paces, lost, events: crashes }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the cluster, however slow its nodes, wherever the orchestrator crashes, and
    /// whichever nodes fall over meanwhile.
    #[test]
    fn every_rollout_ends_with_each_node_restarted_once(scenario in scenario()) {
        let (end, mut orders) = run(&scenario);
        prop_assert_eq!(end, End::Done);
        orders.sort();
        let n = orders.len();
        orders.dedup();
        prop_assert_eq!((n, orders.len()), (usize::try_from(scenario.n_nodes).unwrap(), n));
    }

    /// Law 7: orders that are lost change neither the end nor which nodes are restarted.
    #[test]
    fn a_crash_changes_nothing(scenario in scenario()) {
        let calm = Scenario { lost: Vec::new(), events: BTreeMap::new(), ..scenario.clone() };
        let lossy = Scenario { events: BTreeMap::new(), ..scenario };
        let set = |(end, nodes): (End, Vec<NodeId>)| (end, BTreeSet::from_iter(nodes));
        prop_assert_eq!(set(run(&calm)), set(run(&lossy)));
    }

    /// Law 9.
    #[test]
    fn a_person_may_stop_it_at_any_time(
        scenario in scenario(),
        pause_at in 0..1_000_u32,
        pause in 1..1_000_u32,
        abort_at in 0..2_000_u32,
    ) {
        let mut paused = scenario.clone();
        paused.events.insert(pause_at, Event::Pause(pause));
        prop_assert_eq!(run(&paused).0, End::Done);
        let mut aborted = paused;
        aborted.events.insert(abort_at, Event::Abort);
        let (end, orders) = run(&aborted);
        let done = orders.len() == usize::try_from(scenario.n_nodes).unwrap();
        prop_assert!(end == End::Aborted || done);
    }
}

/// A picture with any trouble in it, however unlikely, and any rollout.
fn anything() -> impl Strategy<Value = (Rollout, ServiceView)> {
    (1..6_i32).prop_flat_map(|n| (troubled(n), stored(n), Just(n))).prop_map(
        |(mut view, mut rollout, n)| {
            for id in 1..=n {
                // Some orders were carried out.
                if id % 2 == 0 && rollout.orders.contains_key(&NodeId(id)) {
                    let digit = if rollout.direction == Direction::Back { OLD } else { NEW };
                    run_to(&mut view, id, digit);
                }
            }
            rollout.policy.max_unavailable = usize::try_from(n % 3 + 1).unwrap();
            (rollout, view)
        },
    )
}

fn troubled(n: i32) -> impl Strategy<Value = ServiceView> {
    let ids: Vec<NodeId> = (1..=n).map(NodeId).collect();
    let some = |ids: &Vec<NodeId>| subsequence(ids.clone(), 0..=ids.len());
    // Most pictures are to be nearly well, or nothing would ever be restarted.
    let few = |ids: &Vec<NodeId>| prop_oneof![3 => Just(Vec::new()), 1 => subsequence(ids.clone(), 0..=1)];
    let partitions = prop::collection::vec((some(&ids), few(&ids), 1..4_usize), 0..5);
    let sick = (few(&ids), few(&ids), few(&ids), few(&ids), few(&ids), few(&ids));
    let rest = (any::<u8>(), few(&ids), 0..200_000_i64, prop::option::of(0..900_000_i64));
    (partitions, sick, rest).prop_map(move |(partitions, sick, (odd, lost, start, whole_for))| {
        let mut view = whole(n, OLD);
        let kafka = view.kafka.as_mut().unwrap();
        kafka.partitions = partitions
            .into_iter()
            .enumerate()
            .filter(|(_, it)| !it.0.is_empty())
            .map(|(index, (replicas, missing, min))| {
                let mut it = partition("t", index, replicas, min);
                it.in_sync.retain(|id| !missing.contains(id));
                it
            })
            .collect();
        let (down, fenced, busy, silent, recovering, behind) = sick;
        for id in &ids {
            let seen = view.nodes.get_mut(id).unwrap();
            seen.answers = !silent.contains(id);
            seen.busy = busy.contains(id);
            seen.recovering = recovering.contains(id);
            seen.starts = vec![NOW.plus_ms(-2 * start), NOW.plus_ms(-start)];
            if down.contains(id) {
                seen.process = None;
            }
            kafka.fenced.insert(*id, fenced.contains(id));
            if behind.contains(id) {
                kafka.quorum.caught_up.remove(id);
            }
            if lost.contains(id) {
                kafka.fenced.remove(id);
            }
        }
        kafka.quorum.leader = kafka.quorum.leader.filter(|_| odd % 16 != 1);
        if odd % 16 == 2 {
            view.kafka = None;
        }
        if odd % 16 == 3 {
            view.jwks = Jwks::Unusable("x".into());
        }
        view.whole_since = whole_for.map(|it| NOW.plus_ms(-it));
        view
    })
}

fn stored(n: i32) -> impl Strategy<Value = Rollout> {
    let ids: Vec<i32> = (1..=n).collect();
    let orders = subsequence(ids, 0..=usize::try_from(n).unwrap());
    let remedy =
        prop_oneof![Just(Remedy::Wait), Just(Remedy::Consent), Just(Remedy::RaiseReplication)];
    let flags = (any::<bool>(), 0..8_u8, 0..8_u8, 0..8_u8, 0..2_000_000_i64);
    (orders, any::<bool>(), remedy, flags).prop_map(
        |(orders, newer, remedy, (back, paused, halted, abort, since))| {
            let mut rollout = rollout_with(NEW, &orders);
            if newer {
                rollout.target = revision(NEWER);
            }
            rollout.remedy = remedy;
            rollout.direction = if back { Direction::Back } else { Direction::Forward };
            rollout.abort = abort == 0;
            rollout.since = NOW.plus_ms(-since);
            let why = String::new();
            if paused == 0 {
                rollout.paused = Some(Paused { by: "ann".into(), reason: "x".into() });
            }
            if halted == 0 {
                let failure = Failure { node: NodeId(1), kind: FailureKind::NotUp, why };
                rollout.halted = Some(failure);
            }
            rollout
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Whatever is seen and stored: nobody is taken away whom anybody could miss.
    #[test]
    fn no_decision_makes_anything_worse((rollout, view) in anything(), later in 0..900_000_i64) {
        let now = Timestamp(NOW.0 + later);
        let step = next_step(Some(&rollout), &view, now);
        prop_assert_eq!(&step, &next_step(Some(&rollout), &view, now));
        let whole = crate::is_whole(&view);
        match step {
            Step::Start(nodes) => {
                prop_assert!(nodes.iter().all(|it| view.nodes[it].process.is_none()));
            }
            Step::Restart(nodes) => restarts_safely(&rollout, &view, &nodes)?,
            Step::End(end) => {
                prop_assert!(whole, "a rollout ends whole");
                let all_at = |it: &model::RevisionId| {
                    view.nodes.values().all(|node| node.process.as_ref().unwrap().revision == *it)
                };
                let is_due = match end {
                    End::Done => all_at(&rollout.target),
                    End::RolledBack => all_at(&revision(OLD)),
                    End::Aborted => rollout.abort,
                };
                prop_assert!(is_due);
            }
            Step::RaiseReplication(_) | Step::LowerReplication(_) | Step::RestoreLeaders(_) => {
                prop_assert!(whole);
            }
            Step::GoBack(failure) | Step::Halt(failure) => {
                prop_assert!(rollout.halted.is_none());
                prop_assert!(rollout.orders.contains_key(&failure.node), "law 10");
            }
            Step::Wait(_) => {}
            Step::Idle => prop_assert!(false, "there is a rollout"),
        }
    }
}

fn restarts_safely(
    rollout: &Rollout,
    view: &ServiceView,
    nodes: &BTreeSet<NodeId>,
) -> Result<(), TestCaseError> {
    prop_assert!(rollout.halted.is_none());
    prop_assert!(!matches!(view.jwks, Jwks::Unusable(_)));
    prop_assert!(view.nodes.values().all(|it| !it.busy));
    let under_way = nodes.iter().all(|it| rollout.orders.contains_key(it));
    prop_assert!(under_way || (rollout.paused.is_none() && !rollout.abort), "law 9");
    let up: BTreeSet<NodeId> =
        nodes.iter().copied().filter(|it| view.nodes[it].process.is_some()).collect();
    let Some(kafka) = view.kafka.as_ref().filter(|_| !up.is_empty()) else {
        // Who has no process is not missed.
        prop_assert!(up.is_empty() || view.nodes.len() == 1);
        return Ok(());
    };
    prop_assert!(kafka.quorum.leader.is_some(), "no stop without a controller");
    prop_assert!(up.len() <= rollout.policy.max_unavailable);
    prop_assert!(crate::is_whole(view) || nodes.len() == 1, "only a sick node alone");
    let consented = rollout.remedy == Remedy::Consent;
    for partition in &kafka.partitions {
        let Some(found) = impact(partition, &up) else { continue };
        prop_assert!(consented && (found.inherent || up.len() > 1), "{partition:?}");
        let both = up.len() > 1 && found.outage == Outage::Offline && partition.replicas.len() > 1;
        prop_assert!(!both || partition.effective_min_in_sync() == 1);
    }
    let voters = &kafka.quorum.voters;
    let left = kafka.quorum.caught_up.difference(&up).count();
    prop_assert!(2 * left > voters.len() || (consented && voters.len() < 3), "law 3");
    Ok(())
}
