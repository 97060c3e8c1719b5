//! Rolls the nodes of one service: looks, decides, writes down, acts.

pub mod cluster;
pub mod ledger;
pub mod machines;
mod memory;
mod real;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{NodeId, ProbeFigures, Revision, RevisionId, RolloutId, RolloutStatus, Timestamp};
use rolling::{
    End, Failure, NewReplicas, Order, Paused, Phase, Raised, Remedy, Rollout, ServiceView, Step,
    next_step,
};
use store::{ActiveRollout, RecordError, StoreError};
use tracing::{info, warn};

pub use self::real::{Postgres, RealMachines};
use crate::driver::DriverError;
use cluster::{Cluster, Question};
use ledger::{Ledger, Then, Written};
use machines::Machines;
use memory::Memory;
use status::Shown;

/// A decision that cannot be taken back has to come out the same in two looks no further apart than
/// this, and is acted upon no later than this after the second began.
const FRESH_MS: i64 = 2_000;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Why a pass ended early. The next one starts anew.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An order or its end could not be written down.
    #[error("cannot write down what to do next")]
    Record(#[from] RecordError),
    /// The place where nodes run failed.
    #[error("the driver failed")]
    Driver(#[from] DriverError),
    /// Kafka did not do what it was asked.
    #[error("Kafka failed")]
    Kafka(#[from] kafka::KafkaError),
    /// A node is pinned to a revision that is not stored.
    #[error("revision {0} is not stored")]
    NoRevision(RevisionId),
}

/// Rolls the nodes of one service. What it remembers may be lost at any time.
pub struct Roller<L, M, C> {
    /// What is written down.
    pub ledger: L,
    /// Where the nodes run.
    pub machines: M,
    /// Their Kafka.
    pub cluster: C,
    /// What a client of our own notices of the rollout, to be shown with it.
    pub probe: Option<ProbeFigures>,
    clock: Clock,
    memory: Memory,
    shown: Shown,
    last: Option<Decision>,
    report: PassReport,
}

/// What there is to count of a pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassReport {
    /// The rollout that is under way.
    pub rollout: Option<RolloutId>,
    /// Whether what was decided was done.
    pub has_acted: bool,
    /// Whether a partition had too few replicas in sync while a node was away by our order, though
    /// nobody had agreed to it.
    pub is_unsafe: bool,
    /// Phases that nodes have left, and how long they were in them, in milliseconds.
    pub left: Vec<(Phase, i64)>,
    /// How long restarts took that have come to their end, and how long they take usually, in
    /// milliseconds.
    pub took: Vec<(i64, Option<i64>)>,
}

/// What a decision comes down to, so that two looks can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Decision {
    step: Step,
    /// Of the controller quorum: an election in between makes it another decision.
    epoch: Option<i32>,
    at: Timestamp,
}

/// What one pass has to go on.
struct Pass<'a> {
    written: &'a Written,
    view: &'a ServiceView,
    /// When the look began.
    at: Timestamp,
    /// Whether the look before came to the same decision.
    is_confirmed: bool,
}

impl<L, M, C> std::fmt::Debug for Roller<L, M, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Roller").field("last", &self.last).finish_non_exhaustive()
    }
}

impl<L: Ledger, M: Machines, C: Cluster> Roller<L, M, C> {
    /// A roller that has not looked yet.
    pub fn new(ledger: L, machines: M, cluster: C, clock: Clock) -> Self {
        let (memory, shown) = (Memory::default(), Shown::default());
        let report = PassReport::default();
        Self { ledger, machines, cluster, probe: None, clock, memory, shown, last: None, report }
    }

    /// What there is to count of the last pass.
    pub const fn report(&self) -> &PassReport {
        &self.report
    }

    /// One pass. After a crash anywhere in it, the next pass decides the same and goes on.
    pub async fn pass(&mut self) -> Result<Step, PassError> {
        let at = (self.clock)();
        self.report = PassReport::default();
        let written = self.ledger.read().await?;
        let (view, foreign) = self.look(&written).await?;
        let rollout = written.active.as_ref().map(|it| &it.rollout);
        let step = next_step(rollout, &view, at);
        let is_confirmed = self.confirm(&step, &view, at);
        let active = written.active.as_ref();
        let show = self.shown.changes(active, &view, &step, at);
        let status = RolloutStatus { probe: self.probe, ..show.rollout };
        self.ledger.publish(active, &show.nodes, &status, &show.happened).await?;
        self.report.rollout = active.map(|it| it.id);
        self.report.is_unsafe = rollout.is_some_and(|it| keeps_clients_waiting(it, &view));
        self.report.left = show.left;
        for (node, ms) in show.took {
            self.report.took.push((ms, written.usual_ms.get(&node).copied()));
            self.ledger.took(node, ms).await?;
        }
        if let (Some(node), Some(active)) = (foreign, active)
            && active.rollout.paused.is_none()
        {
            warn!(node.id = %node, "node {node} was restarted by nobody of us: pausing");
            let reason = format!("node {node} was restarted, and nobody ordered it");
            let paused = Paused { by: "orchestrator".into(), reason };
            self.ledger.pause(active, &paused).await?;
            return Ok(step);
        }
        let pass = Pass { written: &written, view: &view, at, is_confirmed };
        self.report.has_acted = self.act(&pass, &step).await?;
        Ok(step)
    }

