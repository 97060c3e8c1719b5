//! Rolls the nodes of one service: looks, decides, writes down, acts.

mod status;

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka::Admin;
use model::{IdpPolicy, IdpUrl, NodeId, RevisionId, ServiceId, Timestamp};
use rolling::{Blocker, Incarnation, Jwks, Order, ServiceView, Step, next_step};
use store::{ActiveRollout, NodePin, RecordError, ServiceSecrets, Store, StoreError};
use tracing::{info, warn};

use crate::driver::{Driver, DriverError, ServiceRef};
use crate::look::look;

/// A decision to stop a node, or to call a rollout done, has to come out the same in two looks no
/// further apart than this.
const CONFIRM_MS: i64 = 2_000;

/// A key set that was usable is not fetched again before this.
const JWKS_FRESH_MS: i64 = 3_000;

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

/// Rolls the nodes of one service.
#[derive(Debug)]
pub struct Roller<D> {
    store: Store,
    driver: Arc<D>,
    service: ServiceId,
    /// The last decision, and when it was made. Losing it costs one more look.
    last: Option<(Step, Timestamp)>,
    /// What was waited for last, so that a reason is logged once.
    waiting: Option<Blocker>,
    /// The key set that was usable last, and when.
    usable: Option<(IdpUrl, Timestamp)>,
}

/// What one pass needs to know of its service.
#[derive(Debug)]
pub struct Subject<'a> {
    /// How drivers call it.
    pub named: &'a ServiceRef,
    /// Its passwords.
    pub secrets: &'a ServiceSecrets,
    /// For admin calls.
    pub admin: &'a Admin,
    /// Where the keys are that its target revision names.
    pub jwks: Option<&'a IdpUrl>,
    /// Where that may be.
    pub idp_policy: &'a IdpPolicy,
}

impl<D: Driver> Roller<D> {
    /// A roller for one service.
    pub const fn new(store: Store, driver: Arc<D>, service: ServiceId) -> Self {
        Self { store, driver, service, last: None, waiting: None, usable: None }
    }

    /// One pass. After a crash anywhere in it, the next pass decides the same and goes on.
    pub async fn pass(&mut self, subject: &Subject<'_>) -> Result<Step, PassError> {
        let active = self.store.rollouts.active(self.service).await?;
        let pins = self.store.nodes.list(self.service).await?;
        let nodes: Vec<_> = pins.iter().map(|it| it.node.clone()).collect();
        let observed = self.driver.inventory(subject.named, &nodes).await?;
        let jwks = subject.jwks.filter(|_| active.is_some());
        let fresh = jwks.is_some_and(|it| self.is_fresh(it));
        let jwks_at = jwks.filter(|_| !fresh).map(|it| (it, subject.idp_policy));
        let mut view = look(subject.admin, &pins, &observed, jwks_at).await;
        let now = Timestamp::now();
        if fresh {
            view.jwks = Jwks::Usable;
        } else if view.jwks == Jwks::Usable {
            self.usable = jwks.cloned().map(|it| (it, now));
        }
        let step = next_step(active.as_ref().map(|it| &it.rollout), &view, now);
        self.report(&step);
        self.store.nodes.publish(self.service, &status::statuses(&view, &step)).await?;
        let confirmed = self.confirm(&step, now);
        self.act(subject, active.as_ref(), &pins, &view, &step, confirmed).await?;
        Ok(step)
    }

    async fn act(
        &self,
        subject: &Subject<'_>,
        active: Option<&ActiveRollout>,
        pins: &[NodePin],
        view: &ServiceView,
        step: &Step,
        confirmed: bool,
    ) -> Result<(), PassError> {
        match (step, active) {
            (Step::Start(nodes), _) => self.start(subject, pins, nodes).await,
            (Step::Restart(node), Some(active)) => {
                self.restart(subject, active, pins, view, *node, confirmed).await
            }
            (Step::RestoreLeaders, _) => Ok(subject.admin.elect_preferred_leaders().await?),
            (Step::Done, Some(active)) if confirmed => {
                info!(rollout.id = %active.id, "rollout done");
                Ok(self.store.rollouts.finish(self.service, active).await?)
            }
            (Step::Restart(_), None) | (Step::Wait(_) | Step::Done, _) => Ok(()),
        }
    }

