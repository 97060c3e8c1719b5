//! The laws, asked of the world itself at each effect and without a look at the planner.
//!
//! What befell a node after the orchestrator's look began cannot be held against it: such a node
//! counts as it was then.

use std::collections::BTreeSet;

use model::{NodeId, Timestamp};
use rolling::{
    Direction, End, Failure, Incarnation, NewReplicas, Order, PartitionId, Remedy, WindowState,
};

use crate::book::digit;
use crate::world::{Agent, Behaviour, Part, World};

/// A decision is acted upon no later than this after its look, and so far apart are two looks.
const FRESH_MS: i64 = 2_000;
/// What the writing down itself may take here.
const ACTING_MS: i64 = 2_500;

/// So long preferred leaders are waited for.
const LEADERS_MS: i64 = 120_000;

/// What a restart takes if nobody has seen one.
const UNKNOWN_MS: i64 = 60_000;

/// How well clients of a partition are served with so many replicas in sync.
fn service(part: &Part, in_sync: usize) -> u8 {
    let asked = part.min.clamp(1, part.replicas.len());
    if in_sync >= asked { 2 } else { u8::from(in_sync > 0) }
}

impl World {
    /// Whether a node was well when the look began, as far as we have not changed that.
    fn was_well(&self, id: i32, since: i64) -> bool {
        let (deaf, spell) = self.faults.deaf;
        if deaf == id && self.during(spell) && spell.is_some_and(|it| it.0 < since) {
            return false;
        }
        self.is_well(id)
            || self.machines[&id].hit_at.is_some_and(|it| it >= since)
            || self.partitions.iter().any(|it| it.hit_at.get(&id).is_some_and(|at| *at >= since))
    }

    fn in_sync(&self, part: &Part, since: i64) -> BTreeSet<i32> {
        let hit = part.hit_at.iter().filter(|it| *it.1 >= since).map(|it| *it.0);
        // The only one stays in sync while it is away, and serves nobody.
        let serving = part.in_sync.iter().copied().filter(|it| self.is_unfenced(*it));
        serving.chain(hit).collect()
    }

    fn order(&self, id: i32) -> Option<&Order> {
        self.book.active.as_ref()?.rollout.orders.get(&NodeId(id))
    }

    fn fail(&self, law: &str) -> ! {
        panic!("{law}, at {}", self.now)
    }

    /// An order is written down before it is carried out, and a node is started with its pin.
    pub(crate) fn check_pin(&self, me: usize, id: i32, revision: char) {
        let changed = self.book.pinned_at.get(&id).is_some_and(|it| *it >= self.looks[me].read_at);
        if self.book.pins[&id] != revision && !changed {
            self.fail("a node is started with what it is not pinned to");
        }
    }

    pub(crate) fn check_two_looks(&self, me: usize) {
        let looks = &self.looks[me];
        let apart = looks.before.map(|it| looks.last - it);
        if apart.is_none_or(|it| it > FRESH_MS) {
            self.fail("two looks have to agree");
        }
        if self.now - looks.last > FRESH_MS + ACTING_MS {
            self.fail("the look is old");
        }
    }

    /// A process that runs is told to stop.
    pub(crate) fn check_stop(&self, me: usize, id: i32, revision: char) {
        let since = self.looks[me].last;
        let read_at = self.looks[me].read_at;
        self.check_two_looks(me);
        let Some(active) = &self.book.active else { return };
        let rollout = &active.rollout;
        let consented = rollout.remedy == Remedy::Consent;
        for (n, part) in self.partitions.iter().enumerate() {
            let mut in_sync = self.in_sync(part, since);
            let before = service(part, in_sync.len());
            in_sync.remove(&id);
            let after = service(part, in_sync.len());
            let agreed = consented && after >= service(part, part.replicas.len() - 1);
            if after < before && !agreed {
                self.fail(&format!("law 3: node {id} is missed by partition {n}: {part:?}"));
            }
        }
        self.check_quorum(id, since, consented);
        if matches!(self.faults.idp, Some((from, _)) if from <= since && self.during(self.faults.idp))
        {
            self.fail("a node is stopped that would not find its keys");
        }
        if !self.was_well(id, since) {
            return;
        }
        if self.book.stopped_at.is_some_and(|it| it <= read_at)
            && rollout.direction == Direction::Forward
        {
            self.fail("law 9: a node is touched though it was stopped");
        }
        let at = self.order(id).map(|it| it.at);
        // One that was ordered earlier and not stopped, because whoever ordered it died, comes along;
        // one that was ordered with this one may be back.
        let is_due = |id: &NodeId, order: &Order| {
            let process = self.machines[&id.0].process.as_ref();
            let runs = process.map(|it| Incarnation(it.incarnation.to_string()));
            runs.is_some() && runs == order.from
        };
        let mates = rollout.orders.iter().filter(|(other, it)| {
            other.0 == id || is_due(other, it) || Some(it.at) == at && !self.is_well(other.0)
        });
        let mates: BTreeSet<i32> = mates.map(|it| it.0.0).collect();
        if mates.len() > rollout.policy.max_unavailable {
            self.fail("law 1: too many at once");
        }
        for other in self.machines.keys().filter(|it| !mates.contains(it)) {
            if !self.was_well(*other, since) {
                self.fail(&format!("law 2: node {id} is stopped while node {other} is not well"));
            }
        }
        let lingers =
            |spell: Option<(i64, i64)>| self.during(spell) && spell.is_some_and(|it| it.0 <= since);
        let faults = &self.faults;
        let disks = lingers(faults.disk.1) || lingers(faults.log_dir.1);
        if lingers(faults.reassigning) || disks || lingers(faults.behind.1) {
            self.fail(
                "a node is stopped though a disk, a copy or a reassignment speaks against it",
            );
        }
        self.check_window(id, since);
        self.check_soak(id, since, &mates);
        let earlier = self.order(id).is_some_and(|it| it.at.0 < read_at);
        let is_active = self.quorum.leader == Some(id)
            && self.looks[me].before.is_some_and(|it| self.quorum.since < it);
        let is_last = self
            .machines
            .iter()
            .filter(|it| *it.0 != id)
            .all(|(_, it)| it.process.as_ref().is_none_or(|it| it.revision == revision));
        if is_active && !is_last && !earlier {
            self.fail(&format!("law 4: node {id}, the active controller, is not the last"));
        }
    }

