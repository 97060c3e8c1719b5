//! What the load says at its end, as JSON.

use serde::Serialize;

/// What became of the records, and of the partitions meanwhile.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Those of native producers.
    #[serde(flatten)]
    pub native: PathReport,
    /// Those that went through the REST proxy, if any did.
    pub rest: Option<PathReport>,
    /// Of each window, in the order of the others.
    pub partitions: Vec<PartitionsReport>,
}

/// What became of the records that took one path.
#[derive(Clone, Debug, Serialize)]
pub struct PathReport {
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
    /// Requests for records that the REST proxy refused, or did not answer.
    pub failed_reads: u64,
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
    pub failed_reads: u64,
    /// From when a record was due until it was acknowledged.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// The longest time without an acknowledgement on any partition.
    pub longest_gap_ms: f64,
    /// The longest time in which nothing was read from some partition.
    pub consume_gap_ms: f64,
    /// The longest times without an acknowledgement, the longest first.
    pub gaps: Vec<Gap>,
}

/// A time without an acknowledgement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gap {
    /// On which partition.
    pub partition: usize,
    /// How long.
    pub ms: f64,
    /// When it was over, as a broker's log has it: milliseconds since 1970.
    pub until_unix_ms: f64,
}

/// What became, in one window, of the partitions that have more replicas than they need in sync.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PartitionsReport {
    /// The window.
    pub name: String,
    /// How many pictures were taken of them.
    pub pictures: u64,
    /// The longest time between two pictures: nothing is known of it.
    pub longest_blind_ms: f64,
    /// Time with fewer in-sync replicas than `min.insync.replicas`: of the worst partition.
    pub under_min_isr_max_ms: f64,
    /// The same, of all partitions together.
    pub under_min_isr_sum_ms: f64,
    /// Time without a leader: of the worst partition.
    pub leaderless_max_ms: f64,
    /// The same, of all partitions together.
    pub leaderless_sum_ms: f64,
    /// The worst partition: its time under the minimum counts first.
    pub worst: Option<String>,
}

impl Report {
    /// Whether there was traffic and nothing happened to it, on no path.
    pub fn is_clean(&self) -> bool {
        self.native.is_clean() && self.rest.as_ref().is_none_or(PathReport::is_clean)
    }
}

impl PathReport {
    /// Whether there was traffic and nothing happened to it.
    pub const fn is_clean(&self) -> bool {
        let Totals { sent, failed, lost, duplicated, out_of_order, failed_reads, .. } = self.totals;
        sent > 0 && failed + lost + duplicated + out_of_order + failed_reads == 0
    }
}