    async fn start(
        &self,
        subject: &Subject<'_>,
        pins: &[NodePin],
        nodes: &BTreeSet<NodeId>,
    ) -> Result<(), PassError> {
        let mut outcome = Ok(());
        // One that cannot be started keeps none of the others down.
        for pin in pins.iter().filter(|it| nodes.contains(&it.node.id)) {
            outcome = outcome.and(self.start_one(subject, pin).await);
        }
        outcome
    }

    async fn start_one(&self, subject: &Subject<'_>, pin: &NodePin) -> Result<(), PassError> {
        self.stage(subject, pin, &pin.revision).await?;
        let id = pin.node.id;
        info!(node.id = %id, revision.id = %pin.revision, "node {id} is down: starting it");
        Ok(self.driver.restart(subject.named, id, &pin.revision, None).await?)
    }

    /// Carries out the order that is written down for the node, or writes a new one down first.
    async fn restart(
        &self,
        subject: &Subject<'_>,
        active: &ActiveRollout,
        pins: &[NodePin],
        view: &ServiceView,
        node: NodeId,
        confirmed: bool,
    ) -> Result<(), PassError> {
        let Some(pin) = pins.iter().find(|it| it.node.id == node) else { return Ok(()) };
        let runs = view.nodes.get(&node).and_then(|it| it.process.as_ref());
        let runs: Option<Incarnation> = runs.map(|it| it.incarnation.clone());
        let ordered = active.rollout.order.as_ref().filter(|it| it.node == node);
        let revision = active.rollout.target.clone();
        // An order into an earlier target was overtaken: the planner has dropped it.
        let given =
            ordered.filter(|it| it.from == runs && it.from.is_some() && it.revision == revision);
        if given.is_none() && !confirmed {
            return Ok(());
        }
        // Before the order: one that cannot be staged is not written down.
        self.stage(subject, pin, &revision).await?;
        if given.is_none() {
            let again = ordered.filter(|it| it.revision == revision);
            let attempt = again.map_or(1, |it| it.attempt + 1);
            let (at, from) = (Timestamp::now(), runs.clone());
            let order = Order { node, revision: revision.clone(), from, at, attempt };
            self.store.rollouts.record_order(self.service, active, &order).await?;
            info!(node.id = %node, revision.id = %revision, "restarting node {node}");
        }
        Ok(self.driver.restart(subject.named, node, &revision, runs.as_ref()).await?)
    }

    async fn stage(
        &self,
        subject: &Subject<'_>,
        pin: &NodePin,
        revision: &RevisionId,
    ) -> Result<(), PassError> {
        let stored = self.store.nodes.revision(revision).await?;
        let stored = stored.ok_or_else(|| PassError::NoRevision(revision.clone()))?;
        Ok(self.driver.stage(subject.named, &pin.node, &stored, subject.secrets).await?)
    }

    fn is_fresh(&self, jwks: &IdpUrl) -> bool {
        let now = Timestamp::now();
        self.usable
            .as_ref()
            .is_some_and(|(url, at)| url == jwks && now.ms_since(*at) < JWKS_FRESH_MS)
    }

    /// Whether the last pass came to the same decision a moment ago.
    fn confirm(&mut self, step: &Step, now: Timestamp) -> bool {
        let before = self.last.replace((step.clone(), now));
        before.is_some_and(|(last, at)| last == *step && now.ms_since(at) <= CONFIRM_MS)
    }

    fn report(&mut self, step: &Step) {
        let waiting = if let Step::Wait(blocker) = step { Some(blocker.clone()) } else { None };
        if waiting == self.waiting {
            return;
        }
        match &waiting {
            Some(
                it @ (Blocker::KeepsExiting(_) | Blocker::MinInSync { .. } | Blocker::Jwks(_)),
            ) => {
                warn!("waiting: {it}");
            }
            Some(it) => info!("waiting: {it}"),
            None => {}
        }
        self.waiting = waiting;
    }
}