    async fn look(
        &mut self,
        written: &Written,
    ) -> Result<(ServiceView, Option<NodeId>), PassError> {
        let nodes: Vec<_> = written.pins.iter().map(|it| it.node.clone()).collect();
        let observed = self.machines.inventory(&nodes).await?;
        let rollout = written.active.as_ref().map(|it| &it.rollout);
        let restarted = rollout.into_iter().flat_map(|it| it.orders.keys().copied());
        let log_in_at = self.memory.unproven(restarted, &observed);
        let needs_keys = rollout.is_some();
        let question = Question { nodes: &nodes, log_in_at: &log_in_at, needs_keys };
        let answer = self.cluster.look(&question).await;
        Ok(self.memory.view(written, &observed, answer, (self.clock)()))
    }

    /// Whether the last look came to the same decision a moment ago.
    fn confirm(&mut self, step: &Step, view: &ServiceView, at: Timestamp) -> bool {
        let epoch = view.kafka.as_ref().map(|it| it.quorum.epoch);
        let now = Decision { step: essence(step), epoch, at };
        let before = self.last.replace(now.clone());
        before.is_some_and(|it| {
            it.step == now.step && it.epoch == now.epoch && at.ms_since(it.at) <= FRESH_MS
        })
    }

    /// Does what was decided, and tells whether it did. What cannot be taken back waits for a second
    /// look.
    async fn act(&self, pass: &Pass<'_>, step: &Step) -> Result<bool, PassError> {
        match step {
            Step::Start(nodes) => self.start(pass, nodes).await?,
            Step::RestoreLeaders(partitions) => self.cluster.elect_preferred(partitions).await?,
            Step::LowerReplication(raised) => self.lower(pass, raised).await?,
            Step::Wait(_) | Step::Idle => return Ok(false),
            Step::Restart(_)
            | Step::RaiseReplication(_)
            | Step::GoBack(_)
            | Step::Halt(_)
            | Step::End(_) => return self.act_for_good(pass, step).await,
        }
        Ok(true)
    }

