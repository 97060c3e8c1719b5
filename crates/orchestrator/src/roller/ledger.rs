//! What the roller needs of the database: what was asked for and what was ordered.

use std::collections::BTreeMap;

use model::{NodeId, NodeStatus, Revision, RevisionId, RolloutStatus};
use rolling::{End, Failure, Order, PartitionId, Paused, Raised};
use store::{ActiveRollout, NodePin, RecordError, StoreError};

/// What is written down of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The rollout that has not ended.
    pub active: Option<ActiveRollout>,
    /// Every node, by id, and what it is pinned to.
    pub pins: Vec<NodePin>,
    /// Partitions with other replicas than they shall have.
    pub raised: Vec<Raised>,
    /// How long restarts of a node took lately, in milliseconds.
    pub usual_ms: BTreeMap<NodeId, i64>,
}

/// What becomes of a rollout whose node failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It goes back to its base, and its target is rejected.
    GoBack,
    /// It stands until a person lets it go on.
    Halt,
}

/// Something that happened in a rollout, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// To which node, if to one.
    pub node: Option<NodeId>,
    /// A stable name, such as `phase` or `blocked`.
    pub kind: &'static str,
    /// In words, without secrets.
    pub detail: String,
}

/// What is written down of one service.
///
/// Each write that belongs to a rollout compares and raises its version: of two orchestrators that
/// decided on the same reading only one writes, and the other is told that it is stale.
pub trait Ledger: Send + Sync {
    /// Reads all of it, at one moment.
    fn read(&self) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// A revision by its id.
    fn revision(
        &self,
        id: &RevisionId,
    ) -> impl Future<Output = Result<Option<Revision>, StoreError>> + Send;

    /// Writes orders down, and pins their nodes to the ordered revisions, at once.
    fn record_orders(
        &self,
        rollout: &ActiveRollout,
        orders: &BTreeMap<NodeId, Order>,
    ) -> impl Future<Output = Result<(), RecordError>> + Send;

    /// Writes down that a node failed, with the end of its log.
    fn record_failure(
        &self,
        rollout: &ActiveRollout,
        failure: &Failure,
        log: &str,
        then: Then,
    ) -> impl Future<Output = Result<(), RecordError>> + Send;

    /// Stops a rollout until a person lets it go on.
    fn pause(
        &self,
        rollout: &ActiveRollout,
        paused: &Paused,
    ) -> impl Future<Output = Result<(), RecordError>> + Send;

    /// Ends a rollout.
    fn end(
        &self,
        rollout: &ActiveRollout,
        end: End,
    ) -> impl Future<Output = Result<(), RecordError>> + Send;

    /// Writes down which replicas partitions have, before they get others. One that is written down
    /// already keeps what is there.
    fn record_raised(
        &self,
        rollout: &ActiveRollout,
        raised: &[Raised],
    ) -> impl Future<Output = Result<(), RecordError>> + Send;

    /// Forgets partitions that have their own replicas again.
    fn forget_raised(
        &self,
        partitions: &[PartitionId],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps how long a node's restart took, in milliseconds.
    fn took(&self, node: NodeId, ms: i64) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Shows people how things are, and what has happened since it was shown last.
    fn publish(
        &self,
        rollout: Option<&ActiveRollout>,
        nodes: &[NodeStatus],
        status: &RolloutStatus,
        happened: &[Happened],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
