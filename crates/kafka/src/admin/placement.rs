//! Who has a partition, and who leads it: reassignments and elections.

use std::collections::BTreeMap;

use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, BrokerId,
    ElectLeadersRequest, ElectLeadersResponse, ListPartitionReassignmentsRequest,
};
use model::{NodeId, TopicName};
use tokio::time::Instant;

use crate::admin::topics::wire;
use crate::admin::{Admin, broker_timeout_ms, nodes};
use crate::call::Call;
use crate::codes::ELECTION_PREFERRED;
use crate::error::{ErrorCode, KafkaError, items, refused};

/// How many partitions go into one request, so that no single one keeps the controller long, or
/// sends all clients looking for their leaders at once.
const BATCH: usize = 200;

/// A partition that is being moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reassignment {
    /// The topic.
    pub topic: String,
    /// The partition's index.
    pub partition: i32,
    /// Who gets it.
    pub adding: Vec<NodeId>,
    /// Who gives it up.
    pub removing: Vec<NodeId>,
}

/// Who is to have a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReassignTo {
    /// The topic.
    pub topic: TopicName,
    /// The partition's index.
    pub partition: i32,
    /// Who is to have it, the preferred leader first. None takes back a move that is under way.
    pub replicas: Option<Vec<NodeId>>,
}

impl Admin {
    /// The partitions that are being moved now.
    pub async fn list_reassignments(&self) -> Result<Vec<Reassignment>, KafkaError> {
        let deadline = self.deadline();
        let request = ListPartitionReassignmentsRequest::default()
            .with_topics(None)
            .with_timeout_ms(broker_timeout_ms(deadline));
        let response = self
            .ask(Call::any(&request), deadline, |it| {
                refused(it.error_code, it.error_message.as_deref())
            })
            .await?;
        let moved = response.topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|it| Reassignment {
                topic: topic.name.to_string(),
                partition: it.partition_index,
                adding: nodes(&it.adding_replicas),
                removing: nodes(&it.removing_replicas),
            })
        });
        Ok(moved.collect())
    }

    /// Begins to move partitions, or takes that back; where nothing moves there is nothing to take
    /// back, which is fine. Two hundred go into one request. Partitions that are refused are in the
    /// error, and the others move all the same; an error of another kind ends it, with the requests
    /// before done.
    ///
    /// The same replicas in another order are taken at once and move no data
    /// (`ReplicationControlManager#changePartitionReassignment`): only who is preferred as the
    /// leader changes, and not yet who leads. A new target takes the place of one that is under way.
    pub async fn alter_reassignments(&self, targets: &[ReassignTo]) -> Result<(), KafkaError> {
        let deadline = self.deadline();
        let mut results = Vec::new();
        for batch in targets.chunks(BATCH) {
            let request = AlterPartitionReassignmentsRequest::default()
                .with_topics(reassignable(batch))
                .with_timeout_ms(broker_timeout_ms(deadline));
            let response = self
                .ask(Call::any(&request), deadline, |it| {
                    refused(it.error_code, it.error_message.as_deref())
                })
                .await?;
            results.extend(reassigned(&response));
        }
        items(results)
    }

    /// Makes the first replica of every partition its leader where it is in sync. A partition that
    /// is led by it already is fine.
    pub async fn elect_preferred_leaders(&self) -> Result<(), KafkaError> {
        let response = self.elect(None, self.deadline()).await?;
        items(elected(&response, &[ErrorCode::ElectionNotNeeded]))
    }

    /// Makes the first replica of these partitions their leader where it is in sync, two hundred a
    /// request. Partitions that are refused are in the error, and the others are done.
    ///
    /// Two answers of the controller (`ReplicationControlManager#electLeader`) are no errors:
    /// `ELECTION_NOT_NEEDED`, since who should lead leads already, and
    /// `PREFERRED_LEADER_NOT_AVAILABLE`, since that one is not in sync yet. Who leads shows in the
    /// next look, and whoever still wants another leader then asks again.
    pub async fn elect_preferred_leaders_of(
        &self,
        partitions: &[(TopicName, i32)],
    ) -> Result<(), KafkaError> {
        const FINE: &[ErrorCode] =
            &[ErrorCode::ElectionNotNeeded, ErrorCode::PreferredLeaderNotAvailable];

        let deadline = self.deadline();
        let mut results = Vec::new();
        for batch in partitions.chunks(BATCH) {
            let by_topic = by_topic(batch.iter().map(|it| (&it.0, it.1)));
            let topics = by_topic.into_iter().map(|(topic, partitions)| {
                TopicPartitions::default().with_topic(wire(topic)).with_partitions(partitions)
            });
            let response = self.elect(Some(topics.collect()), deadline).await?;
            results.extend(elected(&response, FINE));
        }
        items(results)
    }

    /// Of these partitions, or of all.
    async fn elect(
        &self,
        partitions: Option<Vec<TopicPartitions>>,
        deadline: Instant,
    ) -> Result<ElectLeadersResponse, KafkaError> {
        let request = ElectLeadersRequest::default()
            .with_election_type(ELECTION_PREFERRED)
            .with_topic_partitions(partitions)
            .with_timeout_ms(broker_timeout_ms(deadline));
        let call = Call::any(&request).at_least(1);
        self.ask(call, deadline, |it| refused(it.error_code, None)).await
    }
}

fn by_topic<'a, T>(
    each: impl Iterator<Item = (&'a TopicName, T)>,
) -> BTreeMap<&'a TopicName, Vec<T>> {
    let mut by_topic: BTreeMap<&TopicName, Vec<T>> = BTreeMap::new();
    for (topic, it) in each {
        by_topic.entry(topic).or_default().push(it);
    }
    by_topic
}

fn reassignable(targets: &[ReassignTo]) -> Vec<ReassignableTopic> {
    let each = targets.iter().map(|it| {
        let replicas = it.replicas.as_ref();
        let partition = ReassignablePartition::default()
            .with_partition_index(it.partition)
            .with_replicas(replicas.map(|it| it.iter().map(|it| BrokerId(it.0)).collect()));
        (&it.topic, partition)
    });
    let topics = by_topic(each).into_iter().map(|(topic, partitions)| {
        ReassignableTopic::default().with_name(wire(topic)).with_partitions(partitions)
    });
    topics.collect()
}

/// One item of an answer: what it is about, Kafka's code, its explanation.
type Answered = (String, i16, Option<String>);

fn reassigned(
    response: &AlterPartitionReassignmentsResponse,
) -> impl Iterator<Item = Answered> + '_ {
    response.responses.iter().flat_map(|topic| {
        topic.partitions.iter().map(|it| {
            let partition = format!("{}-{}", topic.name.as_str(), it.partition_index);
            // Only ever said of what is taken back.
            let code = unless(it.error_code, &[ErrorCode::NoReassignmentInProgress]);
            (partition, code, it.error_message.as_ref().map(ToString::to_string))
        })
    })
}

fn elected<'a>(
    response: &'a ElectLeadersResponse,
    fine: &'a [ErrorCode],
) -> impl Iterator<Item = Answered> + 'a {
    response.replica_election_results.iter().flat_map(move |topic| {
        topic.partition_result.iter().map(move |it| {
            let partition = format!("{}-{}", topic.topic.as_str(), it.partition_id);
            let code = unless(it.error_code, fine);
            (partition, code, it.error_message.as_ref().map(ToString::to_string))
        })
    })
}

/// The code, or the one for "no error" if it is one of these.
fn unless(code: i16, fine: &[ErrorCode]) -> i16 {
    if fine.iter().any(|it| it.code() == code) { 0 } else { code }
}
