//! What people are shown of a rollout while it is under way.

use serde::{Deserialize, Serialize};

use crate::{NodeId, Timestamp};

/// What the orchestrator saw of a rollout when it last looked. For display: nothing is decided by
/// it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutStatus {
    /// What it waits for, if it waits.
    pub blocker: Option<BlockerStatus>,
    /// Where each node is, by id.
    pub nodes: Vec<PhaseStatus>,
    /// What a client of our own notices, once it has been asked to look.
    pub probe: Option<ProbeFigures>,
}

/// What a rollout waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockerStatus {
    /// A stable name, such as `out_of_sync`.
    pub code: String,
    /// In words.
    pub text: String,
    /// Since when it has been that one.
    pub since: Timestamp,
}

/// Where a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseStatus {
    /// Which node.
    pub node: NodeId,
    /// A stable name, such as `catching_up`.
    pub phase: String,
    /// Since when it has been that one.
    pub since: Timestamp,
}

/// What a client of our own noticed during a rollout: it writes a record to each partition of a
/// topic of its own, many times a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeFigures {
    /// Records that were written, or given up.
    pub sent: u64,
    /// Those that were given up.
    pub failed: u64,
    /// The time that the slowest took until it was acknowledged, in milliseconds.
    pub slowest_ms: u64,
    /// The longest time in which nothing was acknowledged, in milliseconds.
    pub longest_gap_ms: u64,
}
