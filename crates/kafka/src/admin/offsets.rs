//! Where partitions begin and end.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest};
use model::{NodeId, Timestamp, TopicName};
use tokio::time::Instant;

use crate::admin::topics::wire;
use crate::admin::{Admin, broker_timeout_ms};
use crate::call::{Call, persist};
use crate::codes::{CONSUMER_REPLICA, EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, READ_COMMITTED};
use crate::error::{ErrorCode, KafkaError, refused};

/// Which offset is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// Of the first record that is kept.
    Earliest,
    /// Behind the last record that all in-sync replicas have.
    Latest,
    /// Behind the last record that no open transaction can still take back.
    LatestStable,
    /// Of the first record with this time or a later one.
    AtOrAfter(Timestamp),
}

impl Admin {
    /// The offset of each given partition; a partition without such a record is left out. An error
    /// if one of them does not exist or has no leader until the deadline.
    pub async fn list_offsets(
        &self,
        topic: &TopicName,
        partitions: &[i32],
        spec: OffsetSpec,
    ) -> Result<BTreeMap<i32, i64>, KafkaError> {
        let deadline = self.deadline();
        // The leaders may have moved since they were looked up.
        persist(deadline, || self.offsets_once(topic, partitions, spec, deadline)).await
    }

    async fn offsets_once(
        &self,
        topic: &TopicName,
        partitions: &[i32],
        spec: OffsetSpec,
        deadline: Instant,
    ) -> Result<BTreeMap<i32, i64>, KafkaError> {
        let leaders = self.leaders(topic, partitions, deadline).await?;
        let each = leaders.iter().map(|(leader, partitions)| {
            self.offsets_of(*leader, topic, partitions, spec, deadline)
        });
        Ok(try_join_all(each).await?.into_iter().flatten().collect())
    }

    /// The given partitions by their leader.
    async fn leaders(
        &self,
        topic: &TopicName,
        partitions: &[i32],
        deadline: Instant,
    ) -> Result<BTreeMap<NodeId, Vec<i32>>, KafkaError> {
        let topics = self.topics(Some(std::slice::from_ref(topic)), deadline).await?;
        let refusal = |code| KafkaError::Broker { code, message: Some(topic.to_string()) };
        if let Some(code) = topics.iter().find_map(|it| it.error) {
            return Err(refusal(code));
        }
        let mut leaders: BTreeMap<NodeId, Vec<i32>> = BTreeMap::new();
        for &index in partitions {
            let known = topics.iter().flat_map(|it| &it.partitions).find(|it| it.index == index);
            let known = known.ok_or_else(|| refusal(ErrorCode::UnknownTopicOrPartition))?;
            let leader = known.leader.ok_or_else(|| refusal(ErrorCode::LeaderNotAvailable))?;
            leaders.entry(leader).or_default().push(index);
        }
        Ok(leaders)
    }

    async fn offsets_of(
        &self,
        leader: NodeId,
        topic: &TopicName,
        partitions: &[i32],
        spec: OffsetSpec,
        deadline: Instant,
    ) -> Result<Vec<(i32, i64)>, KafkaError> {
        let timestamp = match spec {
            OffsetSpec::Earliest => EARLIEST_TIMESTAMP,
            OffsetSpec::Latest | OffsetSpec::LatestStable => LATEST_TIMESTAMP,
            OffsetSpec::AtOrAfter(timestamp) => timestamp.0.max(0),
        };
        let isolation = if spec == OffsetSpec::LatestStable { READ_COMMITTED } else { 0 };
        let asked = partitions.iter().map(|&index| {
            ListOffsetsPartition::default()
                .with_partition_index(index)
                .with_current_leader_epoch(-1)
                .with_timestamp(timestamp)
        });
        let asked =
            ListOffsetsTopic::default().with_name(wire(topic)).with_partitions(asked.collect());
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(CONSUMER_REPLICA))
            .with_isolation_level(isolation)
            .with_topics(vec![asked])
            .with_timeout_ms(broker_timeout_ms(deadline));
        // Not repeated at the same broker: who leads is looked up again.
        let response = self.ask(Call::node(leader, &request), deadline, |_| Ok(())).await?;
        let results = response.topics.iter().flat_map(|it| &it.partitions);
        let offsets: Result<Vec<(i32, i64)>, KafkaError> = results
            .map(|it| refused(it.error_code, None).map(|()| (it.partition_index, it.offset)))
            .collect();
        // -1 stands for no such record.
        offsets.map(|it| it.into_iter().filter(|(_, offset)| *offset >= 0).collect())
    }
}
