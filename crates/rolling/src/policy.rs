//! The times and limits of a rollout.

/// The times and limits of a rollout. All times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How many nodes may be away at once, where the partitions and the quorum allow it. At least 1.
    pub max_unavailable: usize,
    /// How long the cluster has to have been whole after the first node before the second.
    pub canary_bake_ms: i64,
    /// How long it has to have been whole after any other node, the last included.
    pub soak_ms: i64,
    /// How long a node has to have been in sync, and has led the probe's partition, before it leads
    /// others again: its caches are cold, and clients may not have found it yet (KAFKA-20708).
    pub leaders_delay_ms: i64,
    /// How long a process may take until it is registered, unfenced and answers, unless it recovers
    /// its logs; three times as long as the node's restarts take usually, if that is more.
    pub start_limit_ms: i64,
    /// How long a node may stay out of sync without any progress.
    pub stall_limit_ms: i64,
    /// How long somebody who should get in may be refused: credentials arrive with the metadata.
    pub auth_limit_ms: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_unavailable: 1,
            canary_bake_ms: 60_000,
            soak_ms: 15_000,
            leaders_delay_ms: 10_000,
            start_limit_ms: 60_000,
            stall_limit_ms: 120_000,
            auth_limit_ms: 30_000,
        }
    }
}
