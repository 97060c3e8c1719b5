//! Topics and their partitions.

use std::collections::BTreeMap;

use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest,
    TopicName as WireTopicName,
};
use model::{NodeId, TopicName};
use tokio::time::Instant;

use crate::admin::{Admin, broker_timeout_ms, node, nodes};
use crate::call::Call;
use crate::codes::text;
use crate::error::{ErrorCode, KafkaError, refused};

/// A topic, as the asked broker knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Whether it is Kafka's own.
    pub internal: bool,
    /// Why the rest is empty: above all that there is no such topic.
    pub error: Option<ErrorCode>,
    /// Its partitions, by index.
    pub partitions: Vec<Partition>,
}

/// A partition, as the asked broker knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its index in the topic.
    pub index: i32,
    /// Who leads it.
    pub leader: Option<NodeId>,
    /// Who has it, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// Who has all of it.
    pub in_sync: Vec<NodeId>,
    /// Who should have it and is not there.
    pub offline: Vec<NodeId>,
}

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: TopicName,
    /// How many partitions; -1 for the brokers' `num.partitions`.
    pub partitions: i32,
    /// How many replicas of each; -1 for the brokers' `default.replication.factor`.
    pub replication: i16,
    /// What differs from the brokers' defaults.
    pub configs: BTreeMap<String, String>,
}

impl Admin {
    /// The given topics, or all. One that does not exist has an `error`.
    pub async fn describe_topics(
        &self,
        names: Option<&[TopicName]>,
    ) -> Result<Vec<Topic>, KafkaError> {
        self.topics(names, self.deadline()).await
    }

    /// The given topics, or all, as exactly this broker knows them. Each answers from what it has
    /// read of the metadata log itself, so one that lags behind the others shows.
    pub async fn describe_topics_at(
        &self,
        node: NodeId,
        names: Option<&[TopicName]>,
    ) -> Result<Vec<Topic>, KafkaError> {
        let request = metadata(names);
        self.described(Call::node(node, &request), self.deadline()).await
    }

    pub(super) async fn topics(
        &self,
        names: Option<&[TopicName]>,
        deadline: Instant,
    ) -> Result<Vec<Topic>, KafkaError> {
        let request = metadata(names);
        self.described(Call::any(&request), deadline).await
    }

    async fn described(
        &self,
        call: Call<'_, MetadataRequest>,
        deadline: Instant,
    ) -> Result<Vec<Topic>, KafkaError> {
        let call = call.at_least(5);
        let response = self.ask(call, deadline, |it| refused(it.error_code, None)).await?;
        Ok(response.topics.iter().map(topic).collect())
    }

    /// Creates a topic, or only says whether it could be created.
    pub async fn create_topic(
        &self,
        topic: &NewTopic,
        validate_only: bool,
    ) -> Result<(), KafkaError> {
        let configs = topic.configs.iter().map(|(name, value)| {
            CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
        });
        let creatable = CreatableTopic::default()
            .with_name(wire(&topic.name))
            .with_num_partitions(topic.partitions)
            .with_replication_factor(topic.replication)
            .with_configs(configs.collect());
        let deadline = self.deadline();
        let request = CreateTopicsRequest::default()
            .with_topics(vec![creatable])
            .with_timeout_ms(broker_timeout_ms(deadline))
            .with_validate_only(validate_only);
        // Version 4 brought -1 for the brokers' defaults.
        let call = Call::any(&request).at_least(4).once();
        self.ask(call, deadline, |it| {
            it.topics.iter().try_for_each(|it| refused(it.error_code, it.error_message.as_deref()))
        })
        .await?;
        Ok(())
    }

    /// Deletes a topic. Its data is gone.
    pub async fn delete_topic(&self, name: &TopicName) -> Result<(), KafkaError> {
        let deadline = self.deadline();
        let request = DeleteTopicsRequest::default()
            .with_topics(vec![DeleteTopicState::default().with_name(Some(wire(name)))])
            .with_timeout_ms(broker_timeout_ms(deadline));
        let call = Call::any(&request).at_least(6).once();
        self.ask(call, deadline, |it| {
            let mut results = it.responses.iter();
            results.try_for_each(|it| refused(it.error_code, it.error_message.as_deref()))
        })
        .await?;
        Ok(())
    }

    /// Adds partitions until there are `total`.
    pub async fn create_partitions(&self, name: &TopicName, total: i32) -> Result<(), KafkaError> {
        let deadline = self.deadline();
        let topic = CreatePartitionsTopic::default()
            .with_name(wire(name))
            .with_count(total)
            .with_assignments(None);
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(broker_timeout_ms(deadline));
        self.ask(Call::any(&request).once(), deadline, |it| {
            it.results.iter().try_for_each(|it| refused(it.error_code, it.error_message.as_deref()))
        })
        .await?;
        Ok(())
    }
}

/// Asks for the given topics, or all, and creates none.
pub(crate) fn metadata(names: Option<&[TopicName]>) -> MetadataRequest {
    let asked = |it: &TopicName| MetadataRequestTopic::default().with_name(Some(wire(it)));
    MetadataRequest::default()
        .with_topics(names.map(|it| it.iter().map(asked).collect()))
        .with_allow_auto_topic_creation(false)
}

/// The name as messages have it.
pub(crate) fn wire(name: &TopicName) -> WireTopicName {
    WireTopicName(text(name.as_str()))
}

fn topic(topic: &MetadataResponseTopic) -> Topic {
    let mut partitions: Vec<Partition> = topic.partitions.iter().map(partition).collect();
    partitions.sort_by_key(|it| it.index);
    Topic {
        name: topic.name.as_ref().map_or_else(String::new, |it| it.to_string()),
        internal: topic.is_internal,
        error: ErrorCode::try_from_code(topic.error_code),
        partitions,
    }
}

fn partition(partition: &MetadataResponsePartition) -> Partition {
    Partition {
        index: partition.partition_index,
        leader: node(partition.leader_id.0),
        replicas: nodes(&partition.replica_nodes),
        in_sync: nodes(&partition.isr_nodes),
        offline: nodes(&partition.offline_replicas),
    }
}
