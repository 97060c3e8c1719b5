//! The cluster as a whole: brokers, quorum, disks.

use std::collections::BTreeMap;

use futures::future::join_all;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::describe_quorum_response::{
    PartitionData as QuorumPartition, ReplicaState,
};
use kafka_protocol::messages::{
    BrokerId, DescribeClusterRequest, DescribeClusterResponse, DescribeLogDirsRequest,
    DescribeQuorumRequest, TopicName, UnregisterBrokerRequest,
};
use kafka_protocol::protocol::StrBytes;
use model::{NodeId, Timestamp};
use tokio::time::Instant;

use crate::admin::{Admin, node};
use crate::call::Call;
use crate::error::{ErrorCode, KafkaError, refused};
use crate::routing::{Router, address};

/// The topic that holds the cluster's metadata, with its one partition.
const METADATA_TOPIC: StrBytes = StrBytes::from_static_str("__cluster_metadata");

/// Who is in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Kafka's `cluster.id`.
    pub cluster_id: String,
    /// All registered brokers, fenced ones too.
    pub brokers: Vec<Broker>,
}

/// A registered broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Its id.
    pub id: NodeId,
    /// Where it is reached, on the listener that was asked.
    pub host: String,
    /// Where it is reached, on the listener that was asked.
    pub port: u16,
    /// Its `broker.rack`.
    pub rack: Option<String>,
    /// Whether the controller keeps it out: it starts, stops, or is not heard.
    pub fenced: bool,
}

/// The controllers' quorum, as its leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// The active controller.
    pub leader: Option<NodeId>,
    /// Its epoch.
    pub leader_epoch: i32,
    /// Up to where the metadata log is committed.
    pub high_watermark: i64,
    /// The controllers.
    pub voters: Vec<QuorumReplica>,
    /// Brokers that are no voters, and controllers that are not voters yet.
    pub observers: Vec<QuorumReplica>,
}

/// One replica of the metadata log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumReplica {
    /// Its node.
    pub id: NodeId,
    /// The end of its log, as far as the leader knows; -1 if it does not.
    pub log_end_offset: i64,
    /// When it last fetched, by the leader's clock. None if that is not known; now for the leader.
    pub last_fetch: Option<Timestamp>,
    /// When it last had everything, by the leader's clock; now for the leader.
    pub last_caught_up: Option<Timestamp>,
}

/// A folder that a broker keeps its logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDir {
    /// Its path on the broker's machine.
    pub path: String,
    /// What is wrong with it.
    pub error: Option<ErrorCode>,
    /// Free bytes of its volume, if the broker could tell.
    pub usable_bytes: Option<u64>,
    /// Size of its volume, if the broker could tell.
    pub total_bytes: Option<u64>,
}

impl Admin {
    /// The registered brokers, fenced ones included.
    pub async fn describe_cluster(&self) -> Result<Cluster, KafkaError> {
        let response = self.router().brokers(self.deadline()).await?;
        let brokers = response.brokers.iter().map(|it| Broker {
            id: NodeId(it.broker_id.0),
            host: it.host.to_string(),
            port: u16::try_from(it.port).unwrap_or(0),
            rack: it.rack.as_ref().map(ToString::to_string),
            fenced: it.is_fenced,
        });
        Ok(Cluster { cluster_id: response.cluster_id.to_string(), brokers: brokers.collect() })
    }

    /// The state of the controllers' quorum.
    pub async fn describe_quorum(&self) -> Result<Quorum, KafkaError> {
        let partition = PartitionData::default().with_partition_index(0);
        let topic = TopicData::default()
            .with_topic_name(TopicName(METADATA_TOPIC))
            .with_partitions(vec![partition]);
        let request = DescribeQuorumRequest::default().with_topics(vec![topic]);
        let mut response = self
            .ask(Call::any(&request).at_least(1), self.deadline(), |it| {
                refused(it.error_code, it.error_message.as_deref())?;
                it.topics.iter().flat_map(|it| &it.partitions).try_for_each(|partition| {
                    refused(partition.error_code, partition.error_message.as_deref())
                })
            })
            .await?;
        let partition = response.topics.pop().and_then(|mut it| it.partitions.pop());
        let partition = partition.ok_or(KafkaError::Broker {
            code: ErrorCode::UnknownTopicOrPartition,
            message: Some("the answer has no metadata partition".to_owned()),
        })?;
        Ok(quorum(&partition))
    }

