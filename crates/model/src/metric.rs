//! What is measured of a node.

use std::collections::BTreeMap;

use crate::NodeId;

/// A figure of a node. The eight that Aiven's clients draw, by Aiven's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// CPU time of the broker's process, in percent of all CPUs of its machine.
    CpuUsage,
    /// What is used of the file system that holds the node's data, in percent, as `df` counts it.
    DiskUsage,
    /// Bytes that the broker's process had read from storage, a second. Not what the page cache had.
    DiskioRead,
    /// Bytes that the broker's process had written to storage, a second.
    DiskioWrites,
    /// The load average of the node's machine over a minute.
    LoadAverage,
    /// Resident memory of the broker's process, in percent of its machine's memory.
    MemUsage,
    /// Bytes that the node's machine received, a second: not of the broker alone, without loopback.
    NetReceive,
    /// Bytes that the node's machine sent, a second: not of the broker alone, without loopback.
    NetSend,
}

impl Metric {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 8] = [
        Self::CpuUsage,
        Self::DiskUsage,
        Self::DiskioRead,
        Self::DiskioWrites,
        Self::LoadAverage,
        Self::MemUsage,
        Self::NetReceive,
        Self::NetSend,
    ];

    /// As Aiven's API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CpuUsage => "cpu_usage",
            Self::DiskUsage => "disk_usage",
            Self::DiskioRead => "diskio_read",
            Self::DiskioWrites => "diskio_writes",
            Self::LoadAverage => "load_average",
            Self::MemUsage => "mem_usage",
            Self::NetReceive => "net_receive",
            Self::NetSend => "net_send",
        }
    }
}

/// What was measured of a node at one time, or the mean of a while.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSample {
    /// Which node.
    pub node: NodeId,
    /// 0 or more, and finite. What could not be measured is not in it.
    pub values: BTreeMap<Metric, f32>,
}
