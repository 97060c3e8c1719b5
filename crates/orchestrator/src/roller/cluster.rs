//! What the roller needs of one service's Kafka.

use std::collections::{BTreeMap, BTreeSet};

use kafka::KafkaError;
use model::{Node, NodeId};
use rolling::{Jwks, KafkaView, NewReplicas, PartitionId};

/// What to look at.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Every node.
    pub nodes: &'a [Node],
    /// Nodes at whose listeners to log in, by way of trial.
    pub log_in_at: &'a BTreeSet<NodeId>,
    /// Whether a node is about to be started, so that it needs its keys.
    pub needs_keys: bool,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What Kafka says of itself; `None` when nobody could be asked.
    pub kafka: Option<KafkaView>,
    /// Nodes each of whose listeners answers.
    pub answering: BTreeSet<NodeId>,
    /// What came of the logins.
    pub logins: BTreeMap<NodeId, Logins>,
    /// Whether a broker that starts would find its keys.
    pub jwks: Jwks,
}

/// What came of the trial logins at a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logins {
    /// Each was answered as it should.
    Right,
    /// One that should be let in was refused: the listener, the mechanism, and what was said.
    LocksOut(String),
    /// One that should be refused was let in: the listener, and who it was.
    LetsIn(String),
    /// One was not answered at all.
    Unanswered(String),
}

/// One service's Kafka.
pub trait Cluster: Send + Sync {
    /// Takes one picture.
    fn look(&self, question: &Question<'_>) -> impl Future<Output = Answer> + Send;

    /// Gives partitions back to their preferred leaders.
    fn elect_preferred(
        &self,
        partitions: &[PartitionId],
    ) -> impl Future<Output = Result<(), KafkaError>> + Send;

    /// Gives partitions other replicas. Answers when the change has begun.
    fn reassign(
        &self,
        partitions: &[NewReplicas],
    ) -> impl Future<Output = Result<(), KafkaError>> + Send;
}