    /// On the way forward a node is only stopped while the maintenance window is open, and as long
    /// before its end as it takes.
    fn check_window(&self, id: i32, since: i64) {
        let Some(active) = &self.book.active else { return };
        let forward = active.rollout.direction == Direction::Forward;
        let Some(window) = active.rollout.window.filter(|_| forward) else { return };
        let WindowState::Open(closes) = window.at(Timestamp(since)) else {
            self.fail(&format!("node {id} is stopped outside of the maintenance window"))
        };
        // How long it takes may have been learnt since the ledger was read.
        let is_unknown = !self.book.usual_ms.contains_key(&NodeId(id));
        if is_unknown && closes.0 - since < UNKNOWN_MS * 3 / 2 {
            self.fail(&format!("node {id} does not fit into the maintenance window"));
        }
    }

    fn check_quorum(&self, id: i32, since: i64, consented: bool) {
        let left = self.machines.iter().filter(|(other, it)| {
            let is_hit = it.hit_at.is_some_and(|at| at >= since);
            **other != id && (self.has_controller(**other) || is_hit)
        });
        let is_only = self.machines.len() == 1;
        if is_only && !self.is_unfenced(id) {
            return;
        }
        let small = self.machines.len() < 3;
        if 2 * left.count() <= self.machines.len() && !(small && consented) {
            self.fail(&format!("law 3: without node {id} the quorum has no majority"));
        }
        let is_lost = self.quorum.leader.is_none() && self.quorum.since < since;
        if is_lost && !is_only {
            self.fail("a node is stopped without a controller");
        }
    }

    /// Nodes that were restarted earlier have been well for a while.
    fn check_soak(&self, id: i32, since: i64, mates: &BTreeSet<i32>) {
        let Some(active) = &self.book.active else { return };
        let goal = digit(active.rollout.goal());
        let done: Vec<i32> = active
            .rollout
            .orders
            .iter()
            .filter(|(_, it)| digit(&it.revision) == goal)
            .map(|it| it.0.0)
            .filter(|it| *it != id && !mates.contains(it))
            .filter(|it| self.machines[it].process.as_ref().is_none_or(|it| it.revision == goal))
            .collect();
        let policy = &active.rollout.policy;
        let is_canary = done.len() == 1 && active.rollout.direction == Direction::Forward;
        let soak = if is_canary { policy.canary_bake_ms } else { policy.soak_ms };
        for other in done {
            let machine = &self.machines[&other];
            let is_hit = machine.hit_at.is_some_and(|it| it >= since - soak)
                || self.partitions.iter().any(|it| it.hit_at.contains_key(&other));
            let well_for = machine.well_since.map(|it| self.now - it);
            if well_for.is_none_or(|it| it < soak) && !is_hit {
                self.fail(&format!("node {other} was not watched for long enough"));
            }
            let behaviour = machine.process.as_ref().map(|it| self.behaviour(it.revision));
            if matches!(behaviour, Some(Behaviour::LocksOut | Behaviour::LetsIn)) {
                self.fail(&format!("node {other} was not proven"));
            }
        }
    }

    /// Orders are about to be written down: nobody else has ordered, and no person has stopped it,
    /// since the ledger was read.
    pub(crate) fn check_alone(&self, me: usize) {
        let Some(active) = &self.book.active else { return };
        let read_at = self.looks[me].read_at;
        if active.rollout.orders.values().any(|it| it.at.0 > read_at) {
            self.fail("law 8: two orchestrators order at once");
        }
        if self.book.stopped_at.is_some_and(|it| it > read_at) {
            self.fail("law 9: an order is written down though it was stopped");
        }
    }