    async fn act_for_good(&self, pass: &Pass<'_>, step: &Step) -> Result<bool, PassError> {
        let is_fresh = (self.clock)().ms_since(pass.at) <= FRESH_MS;
        let Some(active) = pass.written.active.as_ref().filter(|_| pass.is_confirmed && is_fresh)
        else {
            return Ok(false);
        };
        match step {
            Step::Restart(nodes) => self.restart(pass, active, nodes).await?,
            Step::RaiseReplication(raised) => self.raise(active, raised).await?,
            Step::GoBack(failure) => self.fail(active, failure, Then::GoBack).await?,
            Step::Halt(failure) => self.fail(active, failure, Then::Halt).await?,
            Step::End(end) => self.end(active, *end).await?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    async fn start(&self, pass: &Pass<'_>, nodes: &BTreeSet<NodeId>) -> Result<(), PassError> {
        let mut outcome = Ok(());
        // One that cannot be started keeps none of the others down.
        for pin in pass.written.pins.iter().filter(|it| nodes.contains(&it.node.id)) {
            let id = pin.node.id;
            info!(node.id = %id, revision.id = %pin.revision, "node {id} is down: starting it");
            let started = async {
                self.stage(pass, id, &pin.revision).await?;
                Ok(self.machines.restart(id, &pin.revision, None).await?)
            };
            outcome = outcome.and(started.await);
        }
        outcome
    }

    /// Writes orders down that are not written down yet, then carries all of them out.
    async fn restart(
        &self,
        pass: &Pass<'_>,
        active: &ActiveRollout,
        nodes: &BTreeSet<NodeId>,
    ) -> Result<(), PassError> {
        let goal = active.rollout.goal();
        let runs = |id: &NodeId| {
            let process = pass.view.nodes.get(id).and_then(|it| it.process.as_ref());
            process.map(|it| it.incarnation.clone())
        };
        // Before the orders: one that cannot be staged is not written down.
        for id in nodes {
            self.stage(pass, *id, goal).await?;
        }
        let at = (self.clock)();
        let mut orders = BTreeMap::new();
        for id in nodes {
            let earlier = active.rollout.orders.get(id).filter(|it| it.revision == *goal);
            let from = runs(id);
            if earlier.is_none_or(|it| it.from != from) {
                let attempt = earlier.map_or(1, |it| it.attempt + 1);
                orders.insert(*id, Order { revision: goal.clone(), from, at, attempt });
            }
        }
        if !orders.is_empty() {
            self.ledger.record_orders(active, &orders).await?;
        }
        for id in nodes {
            info!(node.id = %id, revision.id = %goal, "restarting node {id}");
            self.machines.restart(*id, goal, runs(id).as_ref()).await?;
        }
        Ok(())
    }

    async fn stage(
        &self,
        pass: &Pass<'_>,
        node: NodeId,
        revision: &RevisionId,
    ) -> Result<(), PassError> {
        let Some(pin) = pass.written.pins.iter().find(|it| it.node.id == node) else {
            return Ok(());
        };
        let stored: Option<Revision> = self.ledger.revision(revision).await?;
        let stored = stored.ok_or_else(|| PassError::NoRevision(revision.clone()))?;
        Ok(self.machines.stage(&pin.node, &stored).await?)
    }

    async fn fail(
        &self,
        active: &ActiveRollout,
        failure: &Failure,
        then: Then,
    ) -> Result<(), PassError> {
        warn!(node.id = %failure.node, rollout.id = %active.id, "{failure}");
        // A log that cannot be read keeps nobody from going back.
        let log = self
            .machines
            .log_tail(failure.node)
            .await
            .unwrap_or_else(|error| format!("the log cannot be read: {}", web::chain(&error)));
        Ok(self.ledger.record_failure(active, failure, &log, then).await?)
    }

    async fn end(&self, active: &ActiveRollout, end: End) -> Result<(), PassError> {
        self.ledger.end(active, end).await?;
        info!(rollout.id = %active.id, "rollout ended: {end:?}");
        Ok(())
    }

    async fn raise(
        &self,
        active: &ActiveRollout,
        partitions: &[NewReplicas],
    ) -> Result<(), PassError> {
        let raised = partitions
            .iter()
            .map(|it| Raised { partition: it.partition.clone(), original: it.from.clone() });
        self.ledger.record_raised(active, &raised.collect::<Vec<_>>()).await?;
        Ok(self.cluster.reassign(partitions).await?)
    }

    /// Gives partitions their own replicas back, and forgets those that have them or are gone.
    async fn lower(&self, pass: &Pass<'_>, raised: &[Raised]) -> Result<(), PassError> {
        let Some(kafka) = &pass.view.kafka else { return Ok(()) };
        let replicas: BTreeMap<_, _> =
            kafka.partitions.iter().map(|it| (it.id(), &it.replicas)).collect();
        let (mut settled, mut lower) = (Vec::new(), Vec::new());
        for it in raised {
            match replicas.get(&it.partition) {
                Some(has) if **has != it.original => lower.push(NewReplicas {
                    partition: it.partition.clone(),
                    from: (*has).clone(),
                    to: it.original.clone(),
                }),
                _ => settled.push(it.partition.clone()),
            }
        }
        if !settled.is_empty() {
            self.ledger.forget_raised(&settled).await?;
        }
        if lower.is_empty() { Ok(()) } else { Ok(self.cluster.reassign(&lower).await?) }
    }
}

/// A decision without what changes from look to look though the decision is the same.
fn essence(step: &Step) -> Step {
    let quiet = |failure: &Failure| Failure { why: String::new(), ..failure.clone() };
    match step {
        Step::GoBack(failure) => Step::GoBack(quiet(failure)),
        Step::Halt(failure) => Step::Halt(quiet(failure)),
        other => other.clone(),
    }
}

/// Whether clients are kept from writing while a node is away by our order.
fn keeps_clients_waiting(rollout: &Rollout, view: &ServiceView) -> bool {
    let Some(kafka) = &view.kafka else { return false };
    let is_away = |id: &NodeId| kafka.fenced.get(id) != Some(&false);
    rollout.remedy != Remedy::Consent
        && rollout.orders.keys().any(is_away)
        && kafka.partitions.iter().any(|it| it.in_sync.len() < it.effective_min_in_sync())
}
