//! A rollout carried out tick by tick on a cluster where everything goes as it should, sooner or
//! later; the laws are checked at each decision.

use std::collections::{BTreeMap, BTreeSet};

use model::{NodeId, Timestamp};

use super::cluster::{NEW, OLD, kafka, out, partition, revision, rollout, whole};
use crate::{
    AuthView, End, Incarnation, Order, Paused, Process, Rollout, ServiceView, Step, next_step,
};

/// How one node takes a restart, in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// From the order to the exit of the old process.
    pub stop: u32,
    /// Until the new one is registered.
    pub start: u32,
    /// Until its replicas are in sync.
    pub catch_up: u32,
}

/// What a person or an accident does, once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// The process of a node dies.
    Crash(i32),
    /// A person stops it, and lets it go on so many ticks later.
    Pause(u32),
    /// A person ends it.
    Abort,
}

/// A cluster and what happens to it.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub n_nodes: i32,
    pub n_racks: i32,
    pub max_unavailable: usize,
    /// Replicas and `min.insync.replicas` of each partition.
    pub partitions: Vec<(usize, usize)>,
    pub paces: Vec<Pace>,
    /// The orders, by their number, that are written down and not carried out.
    pub lost: Vec<usize>,
    /// When something happens.
    pub events: BTreeMap<u32, Event>,
}

const TICK_MS: i64 = 500;

struct Simulation<'a> {
    scenario: &'a Scenario,
    view: ServiceView,
    rollout: Rollout,
    now: Timestamp,
    /// Nodes on their way, since when, and whether an order sent them there.
    away: BTreeMap<NodeId, (u32, Pace, bool)>,
    /// Nodes in the order of their orders.
    orders: Vec<NodeId>,
}

/// Runs it to its end. Returns how it ended and the nodes in the order of their orders.
pub(super) fn run(scenario: &Scenario) -> (End, Vec<NodeId>) {
    let mut it = Simulation::new(scenario);
    for tick in 0..40_000 {
        it.now = Timestamp(1_000_000 + i64::from(tick) * TICK_MS);
        it.happen(tick);
        it.advance();
        let step = next_step(Some(&it.rollout), &it.view, it.now);
        assert_eq!(step, next_step(Some(&it.rollout), &it.view, it.now), "law 6: same step");
        match step {
            Step::End(end) => {
                assert!(it.away.is_empty(), "law 9: nothing is left down");
                return (end, it.orders);
            }
            Step::Restart(nodes) => it.restart(&nodes),
            Step::Start(nodes) => it.start(&nodes),
            Step::RestoreLeaders(wanted) => {
                for partition in &mut kafka(&mut it.view).partitions {
                    if wanted.contains(&partition.id()) {
                        partition.leader = partition.replicas.first().copied();
                    }
                }
            }
            Step::Wait(_) => {}
            step => panic!("law 10: {step:?} though no node failed"),
        }
    }
    panic!("law 5: a rollout ends");
}

