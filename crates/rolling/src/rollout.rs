//! What is stored of a rollout. Everything else is derived from what can be seen.

use model::{NodeId, RevisionId, Timestamp};

use crate::Incarnation;

/// An attempt to bring every node of a service to `target`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// The revision that every node shall run.
    pub target: RevisionId,
    /// The order that was written down last; it stays here after it was carried out.
    pub order: Option<Order>,
}

/// An order to restart one node. Written down before it is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which node.
    pub node: NodeId,
    /// The revision that it shall come up with. Not the target any more when that has changed since.
    pub revision: RevisionId,
    /// The process that has to go; `None` if there was none.
    pub from: Option<Incarnation>,
    /// When it was written down.
    pub at: Timestamp,
    /// 1 for the first order to this node into this revision, and one more for each repetition.
    pub attempt: u32,
}