    /// Orders were written down.
    pub(crate) fn check_orders(&self, nodes: &BTreeSet<i32>) {
        let Some(active) = &self.book.active else { return };
        let rollout = &active.rollout;
        if rollout.halted.is_some() {
            self.fail("a halted rollout orders nothing");
        }
        let goal = digit(rollout.goal());
        if nodes.iter().any(|it| self.book.pins[it] != goal) {
            self.fail("an order leads to the goal");
        }
        let runs = |id: &i32| self.machines[id].process.as_ref().map(|it| it.revision);
        let up = nodes.iter().filter(|it| runs(it).is_some()).count();
        let is_first = self.machines.keys().all(|it| runs(it) != Some(goal));
        if up > 1 && is_first {
            self.fail("the first node goes alone");
        }
    }

    /// A node is said to have failed.
    pub(crate) fn check_failure(&self, failure: &Failure) {
        let id = failure.node.0;
        let machine = &self.machines[&id];
        let Some(order) = self.order(id) else {
            self.fail("law 10: a node failed without an order")
        };
        let is_bad = self.behaviour(digit(&order.revision)) != Behaviour::Good;
        let after = order.at.0 - FRESH_MS;
        let is_hit = machine.hit_at.is_some_and(|it| it >= after)
            || self.partitions.iter().any(|it| it.hit_at.contains_key(&id))
            || self.faults.deaf.0 == id && self.faults.deaf.1.is_some_and(|it| it.1 >= after);
        if !is_bad && !is_hit {
            self.fail(&format!("law 10: nothing is wrong with node {id}: {failure}"));
        }
    }

    /// A rollout ends.
    pub(crate) fn check_end(&self, end: End) {
        let Some(active) = &self.book.active else { return };
        let since = self.looks.iter().map(|it| it.last).max().unwrap_or_default();
        for (id, machine) in &self.machines {
            if !self.was_well(*id, since.min(self.now - FRESH_MS)) {
                self.fail(&format!("law 9: a rollout ends while node {id} is not well"));
            }
            let goal = digit(active.rollout.goal());
            let runs = machine.process.as_ref().map(|it| it.revision);
            if end != End::Aborted && runs.is_some_and(|it| it != goal) {
                self.fail(&format!("a rollout is over, and node {id} runs something else"));
            }
        }
        match end {
            End::Aborted if !active.rollout.abort => self.fail("nobody has aborted it"),
            End::RolledBack if active.rollout.direction == Direction::Forward => {
                self.fail("it did not go back")
            }
            End::Done if active.rollout.direction == Direction::Back => self.fail("it went back"),
            _ => {}
        }
        if end != End::Aborted {
            self.check_soak(0, self.now - FRESH_MS, &BTreeSet::new());
            self.check_leaders();
        }
    }

    /// Every partition is led by its preferred replica, unless that was waited for in vain.
    fn check_leaders(&self) {
        // One that restarted nobody has moved nobody's leaderships.
        if self.book.active.as_ref().is_none_or(|it| it.rollout.orders.is_empty()) {
            return;
        }
        let lately = |at: Option<i64>| at.is_some_and(|it| self.now - it <= LEADERS_MS);
        let nodes = self.machines.values();
        let was_hit = nodes.clone().any(|it| lately(it.hit_at));
        if was_hit || nodes.clone().all(|it| !lately(it.well_since)) {
            return;
        }
        let away = |it: &&Part| it.leader != it.replicas.first().copied() && it.hit_at.is_empty();
        if let Some(part) = self.partitions.iter().find(away) {
            self.fail(&format!(
                "a rollout is over, and a leader is not the preferred one: {part:?}"
            ));
        }
    }

    /// Only partitions are forgotten that have their own replicas.
    pub(crate) fn check_forgotten(&self, partitions: &[PartitionId]) {
        for raised in self.book.raised.iter().filter(|it| partitions.contains(&it.partition)) {
            let part = &self.partitions[usize::try_from(raised.partition.index).unwrap()];
            let original: Vec<i32> = raised.original.iter().map(|it| it.0).collect();
            if part.replicas != original {
                self.fail("replicas are forgotten that are still raised");
            }
        }
    }

    /// Replicas are changed only as it is written down.
    pub(crate) fn check_reassignment(&self, new: &NewReplicas) {
        let known = self.book.raised.iter().find(|it| it.partition == new.partition);
        let Some(known) = known else {
            self.fail("replicas are changed before it is written down which there were")
        };
        if new.to.len() > known.original.len() && !new.to.starts_with(&known.original) {
            self.fail("replicas are taken away where some were to be added");
        }
    }

    /// What has to hold once all is over.
    pub(crate) fn check_rest(&self) {
        let stops = |it: &Option<Agent>| it.is_some();
        if self.machines.values().any(|it| stops(&it.agent)) || !self.book.raised.is_empty() {
            self.fail("something is left behind");
        }
        if self.machines.keys().any(|it| !self.is_well(*it)) {
            self.fail("a node is left down");
        }
        let runs: BTreeSet<char> = self
            .machines
            .values()
            .filter_map(|it| it.process.as_ref())
            .map(|it| it.revision)
            .collect();
        if runs.len() > 1 && self.book.ended != Some(End::Aborted) {
            self.fail("nodes run different revisions");
        }
    }
}
