//! One picture of a service: its processes and what Kafka says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::{NodeId, RevisionId, Timestamp};

/// Tells one run of a node's process from the next. Opaque; the driver makes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub String);

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Everything that a decision is made of, looked at within one pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceView {
    /// Every node that the service shall have.
    pub nodes: BTreeMap<NodeId, NodeView>,
    /// What Kafka says of itself; `None` when nobody could be asked.
    pub kafka: Option<KafkaView>,
    /// Whether a broker that starts with the target revision would find its keys.
    pub jwks: Jwks,
}

/// A node, as its driver and its listeners show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// What it is started with if it is down.
    pub pinned: RevisionId,
    /// Its process, if it has one.
    pub process: Option<Process>,
    /// Whether the driver is carrying out an order on it right now.
    pub busy: bool,
    /// When its process was started last, however that went.
    pub last_start: Option<Timestamp>,
    /// Whether every listener answers a handshake.
    pub answers: bool,
}

/// A running process of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Which run it is.
    pub incarnation: Incarnation,
    /// What it was started with.
    pub revision: RevisionId,
}

/// Whether the key set that the target revision names can be fetched and used. A broker whose
/// fetch fails does not start (`RefreshingHttpsJwks#init`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Jwks {
    /// The target revision names none.
    NotNeeded,
    /// It was fetched and holds a usable key.
    Usable,
    /// It was not; the text says why.
    Unusable(String),
}

/// What Kafka says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KafkaView {
    /// Registered brokers; the value tells whether the broker is fenced.
    pub fenced: BTreeMap<NodeId, bool>,
    /// The controller quorum (`DescribeQuorum`).
    pub quorum: Quorum,
    /// Every partition of every topic, internal ones included.
    pub partitions: Vec<PartitionView>,
    /// How many partitions are being reassigned.
    pub reassignments: usize,
    /// Nodes with a log directory that is offline or nearly full.
    pub bad_log_dirs: BTreeSet<NodeId>,
}

/// The controller quorum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quorum {
    /// The active controller.
    pub leader: Option<NodeId>,
    /// Every voter.
    pub voters: BTreeSet<NodeId>,
    /// The voters that have fetched up to the leader's end within the fetch timeout.
    pub caught_up: BTreeSet<NodeId>,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionView {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub index: i32,
    /// Its leader.
    pub leader: Option<NodeId>,
    /// Its replicas, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// The replicas that are in sync, without those that a reassignment is about to remove.
    pub in_sync: BTreeSet<NodeId>,
    /// `min.insync.replicas` of the topic.
    pub min_in_sync: usize,
}
