//! Who leads a partition, asked of one broker after the other.

use std::sync::atomic::Ordering;

use kafka_protocol::messages::MetadataResponse;
use kafka_protocol::messages::produce_request::TopicProduceData;
use model::{NodeId, TopicName};
use tokio::time::Instant;

use crate::admin::topics::{metadata, wire};
use crate::error::{ErrorCode, KafkaError, refused};
use crate::probe::{Probe, goes_on_after};
use crate::routing::{address, lock};

/// The leader of a partition.
#[derive(Clone, Debug)]
pub(super) struct Leader {
    /// `host:port`
    pub(super) address: String,
    /// The topic's name and id, without records: before version 13 a record is sent to the name, since
    /// then to the id.
    pub(super) topic: TopicProduceData,
}

impl Probe {
    /// Asks for the leader of a partition, and elsewhere if somebody does not answer.
    pub(super) async fn find_leader(
        &self,
        (topic, partition): &(TopicName, i32),
        deadline: Instant,
    ) -> Result<Leader, KafkaError> {
        let request = metadata(Some(std::slice::from_ref(topic)));
        let mut last = KafkaError::Invalid("no bootstrap address was given");
        for address in self.guides() {
            match self.ask(&address, &request, deadline).await {
                Ok(answer) => {
                    self.router.learn(nodes(&answer).collect());
                    return leader(&answer, topic, *partition);
                }
                Err(error) if goes_on_after(&error) => last = error,
                Err(error) => return Err(error),
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        Err(last)
    }

    /// Every address that may know who leads. A broker that lags behind would name the same leader
    /// again and again, so each search begins at another; those that did not answer when they were
    /// asked last come last.
    fn guides(&self) -> Vec<String> {
        let mut guides = self.router.candidates();
        let turn = self.searches.fetch_add(1, Ordering::Relaxed) % guides.len().max(1);
        guides.rotate_left(turn);
        let absent = lock(&self.absent);
        guides.sort_by_key(|it| absent.contains(it));
        guides
    }
}

fn nodes(answer: &MetadataResponse) -> impl Iterator<Item = (NodeId, String)> {
    answer.brokers.iter().map(|it| (NodeId(it.node_id.0), address(&it.host, it.port)))
}

/// Who leads a partition by this answer.
fn leader(
    answer: &MetadataResponse,
    topic: &TopicName,
    partition: i32,
) -> Result<Leader, KafkaError> {
    let refusal = |code| KafkaError::Broker { code, message: Some(format!("{topic}-{partition}")) };
    let refused = |code| refused(code, Some(topic.as_str()));
    refused(answer.error_code)?;
    let missing = || refusal(ErrorCode::UnknownTopicOrPartition);
    let described = answer.topics.first().ok_or_else(missing)?;
    refused(described.error_code)?;
    let mut partitions = described.partitions.iter();
    let own = partitions.find(|it| it.partition_index == partition).ok_or_else(missing)?;
    // An error of a partition may be about its followers: `LISTENER_NOT_FOUND` and such.
    let (_, address) = nodes(answer)
        .find(|(id, _)| id.0 == own.leader_id.0)
        .ok_or_else(|| refusal(ErrorCode::LeaderNotAvailable))?;
    let topic =
        TopicProduceData::default().with_name(wire(topic)).with_topic_id(described.topic_id);
    Ok(Leader { address, topic })
}
