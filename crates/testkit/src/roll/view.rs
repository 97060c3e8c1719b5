//! What Kafka says of itself in one moment.

use std::collections::BTreeSet;

use kafka::{Admin, KafkaError, Quorum, ReassignTo};
use model::{NodeId, TopicName};

/// Where topics do not say: Kafka's default is 1, our services' is 2.
const MIN_ISR: usize = 1;

/// A picture.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// The brokers that are registered and not fenced.
    pub(super) unfenced: BTreeSet<NodeId>,
    pub(super) partitions: Vec<Part>,
    pub(super) quorum: Quorum,
}

/// A partition.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) topic: String,
    pub(super) index: i32,
    pub(super) leader: Option<NodeId>,
    pub(super) replicas: Vec<NodeId>,
    pub(super) in_sync: Vec<NodeId>,
    pub(super) min_isr: usize,
}

impl Part {
    /// `TOPIC-INDEX`
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.topic, self.index)
    }

    /// The same partition on these replicas.
    pub(super) fn reassign(&self, replicas: Vec<NodeId>) -> Option<ReassignTo> {
        let topic = self.topic.parse().ok()?;
        Some(ReassignTo { topic, partition: self.index, replicas: Some(replicas) })
    }
}

impl View {
    pub(super) async fn take(admin: &Admin) -> Result<Self, KafkaError> {
        let cluster = admin.describe_cluster().await?;
        let topics = admin.describe_topics(None).await?;
        let quorum = admin.describe_quorum().await?;
        let names: Vec<TopicName> =
            topics.iter().filter_map(|it| it.name.clone().try_into().ok()).collect();
        let configs = admin.describe_topic_configs(&names, &["min.insync.replicas"]).await?;
        let min_isr = |topic: &str| {
            let entry = configs.get(topic)?.iter().find(|it| it.name == "min.insync.replicas")?;
            entry.value.as_ref()?.parse().ok()
        };
        let mut partitions = Vec::new();
        for topic in topics {
            let min_isr = min_isr(&topic.name).unwrap_or(MIN_ISR);
            partitions.extend(topic.partitions.into_iter().map(|it| Part {
                topic: topic.name.clone(),
                index: it.index,
                leader: it.leader,
                replicas: it.replicas,
                in_sync: it.in_sync,
                min_isr,
            }));
        }
        let unfenced = cluster.brokers.iter().filter(|it| !it.fenced).map(|it| it.id).collect();
        Ok(Self { unfenced, partitions, quorum })
    }

    /// How many partitions have a replica that is not in sync.
    pub(super) fn under_replicated(&self) -> usize {
        self.partitions.iter().filter(|it| it.in_sync.len() < it.replicas.len()).count()
    }

    /// Whether all of `brokers` take part, and every replica is in sync.
    pub(super) fn is_whole(&self, brokers: &[NodeId]) -> bool {
        brokers.iter().all(|it| self.unfenced.contains(it)) && self.under_replicated() == 0
    }
}
