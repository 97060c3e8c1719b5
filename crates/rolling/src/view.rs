//! One picture of a service: its processes and what Kafka says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use model::{NodeId, RevisionId, Timestamp};

use crate::Raised;

/// What a node's restart takes if nobody has seen one yet.
const UNKNOWN_RESTART_MS: i64 = 60_000;

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
    /// Whether a broker that starts with the wanted revision would find its keys.
    pub jwks: Jwks,
    /// Since when each look has shown every node whole, every replica in sync and the same
    /// processes; `None` if the last look did not, or nobody has looked before.
    pub whole_since: Option<Timestamp>,
    /// Since when all that has been so, and no partition has got another leader.
    pub calm_since: Option<Timestamp>,
    /// Partitions that have other replicas than they shall have, as it is written down.
    pub raised: Vec<Raised>,
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
    /// Its latest starts with the pinned revision, oldest first, however they went; a handful.
    pub starts: Vec<Timestamp>,
    /// Whether it works on its logs after an unclean stop (`LogManager#loadLogs`): that may take
    /// hours, and a restart begins it anew.
    pub recovering: bool,
    /// Whether every listener answers a handshake.
    pub answers: bool,
    /// Whether it lets in who it should, and nobody else.
    pub auth: AuthView,
    /// When it was last seen with nothing wrong, or anything about it moved forward that was seen: a
    /// start, a registration, a replica that came in sync; or else when it was first looked at.
    /// `None` if nobody watches it: then no limit runs.
    pub progress_at: Option<Timestamp>,
    /// When this process, as far as it was watched, was fenced again or fell out of sync again
    /// after all of it had been well, oldest first; a handful.
    pub falls: Vec<Timestamp>,
    /// How long its restarts took lately, from the order until it was whole, in milliseconds.
    pub usual_ms: Option<i64>,
    /// Kafka's `broker.rack`; nodes without one are told apart by nothing.
    pub rack: String,
}

/// A running process of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Which run it is.
    pub incarnation: Incarnation,
    /// What it was started with.
    pub revision: RevisionId,
}

/// What came of trying to log in at a node's listeners. It is only tried after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuthView {
    /// Nobody has tried since its process started, or the answer was none.
    #[default]
    Untried,
    /// Whoever should get in does, and forged tokens and wrong passwords are refused.
    Proven,
    /// Somebody who should get in was refused, at each try since then.
    LocksOut {
        /// The listener, the mechanism and what the broker said.
        why: String,
        /// Since when.
        since: Timestamp,
    },
    /// Somebody got in who should not: a forged token, or a wrong password.
    LetsIn(String),
}

/// Whether the key set that the wanted revision names can be fetched and used. A broker whose
/// fetch fails does not start (`RefreshingHttpsJwks#init`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Jwks {
    /// The wanted revision names none.
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
    /// Nodes with a log directory that is offline, or that do not tell.
    pub offline_log_dirs: BTreeSet<NodeId>,
    /// Nodes with a log directory that is nearly full.
    pub full_disks: BTreeSet<NodeId>,
}

/// The controller quorum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quorum {
    /// The active controller.
    pub leader: Option<NodeId>,
    /// Grows with each election.
    pub epoch: i32,
    /// Every voter.
    pub voters: BTreeSet<NodeId>,
    /// The voters that have fetched up to the leader's end within the fetch timeout.
    pub caught_up: BTreeSet<NodeId>,
    /// Brokers, voters or not, whose copy of the metadata is behind. One of them anywhere stalls
    /// every controlled shutdown for up to five minutes (KAFKA-14292).
    pub behind: BTreeSet<NodeId>,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionView {
    /// Its topic; one text for all partitions of a topic.
    pub topic: Arc<str>,
    /// Its number.
    pub index: i32,
    /// Its leader.
    pub leader: Option<NodeId>,
    /// Its replicas, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// The replicas that are in sync at every broker that was asked, without those that a
    /// reassignment is about to remove.
    pub in_sync: Vec<NodeId>,
    /// `min.insync.replicas` of the topic.
    pub min_in_sync: usize,
}

/// A partition by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartitionId {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its number.
    pub index: i32,
}

impl ServiceView {
    /// How long a node's restarts took lately, in milliseconds; `None` if nobody has seen one.
    pub(crate) fn usual_ms(&self, node: NodeId) -> Option<i64> {
        self.nodes.get(&node).and_then(|it| it.usual_ms)
    }

    /// How long a restart of a node is expected to take, in milliseconds.
    pub(crate) fn restart_ms(&self, node: NodeId) -> i64 {
        self.usual_ms(node).unwrap_or(UNKNOWN_RESTART_MS)
    }
}

impl PartitionView {
    /// Its name as a value.
    pub fn id(&self) -> PartitionId {
        PartitionId { topic: Arc::clone(&self.topic), index: self.index }
    }

    /// `topic-index`.
    pub fn name(&self) -> String {
        format!("{}-{}", self.topic, self.index)
    }

    /// How many replicas have to be in sync so that `acks=all` is answered, as
    /// `Partition#effectiveMinIsr` caps it; at least one, without which there is no leader.
    pub fn effective_min_in_sync(&self) -> usize {
        self.min_in_sync.min(self.replicas.len()).max(1)
    }
}
