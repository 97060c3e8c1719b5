//! One simulated cluster: who is in it, and what it was told.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::bail;
use bytes::Bytes;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsResult;
use kafka_protocol::messages::describe_quorum_response::{PartitionData, ReplicaState, TopicData};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, BrokerId, DescribeClusterRequest,
    DescribeClusterResponse, DescribeLogDirsRequest, DescribeLogDirsResponse,
    DescribeQuorumRequest, DescribeQuorumResponse, ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse, MetadataRequest, MetadataResponse, ProduceRequest,
    ProduceResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Answer, Asked};

/// Kafka's own topic, there from the beginning.
const OFFSETS_TOPIC: &str = "__consumer_offsets";
/// How many partitions it has.
const OFFSETS_PARTITIONS: i32 = 20;
/// How many answers are kept at most.
const KEPT: usize = 64;
/// Of each broker's volume.
const TOTAL_BYTES: i64 = 100 << 30;

/// A cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    brokers: Vec<(BrokerId, StrBytes)>,
    port: i32,
    /// Of the principal ` admin`.
    pub(super) password: String,
    state: Mutex<State>,
}

/// What it was told.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) acls: BTreeSet<Acl>,
    /// By user and mechanism.
    pub(super) credentials: BTreeMap<(String, i8), Credential>,
    /// Cluster-wide dynamic configuration.
    pub(super) dynamic: BTreeMap<String, String>,
    records: i64,
    /// Answers that hold until it is told something else, by what was asked.
    kept: HashMap<(i16, i16, Bytes), Answer>,
}

/// A topic.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) id: Uuid,
    pub(super) partitions: i32,
    pub(super) config: BTreeMap<String, String>,
}

/// The fields of an ACL, in Kafka's codes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Acl {
    pub(super) resource: (i8, String, i8),
    pub(super) principal: String,
    pub(super) host: String,
    pub(super) operation: i8,
    pub(super) permission: i8,
}

/// A SCRAM credential.
#[derive(Clone, Debug)]
pub(super) struct Credential {
    pub(super) iterations: i32,
    pub(super) salt: Bytes,
    pub(super) salted: Bytes,
}

