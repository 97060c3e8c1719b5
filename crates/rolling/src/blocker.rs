//! Why a rollout waits. Typed, so that people, logs and metrics get the same reason.

use std::fmt;

use model::{NodeId, Timestamp};

use crate::{Failure, Paused};

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
    /// The node works on its logs after an unclean stop.
    Recovering(NodeId),
    /// The quorum has no leader.
    NoQuorumLeader,
    /// The voter lags behind the quorum's leader.
    VoterBehind(NodeId),
    /// Without this node the caught-up voters would be no majority.
    QuorumMajority(NodeId),
    /// The node's copy of the metadata is behind, which stalls every controlled shutdown.
    MetadataBehind(NodeId),
    /// Partitions are being reassigned.
    Reassigning(usize),
    /// Replicas are out of sync.
    OutOfSync(Partitions),
    /// Without this node a partition would have too few in-sync replicas just now.
    MinInSync(NodeId, Partitions),
    /// Restarts make partitions unavailable, and waiting does not help: a person has to decide.
    NeedsConsent(Partitions),
    /// A log directory of the node is offline, or the node does not tell.
    LogDirOffline(NodeId),
    /// A log directory of the node is nearly full.
    DiskFull(NodeId),
    /// A broker that starts now would not find its keys.
    Jwks(String),
    /// It is not shown yet that the node lets in who it should, and nobody else.
    AuthUnproven(NodeId),
    /// Leaderships are about to go back to the node.
    LeadersAway(Partitions),
    /// All is whole, and has to stay so until then.
    Soaking(NodeId, Timestamp),
    /// The maintenance window opens then.
    WindowClosed(Timestamp),
    /// The rest of the maintenance window is too short for the node; the next opens then.
    WindowTooShort(NodeId, Timestamp),
    /// A person, or a restart that nobody ordered, has stopped it.
    Paused(Paused),
    /// A node has failed, and a person has to look.
    Halted(Failure),
}

/// Partitions that a blocker is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partitions {
    /// How many.
    pub count: usize,
    /// One of them, as `topic-index`.
    pub example: String,
}

impl fmt::Display for Partitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "partition {}", self.example),
            count => write!(f, "{count} partitions, such as {}", self.example),
        }
    }
}

impl Blocker {
    /// A stable name, for programs and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Busy(_) => "busy",
            Self::KeepsExiting(_) => "keeps_exiting",
            Self::KafkaSilent => "kafka_silent",
            Self::NotAnswering(_) => "not_answering",
            Self::NotRegistered(_) => "not_registered",
            Self::Fenced(_) => "fenced",
            Self::Recovering(_) => "recovering",
            Self::NoQuorumLeader => "no_quorum_leader",
            Self::VoterBehind(_) => "voter_behind",
            Self::QuorumMajority(_) => "quorum_majority",
            Self::MetadataBehind(_) => "metadata_behind",
            Self::Reassigning(_) => "reassigning",
            Self::OutOfSync(_) => "out_of_sync",
            Self::MinInSync(..) => "min_in_sync",
            Self::NeedsConsent(_) => "needs_consent",
            Self::LogDirOffline(_) => "log_dir_offline",
            Self::DiskFull(_) => "disk_full",
            Self::Jwks(_) => "jwks",
            Self::AuthUnproven(_) => "auth_unproven",
            Self::LeadersAway(_) => "leaders_away",
            Self::Soaking(..) => "soaking",
            Self::WindowClosed(_) => "window_closed",
            Self::WindowTooShort(..) => "window_too_short",
            Self::Paused(_) => "paused",
            Self::Halted(_) => "halted",
        }
    }

    /// Whether it passes only if a person does something.
    pub const fn needs_person(&self) -> bool {
        matches!(self, Self::NeedsConsent(_) | Self::Paused(_) | Self::Halted(_))
    }
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
            Self::Recovering(node) => {
                write!(f, "node {node} recovers its logs after an unclean stop")
            }
            Self::NoQuorumLeader => f.write_str("the controller quorum has no leader"),
            Self::VoterBehind(node) => {
                write!(f, "node {node} lags behind in the controller quorum")
            }
            Self::QuorumMajority(node) => {
                write!(f, "without node {node} the controller quorum would lose its majority")
            }
            Self::MetadataBehind(node) => {
                write!(
                    f,
                    "the metadata of node {node} is behind, so that no node could stop in time"
                )
            }
            Self::Reassigning(n) => write!(f, "{n} partitions are being reassigned"),
            Self::OutOfSync(partitions) => write!(f, "replicas are out of sync: {partitions}"),
            Self::MinInSync(node, partitions) => {
                write!(f, "without node {node} too few replicas would be in sync now: {partitions}")
            }
            Self::NeedsConsent(partitions) => write!(
                f,
                "a restart makes partitions unavailable, whatever is waited for: {partitions}; \
                 raise their replication factor or lower min.insync.replicas, or agree to it"
            ),
            Self::LogDirOffline(node) => {
                write!(f, "a log directory of node {node} is offline, or the node does not tell")
            }
            Self::DiskFull(node) => write!(f, "a log directory of node {node} is nearly full"),
            Self::Jwks(why) => write!(f, "a broker could not fetch its keys: {why}"),
            Self::AuthUnproven(node) => write!(
                f,
                "it is not shown yet that node {node} lets in who it should and nobody else"
            ),
            Self::LeadersAway(partitions) => {
                write!(f, "preferred leaders are to be restored: {partitions}")
            }
            Self::Soaking(node, until) => {
                write!(f, "all is well since node {node} is back; watched until {until}")
            }
            Self::WindowClosed(opens) => {
                write!(f, "the maintenance window opens at {opens}")
            }
            Self::WindowTooShort(node, opens) => write!(
                f,
                "the rest of the maintenance window is too short for node {node}; the next one \
                 opens at {opens}"
            ),
            Self::Paused(Paused { by, reason }) => write!(f, "paused by {by}: {reason}"),
            Self::Halted(failure) => write!(f, "halted, a person has to look: {failure}"),
        }
    }
}
