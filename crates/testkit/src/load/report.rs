//! What the load says at its end, as JSON.

use serde::Serialize;

/// What became of the records.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Of the whole run.
    pub totals: Totals,
    /// Of each window, in order. The first, `start`, goes up to the first mark.
    pub windows: Vec<WindowReport>,
}

/// Numbers of records of a whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Handed to the client library.
    pub sent: u64,
    /// Acknowledged by every in-sync replica.
    pub acked: u64,
    /// Given up, or without an answer at the end.
    pub failed: u64,
    /// Read back, each counted once.
    pub consumed: u64,
    /// Acknowledged, and not read back.
    pub lost: u64,
    /// Found a second time at another offset.
    pub duplicated: u64,
    /// Found behind one that was sent later to the same partition by the same producer.
    pub out_of_order: u64,
    /// Read again at the same offset, after a partition changed hands. No fault of anybody.
    pub reread: u64,
}

/// What happened in one window. A record belongs to the window in which it was due.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "as in `Totals`")]
pub struct WindowReport {
    pub name: String,
    pub seconds: f64,
    pub acked: u64,
    pub failed: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub out_of_order: u64,
    /// From when a record was due until it was acknowledged.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// The longest time without an acknowledgement on any partition.
    pub longest_gap_ms: f64,
    /// The longest time in which nothing was read from some partition.
    pub consume_gap_ms: f64,
}

impl Report {
    /// Whether there was traffic and nothing happened to it.
    pub const fn is_clean(&self) -> bool {
        let Totals { sent, failed, lost, duplicated, out_of_order, .. } = self.totals;
        sent > 0 && failed == 0 && lost == 0 && duplicated == 0 && out_of_order == 0
    }
}