impl Cluster {
    pub(super) fn new(hosts: &[String], port: u16, password: String) -> Self {
        let hosts = hosts.iter().map(|it| StrBytes::from_string(it.clone()));
        let mut state = State::default();
        state.add_topic(OFFSETS_TOPIC.to_owned(), OFFSETS_PARTITIONS, BTreeMap::new());
        Self {
            brokers: (1..).map(BrokerId).zip(hosts).collect(),
            port: i32::from(port),
            password,
            state: Mutex::new(state),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers whoever is logged in.
    pub(super) fn answer(&self, asked: &Asked) -> anyhow::Result<Answer> {
        let mut state = self.state();
        let question = (asked.api as i16, asked.version, asked.body.clone());
        if let Some(answer) = state.kept.get(&question) {
            return Ok(answer.clone());
        }
        if asked.api == ApiKey::Produce {
            return produce(&mut state, asked);
        }
        if let Some(answer) = state.change(asked)? {
            state.kept.clear();
            return Ok(answer);
        }
        let answer = match asked.api {
            ApiKey::ApiVersions => versions(asked)?,
            ApiKey::DescribeCluster => self.describe(asked)?,
            ApiKey::Metadata => self.metadata(&state, asked)?,
            ApiKey::DescribeQuorum => self.quorum(asked)?,
            ApiKey::DescribeLogDirs => log_dirs(asked)?,
            ApiKey::ListPartitionReassignments => asked
                .answer::<ListPartitionReassignmentsRequest>(
                    &ListPartitionReassignmentsResponse::default(),
                )?,
            _ => match state.show(asked)? {
                Some(answer) => answer,
                None => bail!("a request that is not simulated: {:?}", asked.api),
            },
        };
        if state.kept.len() >= KEPT {
            state.kept.clear();
        }
        state.kept.insert(question, answer.clone());
        Ok(answer)
    }

    fn describe(&self, asked: &Asked) -> anyhow::Result<Answer> {
        let brokers = self.brokers.iter().map(|(id, host)| {
            DescribeClusterBroker::default()
                .with_broker_id(*id)
                .with_host(host.clone())
                .with_port(self.port)
        });
        let response = DescribeClusterResponse::default()
            .with_cluster_id(StrBytes::from_static_str("simulated"))
            .with_brokers(brokers.collect());
        asked.answer::<DescribeClusterRequest>(&response)
    }

    fn metadata(&self, state: &State, asked: &Asked) -> anyhow::Result<Answer> {
        let brokers = self.brokers.iter().map(|(id, host)| {
            let broker = MetadataResponseBroker::default().with_node_id(*id);
            broker.with_host(host.clone()).with_port(self.port)
        });
        let request: MetadataRequest = asked.request()?;
        let topics = match request.topics {
            None => state.topics.iter().map(|(name, it)| self.topic(name, Some(it))).collect(),
            Some(some) => {
                let names = some.into_iter().filter_map(|it| it.name);
                names.map(|it| self.topic(&it, state.topics.get(it.as_str()))).collect()
            }
        };
        let response = MetadataResponse::default()
            .with_brokers(brokers.collect())
            .with_cluster_id(Some(StrBytes::from_static_str("simulated")))
            .with_controller_id(BrokerId(1))
            .with_topics(topics);
        asked.answer::<MetadataRequest>(&response)
    }

    fn topic(&self, name: &str, topic: Option<&Topic>) -> MetadataResponseTopic {
        let response = MetadataResponseTopic::default().with_name(Some(wire(name)));
        let Some(topic) = topic else {
            let code = kafka::ErrorCode::UnknownTopicOrPartition.code();
            return response.with_error_code(code);
        };
        let partitions = (0..topic.partitions).map(|index| {
            let first = usize::try_from(index).unwrap_or(0);
            let around = self.brokers.iter().cycle().skip(first % self.brokers.len());
            let replicas: Vec<BrokerId> = around.take(self.brokers.len()).map(|it| it.0).collect();
            MetadataResponsePartition::default()
                .with_partition_index(index)
                .with_leader_id(replicas[0])
                .with_leader_epoch(1)
                .with_replica_nodes(replicas.clone())
                .with_isr_nodes(replicas)
        });
        response
            .with_topic_id(topic.id)
            .with_is_internal(name.starts_with("__"))
            .with_partitions(partitions.collect())
    }

    fn quorum(&self, asked: &Asked) -> anyhow::Result<Answer> {
        let voters = self.brokers.iter().map(|(id, _)| {
            ReplicaState::default()
                .with_replica_id(*id)
                .with_log_end_offset(1000)
                .with_last_fetch_timestamp(1)
                .with_last_caught_up_timestamp(1)
        });
        let partition = PartitionData::default()
            .with_leader_id(BrokerId(1))
            .with_leader_epoch(1)
            .with_high_watermark(1000)
            .with_current_voters(voters.collect());
        let topic = TopicData::default()
            .with_topic_name(wire("__cluster_metadata"))
            .with_partitions(vec![partition]);
        let response = DescribeQuorumResponse::default().with_topics(vec![topic]);
        asked.answer::<DescribeQuorumRequest>(&response)
    }
}

impl State {
    pub(super) fn add_topic(
        &mut self,
        name: String,
        partitions: i32,
        config: BTreeMap<String, String>,
    ) {
        let id = Uuid::new_v4();
        self.topics.insert(name, Topic { id, partitions, config });
    }
}

pub(super) fn wire(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

/// All versions of everything: the client knows the same ones.
fn versions(asked: &Asked) -> anyhow::Result<Answer> {
    let keys = (0..=100).filter_map(|key| ApiKey::try_from(key).ok()).map(|key| {
        ApiVersion::default().with_api_key(key as i16).with_min_version(0).with_max_version(99)
    });
    let response = ApiVersionsResponse::default().with_api_keys(keys.collect());
    asked.answer::<ApiVersionsRequest>(&response)
}

fn log_dirs(asked: &Asked) -> anyhow::Result<Answer> {
    let dir = DescribeLogDirsResult::default()
        .with_log_dir(StrBytes::from_static_str("data"))
        .with_total_bytes(TOTAL_BYTES)
        .with_usable_bytes(TOTAL_BYTES / 2);
    let response = DescribeLogDirsResponse::default().with_results(vec![dir]);
    asked.answer::<DescribeLogDirsRequest>(&response)
}

/// Takes any record, and forgets it.
fn produce(state: &mut State, asked: &Asked) -> anyhow::Result<Answer> {
    let request: ProduceRequest = asked.request()?;
    let mut responses = Vec::new();
    for topic in request.topic_data {
        let mut partitions = Vec::new();
        for partition in topic.partition_data {
            let taken = PartitionProduceResponse::default().with_index(partition.index);
            partitions.push(taken.with_base_offset(state.records).with_log_start_offset(0));
            state.records += 1;
        }
        let response = TopicProduceResponse::default().with_name(topic.name);
        let response = response.with_topic_id(topic.topic_id);
        responses.push(response.with_partition_responses(partitions));
    }
    asked.answer::<ProduceRequest>(&ProduceResponse::default().with_responses(responses))
}
