//! What is stored of a rollout. Everything else is derived from what can be seen.

use std::collections::BTreeMap;

use model::{NodeId, RevisionId, Timestamp};

use crate::{Failure, Incarnation, Policy, Window};

/// An attempt to bring every node of a service to a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// The revision that every node shall run.
    pub target: RevisionId,
    /// The last revision with which every node was found whole: where a rollback goes to. `None`
    /// if there is none yet.
    pub base: Option<RevisionId>,
    /// Whether it goes on or back.
    pub direction: Direction,
    /// The latest order to each node, which stays here after it was carried out. Orders of a
    /// rollout that this one superseded are among them.
    pub orders: BTreeMap<NodeId, Order>,
    /// Whether nodes that run the goal are restarted too, each once.
    pub restart_all: bool,
    /// Set while a person has stopped it: no further node is touched.
    pub paused: Option<Paused>,
    /// Set when a node failed and a person has to look.
    pub halted: Option<Failure>,
    /// Whether a person wants it to end at the next node, leaving both revisions running.
    pub abort: bool,
    /// What a person allows to be done about partitions that a restart makes unavailable.
    pub remedy: Remedy,
    /// When nodes may be restarted; `None` for always.
    pub window: Option<Window>,
    /// Its times and limits.
    pub policy: Policy,
    /// When it was started, or a person let it go on last: no limit counts from before.
    pub since: Timestamp,
}

/// Where a rollout goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// To the target.
    #[default]
    Forward,
    /// Back to the base.
    Back,
}

/// An order to restart one node. Written down before it is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The revision that it shall come up with. Not the wanted one any more when that has changed.
    pub revision: RevisionId,
    /// The process that has to go; `None` if there was none.
    pub from: Option<Incarnation>,
    /// When it was written down.
    pub at: Timestamp,
    /// 1 for the first order to this node into this revision, and one more for each repetition.
    pub attempt: u32,
}

/// Who stopped a rollout, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    /// Who.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
}

/// What to do about partitions that a restart makes unavailable and that waiting does not help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: the rollout waits.
    #[default]
    Wait,
    /// A person has agreed that they are unavailable for a while.
    Consent,
    /// They get more replicas for the time of the rollout.
    RaiseReplication,
}

impl Rollout {
    /// The revision that every node shall come up with now.
    pub fn goal(&self) -> &RevisionId {
        match self.direction {
            Direction::Forward => &self.target,
            Direction::Back => self.base.as_ref().unwrap_or(&self.target),
        }
    }

    /// The orders into the goal.
    pub(crate) fn orders_into_goal(&self) -> impl Iterator<Item = (NodeId, &Order)> {
        self.orders.iter().filter(|(_, it)| it.revision == *self.goal()).map(|(id, it)| (*id, it))
    }
}