    /// The log folders of these brokers, and why not, for those that did not tell.
    pub async fn describe_log_dirs(
        &self,
        brokers: impl IntoIterator<Item = NodeId>,
    ) -> BTreeMap<NodeId, Result<Vec<LogDir>, KafkaError>> {
        let deadline = self.deadline();
        let each =
            brokers.into_iter().map(async |node| (node, self.log_dirs_of(node, deadline).await));
        join_all(each).await.into_iter().collect()
    }

    async fn log_dirs_of(
        &self,
        node: NodeId,
        deadline: Instant,
    ) -> Result<Vec<LogDir>, KafkaError> {
        // No topic: the folders without what is in them, which can be much.
        let request = DescribeLogDirsRequest::default().with_topics(Some(Vec::new()));
        let call = Call::node(node, &request).at_least(4);
        let response = self.ask(call, deadline, |it| refused(it.error_code, None)).await?;
        let dirs = response.results.iter().map(|it| LogDir {
            path: it.log_dir.to_string(),
            error: ErrorCode::try_from_code(it.error_code),
            usable_bytes: u64::try_from(it.usable_bytes).ok(),
            total_bytes: u64::try_from(it.total_bytes).ok(),
        });
        Ok(dirs.collect())
    }

    /// Takes a broker that is gone for good out of the cluster; one that is not registered is fine.
    ///
    /// Nothing keeps this from being said of a broker that runs, or that partitions still have among
    /// their replicas (`ReplicationControlManager#unregisterBroker`): move them and stop it first.
    pub async fn unregister_broker(&self, id: NodeId) -> Result<(), KafkaError> {
        let request = UnregisterBrokerRequest::default().with_broker_id(BrokerId(id.0));
        self.ask(Call::any(&request), self.deadline(), |it| {
            if it.error_code == ErrorCode::BrokerIdNotRegistered.code() {
                return Ok(());
            }
            refused(it.error_code, it.error_message.as_deref())
        })
        .await?;
        Ok(())
    }
}

impl Router {
    /// Asks who is in the cluster, and remembers where.
    pub(super) async fn brokers(
        &self,
        deadline: Instant,
    ) -> Result<DescribeClusterResponse, KafkaError> {
        let request = DescribeClusterRequest::default()
            .with_endpoint_type(1)
            .with_include_fenced_brokers(true);
        let call = Call::any(&request).at_least(2);
        let check =
            |it: &DescribeClusterResponse| refused(it.error_code, it.error_message.as_deref());
        // Boxed, because asking a single broker may have to ask this first.
        let response = Box::pin(self.ask(call, deadline, check)).await?;
        let nodes = response.brokers.iter();
        self.learn(nodes.map(|it| (NodeId(it.broker_id.0), address(&it.host, it.port))).collect());
        Ok(response)
    }

    /// Learns where the brokers are.
    pub(crate) async fn look_around(&self, deadline: Instant) -> Result<(), KafkaError> {
        self.brokers(deadline).await.map(drop)
    }
}

fn quorum(partition: &QuorumPartition) -> Quorum {
    let replicas = |states: &[ReplicaState]| states.iter().map(replica).collect();
    Quorum {
        leader: node(partition.leader_id.0),
        leader_epoch: partition.leader_epoch,
        high_watermark: partition.high_watermark,
        voters: replicas(&partition.current_voters),
        observers: replicas(&partition.observers),
    }
}

fn replica(state: &ReplicaState) -> QuorumReplica {
    let time = |ms: i64| (ms >= 0).then_some(Timestamp(ms));
    QuorumReplica {
        id: NodeId(state.replica_id.0),
        log_end_offset: state.log_end_offset,
        last_fetch: time(state.last_fetch_timestamp),
        last_caught_up: time(state.last_caught_up_timestamp),
    }
}