impl<'a> Simulation<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let mut view = whole(scenario.n_nodes, OLD);
        view.whole_since = Some(Timestamp(1_000_000));
        let nodes: Vec<NodeId> = view.nodes.keys().copied().collect();
        for (n, node) in view.nodes.values_mut().enumerate() {
            node.rack = (n % usize::try_from(scenario.n_racks).unwrap()).to_string();
        }
        let partitions = scenario.partitions.iter().enumerate().map(|(n, (rf, min))| {
            let rf = *rf.min(&nodes.len());
            let replicas = (0..rf).map(|it| nodes[(n + it) % nodes.len()]).collect();
            partition("orders", n, replicas, (*min).min(rf - 1))
        });
        kafka(&mut view).partitions = partitions.collect();
        let mut rollout = rollout(NEW);
        rollout.policy.max_unavailable = scenario.max_unavailable;
        let away = BTreeMap::new();
        Self { scenario, view, rollout, now: Timestamp(0), away, orders: Vec::new() }
    }

    fn pace(&self, node: NodeId) -> Pace {
        let n = usize::try_from(node.0).unwrap();
        self.scenario.paces[n % self.scenario.paces.len()]
    }

    fn happen(&mut self, tick: u32) {
        match self.scenario.events.get(&tick) {
            Some(Event::Crash(node)) if !self.away.contains_key(&NodeId(*node)) => {
                self.view.nodes.get_mut(&NodeId(*node)).unwrap().process = None;
                self.view.nodes.get_mut(&NodeId(*node)).unwrap().auth = AuthView::Untried;
                out(&mut self.view, *node);
            }
            Some(Event::Pause(_)) => {
                let paused = Paused { by: "ann".into(), reason: "x".into() };
                self.rollout.paused = Some(paused);
            }
            Some(Event::Abort) => self.rollout.abort = true,
            Some(Event::Crash(_)) | None => {}
        }
        let resumes = self.scenario.events.iter().any(
            |(at, event)| matches!(event, Event::Pause(ticks) if at.checked_add(*ticks) == Some(tick)),
        );
        if resumes {
            self.rollout.paused = None;
            self.rollout.since = self.now;
        }
    }

    fn restart(&mut self, nodes: &BTreeSet<NodeId>) {
        self.check(nodes);
        for id in nodes {
            let seen = self.view.nodes.get_mut(id).unwrap();
            let from = seen.process.as_ref().map(|it| it.incarnation.clone());
            let given = self.rollout.orders.get(id).is_some_and(|it| it.from == from);
            if !given {
                let revision = self.rollout.goal().clone();
                let order = Order { revision, from, at: self.now, attempt: 1 };
                self.rollout.orders.insert(*id, order);
                self.orders.push(*id);
                seen.pinned = self.rollout.goal().clone();
            }
            // A crash between writing down and acting: the next pass has to act.
            if given || !self.scenario.lost.contains(&self.orders.len()) {
                self.view.nodes.get_mut(id).unwrap().busy = true;
                self.away.insert(*id, (0, self.pace(*id), true));
            }
        }
    }

    fn start(&mut self, nodes: &BTreeSet<NodeId>) {
        for id in nodes {
            let seen = self.view.nodes.get_mut(id).unwrap();
            assert!(seen.process.is_none() && !seen.busy, "only what is down is started");
            seen.busy = true;
            self.away.insert(*id, (self.pace(*id).stop, self.pace(*id), false));
        }
    }

    fn check(&self, nodes: &BTreeSet<NodeId>) {
        let kafka = self.view.kafka.as_ref().unwrap();
        assert!(self.rollout.paused.is_none() && !self.rollout.abort, "law 9: it was stopped");
        let ours = self.away.values().filter(|it| it.2).count() + nodes.len();
        assert!(ours <= self.scenario.max_unavailable, "law 1: too many are away");
        let old: Vec<&NodeId> =
            self.view.nodes.iter().filter(|it| is_old(it.1)).map(|it| it.0).collect();
        for partition in &kafka.partitions {
            assert_eq!(partition.in_sync.len(), partition.replicas.len(), "law 2: all in sync");
            let left = partition.in_sync.iter().filter(|it| !nodes.contains(it)).count();
            assert!(left >= partition.min_in_sync.max(1), "law 3: min.insync.replicas is kept");
        }
        let voters_left = kafka.quorum.voters.difference(nodes).count();
        assert!(2 * voters_left > kafka.quorum.voters.len(), "law 3: the quorum is kept");
        let active = kafka.quorum.leader.is_some_and(|it| nodes.contains(&it));
        let again = nodes.iter().all(|it| self.rollout.orders.contains_key(it));
        assert!(!active || again || old.len() == 1, "law 4: the active controller is the last");
        let first = self.rollout.orders.is_empty();
        assert!(!first || nodes.len() == 1, "the first node goes alone");
        assert!(nodes.iter().all(|it| old.contains(&it)), "each node is restarted once");
    }

    /// One tick of every node that is away.
    fn advance(&mut self) {
        let view = &mut self.view;
        let now = self.now;
        self.away.retain(|id, (ticks, pace, _)| {
            let started = pace.stop + 1 + pace.start;
            if *ticks == pace.stop {
                out(view, id.0);
                let seen = view.nodes.get_mut(id).unwrap();
                let incarnation = Incarnation(format!("{id}@{}", now.0));
                seen.process = Some(Process { incarnation, revision: seen.pinned.clone() });
                seen.busy = false;
                seen.starts = vec![now];
                seen.auth = AuthView::Untried;
            }
            if *ticks == started {
                kafka(view).fenced.insert(*id, false);
                view.nodes.get_mut(id).unwrap().answers = true;
                view.nodes.get_mut(id).unwrap().auth = AuthView::Proven;
            }
            let back = *ticks == started + pace.catch_up;
            if back {
                kafka(view).quorum.caught_up.insert(*id);
                for partition in &mut kafka(view).partitions {
                    if partition.replicas.contains(id) {
                        partition.in_sync.push(*id);
                    }
                }
            }
            *ticks += 1;
            // As slow as it is, it moves.
            view.nodes.get_mut(id).unwrap().progress_at = Some(now);
            !back
        });
        let is_whole = crate::is_whole(view);
        view.whole_since = if is_whole { view.whole_since.or(Some(now)) } else { None };
        for node in view.nodes.values_mut().filter(|_| is_whole) {
            node.progress_at = Some(now);
        }
    }
}

fn is_old(node: &crate::NodeView) -> bool {
    node.process.as_ref().is_some_and(|it| it.revision == revision(OLD))
}
