//! The roller's three sides as they are in production: Postgres, a driver, a running Kafka.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Node, NodeId, NodeStatus, Revision, RevisionId, RolloutStatus, ServiceId};
use rolling::{End, Failure, Incarnation, Order, PartitionId, Paused, Policy, Raised};
use store::{ActiveRollout, RecordError, ServiceSecrets, Store, StoreError};

use super::ledger::{Happened, Ledger, Then, Written};
use super::machines::Machines;
use crate::driver::{Driver, DriverError, Observed, ServiceRef};

/// A service in Postgres.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// The database.
    pub store: Store,
    /// The service.
    pub service: ServiceId,
    /// What rollouts do not say of their policy.
    pub policy: Policy,
}

impl Ledger for Postgres {
    async fn read(&self) -> Result<Written, StoreError> {
        // The rollout is read before the pins: an order that is written in between makes the
        // rollout stale, and nothing is done.
        let active = self.store.rollouts.active(self.service, self.policy).await?;
        Ok(Written {
            active,
            pins: self.store.nodes.list(self.service).await?,
            raised: self.store.rollouts.raised(self.service).await?,
            usual_ms: self.store.nodes.usual_ms(self.service).await?,
        })
    }

    async fn revision(&self, id: &RevisionId) -> Result<Option<Revision>, StoreError> {
        self.store.nodes.revision(id).await
    }

    async fn record_orders(
        &self,
        rollout: &ActiveRollout,
        orders: &BTreeMap<NodeId, Order>,
    ) -> Result<(), RecordError> {
        self.store.rollouts.record_orders(self.service, rollout, orders).await
    }

    async fn record_failure(
        &self,
        rollout: &ActiveRollout,
        failure: &Failure,
        log: &str,
        then: Then,
    ) -> Result<(), RecordError> {
        let rollouts = &self.store.rollouts;
        match then {
            Then::GoBack => rollouts.go_back(self.service, rollout, failure, log).await,
            Then::Halt => rollouts.halt(self.service, rollout, failure, log).await,
        }
    }

    async fn pause(&self, rollout: &ActiveRollout, paused: &Paused) -> Result<(), RecordError> {
        self.store.rollouts.pause(self.service, rollout, paused).await
    }

    async fn end(&self, rollout: &ActiveRollout, end: End) -> Result<(), RecordError> {
        self.store.rollouts.end(self.service, rollout, end).await
    }

    async fn record_raised(
        &self,
        rollout: &ActiveRollout,
        raised: &[Raised],
    ) -> Result<(), RecordError> {
        self.store.rollouts.record_raised(self.service, rollout, raised).await
    }

    async fn forget_raised(&self, partitions: &[PartitionId]) -> Result<(), StoreError> {
        self.store.rollouts.forget_raised(self.service, partitions).await
    }

    async fn took(&self, node: NodeId, ms: i64) -> Result<(), StoreError> {
        self.store.nodes.took(self.service, node, ms).await
    }

    async fn publish(
        &self,
        rollout: Option<&ActiveRollout>,
        nodes: &[NodeStatus],
        status: &RolloutStatus,
        happened: &[Happened],
    ) -> Result<(), StoreError> {
        self.store.nodes.publish(self.service, nodes).await?;
        let Some(rollout) = rollout else { return Ok(()) };
        let happened: Vec<_> =
            happened.iter().map(|it| (it.node, it.kind, it.detail.as_str())).collect();
        self.store.rollouts.publish(rollout.id, status, &happened).await
    }
}

/// The nodes of one service at a driver, for the holder of a lease.
#[derive(Debug)]
pub struct RealMachines<D> {
    /// Where they run.
    pub driver: Arc<D>,
    /// How the driver calls the service.
    pub named: ServiceRef,
    /// Its passwords.
    pub secrets: ServiceSecrets,
    /// The epoch of the lease.
    pub epoch: i64,
}

impl<D: Driver> Machines for RealMachines<D> {
    async fn inventory(&self, nodes: &[Node]) -> Result<BTreeMap<NodeId, Observed>, DriverError> {
        self.driver.inventory(&self.named, nodes).await
    }

    async fn stage(&self, node: &Node, revision: &Revision) -> Result<(), DriverError> {
        self.driver.stage(&self.named, node, revision, &self.secrets).await
    }

    async fn restart(
        &self,
        node: NodeId,
        revision: &RevisionId,
        expect: Option<&Incarnation>,
    ) -> Result<(), DriverError> {
        self.driver.restart(&self.named, node, revision, expect, self.epoch).await
    }

    async fn log_tail(&self, node: NodeId) -> Result<String, DriverError> {
        self.driver.log_tail(&self.named, node).await
    }
}
