//! Why a rollout waits. Typed, so that people, logs and metrics get the same reason.

use std::fmt;

use model::NodeId;

/// What a rollout waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// The node's process is being stopped or started.
    Busy(NodeId),
    /// The node's process ended soon after it was started; the next start waits.
    KeepsExiting(NodeId),
    /// Nobody could be asked how the cluster is.
    KafkaSilent,
    /// A listener of the node does not answer.
    NotAnswering(NodeId),
    /// The node is not registered with the controller.
    NotRegistered(NodeId),
    /// The node is registered and fenced.
    Fenced(NodeId),
    /// The quorum has no leader.
    NoQuorumLeader,
    /// The voter lags behind the quorum's leader.
    VoterBehind(NodeId),
    /// Without this node the caught-up voters would be no majority.
    QuorumMajority(NodeId),
    /// Partitions are being reassigned.
    Reassigning(usize),
    /// Replicas are out of sync.
    OutOfSync {
        /// How many partitions lack one.
        partitions: usize,
        /// One of them, as `topic-index`.
        example: String,
    },
    /// Without this node a partition would have too few in-sync replicas, and waiting helps only
    /// if somebody raises its replication factor or lowers its `min.insync.replicas`.
    MinInSync {
        /// The node whose turn it is.
        node: NodeId,
        /// How many partitions would suffer.
        partitions: usize,
        /// One of them, as `topic-index`.
        example: String,
    },
    /// A log directory of the node is offline or nearly full.
    LogDir(NodeId),
    /// A broker that starts now would not find its keys.
    Jwks(String),
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(node) => write!(f, "node {node} is being restarted"),
            Self::KeepsExiting(node) => {
                write!(f, "node {node} exits soon after each start: see its log")
            }
            Self::KafkaSilent => f.write_str("no broker answers how the cluster is"),
            Self::NotAnswering(node) => {
                write!(f, "node {node} does not answer on each of its listeners")
            }
            Self::NotRegistered(node) => {
                write!(f, "node {node} is not registered with the controller")
            }
            Self::Fenced(node) => write!(f, "node {node} is fenced"),
            Self::NoQuorumLeader => f.write_str("the controller quorum has no leader"),
            Self::VoterBehind(node) => {
                write!(f, "node {node} lags behind in the controller quorum")
            }
            Self::QuorumMajority(node) => {
                write!(f, "without node {node} the controller quorum would lose its majority")
            }
            Self::Reassigning(n) => write!(f, "{n} partitions are being reassigned"),
            Self::OutOfSync { partitions, example } => {
                write!(f, "{partitions} partitions have replicas out of sync, such as {example}")
            }
            Self::MinInSync { node, partitions, example } => write!(
                f,
                "without node {node} {partitions} partitions would fall below \
                 min.insync.replicas, such as {example}: raise the replication factor or lower \
                 min.insync.replicas"
            ),
            Self::LogDir(node) => {
                write!(f, "a log directory of node {node} is offline or nearly full")
            }
            Self::Jwks(why) => write!(f, "a broker could not fetch its keys: {why}"),
        }
    }
}
