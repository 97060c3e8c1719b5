//! What stopping nodes does to partitions: the availability algebra.
//!
//! For a partition with `RF` replicas, `m = min.insync.replicas` and `em = min(RF, m)`, stopping
//! the nodes `S` leaves `|ISR \ S|` replicas in sync. With none it is offline; with fewer than `em`
//! writes are refused and consumers see nothing new, because the high watermark stands still
//! (`Partition#maybeIncrementLeaderHW`).

use std::collections::BTreeSet;

use model::NodeId;

use crate::PartitionView;

/// What clients of a partition notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outage {
    /// Writes with `acks=all` are refused, and nothing new can be read.
    WriteBlocked,
    /// Nothing can be written or read.
    Offline,
}

/// What stopping nodes does to a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impact {
    /// What clients notice.
    pub outage: Outage,
    /// Whether it would be as bad even if every replica were in sync: waiting does not help.
    pub inherent: bool,
}

/// What stopping all of `nodes` does to a partition; `None` if clients notice nothing, or if it is
/// as bad as that already.
pub fn impact(partition: &PartitionView, nodes: &BTreeSet<NodeId>) -> Option<Impact> {
    let enough = partition.effective_min_in_sync();
    let before = outage(partition.in_sync.len(), enough);
    let after = outage(without(&partition.in_sync, nodes), enough);
    let outage = after.filter(|_| after > before)?;
    Some(Impact { outage, inherent: at_best(partition, nodes) >= after })
}

/// What clients would notice without `nodes` if every replica were in sync.
pub(crate) fn at_best(partition: &PartitionView, nodes: &BTreeSet<NodeId>) -> Option<Outage> {
    outage(without(&partition.replicas, nodes), partition.effective_min_in_sync())
}

fn without(all: &[NodeId], nodes: &BTreeSet<NodeId>) -> usize {
    all.iter().filter(|it| !nodes.contains(it)).count()
}

const fn outage(in_sync: usize, enough: usize) -> Option<Outage> {
    if in_sync == 0 {
        Some(Outage::Offline)
    } else if in_sync < enough {
        Some(Outage::WriteBlocked)
    } else {
        None
    }
}
