//! Where partitions are: asked of one broker, moved, led by another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ApiKey,
    DescribeClusterRequest, ElectLeadersRequest, ElectLeadersResponse, MetadataRequest,
    MetadataResponse, TopicName as WireTopicName, UnregisterBrokerRequest,
    UnregisterBrokerResponse,
};
use kafka_protocol::protocol::StrBytes;
use model::{NodeId, TopicName};

use crate::tests::fake::{Asked, Fake, Reply, cluster};
use crate::tests::{admin, closed};
use crate::{ErrorCode, KafkaError, ReassignTo};

fn knowing(asked: &Asked, topic: &'static str) -> Reply {
    let name = WireTopicName(StrBytes::from_static_str(topic));
    let topic = MetadataResponseTopic::default().with_name(Some(name));
    asked.answer::<MetadataRequest>(&MetadataResponse::default().with_topics(vec![topic]))
}

#[tokio::test]
async fn topics_are_asked_of_exactly_the_named_broker() {
    let second = Fake::start(|asked| match asked.api {
        ApiKey::Metadata => {
            let request: MetadataRequest = asked.request();
            assert!(request.topics.is_some_and(|it| it.len() == 1));
            assert!(!request.allow_auto_topic_creation);
            knowing(asked, "as-the-second-knows-it")
        }
        _ => asked.healthy(),
    })
    .await;
    let (two, three) = (second.address.clone(), closed().await);
    let first = Fake::start(move |asked| match asked.api {
        ApiKey::DescribeCluster => {
            let brokers = cluster(&[asked.address(), &two, &three]);
            asked.answer::<DescribeClusterRequest>(&brokers)
        }
        ApiKey::Metadata => knowing(asked, "as-the-first-knows-it"),
        _ => asked.healthy(),
    })
    .await;
    let admin = admin(&[&first.address]);
    let names: [TopicName; 1] = ["orders".parse().unwrap()];
    for (node, name) in [(1, "as-the-first-knows-it"), (2, "as-the-second-knows-it")] {
        let topics = admin.describe_topics_at(NodeId(node), Some(&names)).await.unwrap();
        assert_eq!(topics[0].name, name);
    }
    // Nobody else answers for one that is away, or that there is not.
    let error = admin.describe_topics_at(NodeId(3), Some(&names)).await.unwrap_err();
    assert!(matches!(error, KafkaError::Unreachable { .. }), "{error:?}");
    let error = admin.describe_topics_at(NodeId(4), Some(&names)).await.unwrap_err();
    assert!(matches!(error, KafkaError::UnknownNode(NodeId(4))), "{error:?}");
    assert_eq!((first.requests(ApiKey::Metadata), second.requests(ApiKey::Metadata)), (1, 1));
}

/// What arrived, request by request.
type Arrived<T> = Arc<Mutex<Vec<T>>>;

/// Who is to have which partition.
type Targets = BTreeMap<(String, i32), Option<Vec<i32>>>;

/// A controller that has these codes for some partitions.
async fn reassigning(codes: &'static [(i32, ErrorCode)]) -> (Fake, Arrived<Targets>) {
    let arrived: Arrived<_> = Arrived::default();
    let noted = Arc::clone(&arrived);
    let fake = Fake::start(move |asked| {
        if asked.api != ApiKey::AlterPartitionReassignments {
            return asked.healthy();
        }
        let request: AlterPartitionReassignmentsRequest = asked.request();
        let (mut targets, mut responses) = (BTreeMap::new(), Vec::new());
        for topic in request.topics {
            let mut partitions = Vec::new();
            for it in topic.partitions {
                let at = it.partition_index;
                let code = codes.iter().find(|it| it.0 == at).map_or(0, |it| it.1.code());
                let partition = ReassignablePartitionResponse::default().with_partition_index(at);
                partitions.push(partition.with_error_code(code));
                let replicas = it.replicas.map(|it| it.iter().map(|it| it.0).collect());
                targets.insert((topic.name.to_string(), at), replicas);
            }
            let response = ReassignableTopicResponse::default().with_name(topic.name);
            responses.push(response.with_partitions(partitions));
        }
        noted.lock().unwrap().push(targets);
        let response = AlterPartitionReassignmentsResponse::default().with_responses(responses);
        asked.answer::<AlterPartitionReassignmentsRequest>(&response)
    })
    .await;
    (fake, arrived)
}

fn target(topic: &str, partition: i32, replicas: Option<&[i32]>) -> ReassignTo {
    let replicas = replicas.map(|it| it.iter().copied().map(NodeId).collect());
    ReassignTo { topic: topic.parse().unwrap(), partition, replicas }
}

#[tokio::test]
async fn targets_keep_their_order_and_what_is_not_moving_can_be_taken_back() {
    let (fake, arrived) = reassigning(&[(7, ErrorCode::NoReassignmentInProgress)]).await;
    let targets =
        [target("b", 0, Some(&[3, 1, 2])), target("a", 7, None), target("b", 1, Some(&[2, 3, 1]))];
    admin(&[&fake.address]).alter_reassignments(&targets).await.unwrap();
    let expected = BTreeMap::from([
        (("a".to_owned(), 7), None),
        (("b".to_owned(), 0), Some(vec![3, 1, 2])),
        (("b".to_owned(), 1), Some(vec![2, 3, 1])),
    ]);
    assert_eq!(*arrived.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn two_hundred_partitions_go_into_a_request_and_the_refused_ones_of_all_are_named() {
    let codes =
        &[(3, ErrorCode::InvalidReplicaAssignment), (401, ErrorCode::UnknownTopicOrPartition)];
    let (fake, arrived) = reassigning(codes).await;
    let targets: Vec<_> = (0..450).map(|it| target("orders", it, Some(&[1]))).collect();
    let error = admin(&[&fake.address]).alter_reassignments(&targets).await.unwrap_err();
    let KafkaError::Items { failed, of: 450 } = error else { panic!("{error:?}") };
    let failed: Vec<_> = failed.into_iter().map(|it| (it.item, it.code)).collect();
    let named = |it: &(i32, ErrorCode)| (format!("orders-{}", it.0), it.1);
    assert_eq!(failed, codes.iter().map(named).collect::<Vec<_>>());
    let sizes: Vec<_> = arrived.lock().unwrap().iter().map(BTreeMap::len).collect();
    assert_eq!(sizes, [200, 200, 50]);
}

#[tokio::test]
async fn a_refusal_of_the_whole_request_is_told() {
    let fake = Fake::start(|asked| match asked.api {
        ApiKey::AlterPartitionReassignments => {
            let code = ErrorCode::ClusterAuthorizationFailed.code();
            let response = AlterPartitionReassignmentsResponse::default().with_error_code(code);
            asked.answer::<AlterPartitionReassignmentsRequest>(&response)
        }
        _ => asked.healthy(),
    })
    .await;
    let targets = [target("orders", 0, None)];
    let error = admin(&[&fake.address]).alter_reassignments(&targets).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::ClusterAuthorizationFailed));
}

/// A controller that has these codes for some partitions, and is never asked for all.
async fn electing(codes: &'static [(i32, ErrorCode)]) -> (Fake, Arrived<BTreeSet<(String, i32)>>) {
    let arrived: Arrived<_> = Arrived::default();
    let noted = Arc::clone(&arrived);
    let fake = Fake::start(move |asked| {
        if asked.api != ApiKey::ElectLeaders {
            return asked.healthy();
        }
        let request: ElectLeadersRequest = asked.request();
        assert_eq!(request.election_type, 0, "PREFERRED");
        let (mut named, mut results) = (BTreeSet::new(), Vec::new());
        for topic in request.topic_partitions.unwrap() {
            let partitions = topic.partitions.iter().map(|&at| {
                named.insert((topic.topic.to_string(), at));
                let code = codes.iter().find(|it| it.0 == at).map_or(0, |it| it.1.code());
                PartitionResult::default().with_partition_id(at).with_error_code(code)
            });
            let partitions = partitions.collect();
            let result = ReplicaElectionResult::default().with_topic(topic.topic);
            results.push(result.with_partition_result(partitions));
        }
        noted.lock().unwrap().push(named);
        let response = ElectLeadersResponse::default().with_replica_election_results(results);
        asked.answer::<ElectLeadersRequest>(&response)
    })
    .await;
    (fake, arrived)
}

fn of(topic: &str, partitions: impl IntoIterator<Item = i32>) -> Vec<(TopicName, i32)> {
    let topic: TopicName = topic.parse().unwrap();
    partitions.into_iter().map(|it| (topic.clone(), it)).collect()
}

#[tokio::test]
async fn leaders_are_elected_of_the_named_partitions_only() {
    let (fake, arrived) =
        electing(&[(1, ErrorCode::ElectionNotNeeded), (2, ErrorCode::PreferredLeaderNotAvailable)])
            .await;
    let admin = admin(&[&fake.address]);
    admin.elect_preferred_leaders_of(&[]).await.unwrap();
    assert_eq!(fake.requests(ApiKey::ElectLeaders), 0, "no partition is not every partition");
    let named = [of("b", 0..3), of("a", 4..5)].concat();
    admin.elect_preferred_leaders_of(&named).await.unwrap();
    let expected: BTreeSet<_> = named.iter().map(|it| (it.0.to_string(), it.1)).collect();
    assert_eq!(*arrived.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn an_election_that_is_refused_names_its_partition_and_the_others_are_done() {
    let (fake, arrived) = electing(&[(9, ErrorCode::UnknownTopicOrPartition)]).await;
    let admin = admin(&[&fake.address]);
    let error = admin.elect_preferred_leaders_of(&of("orders", 0..201)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Kafka refused 1 of 201 items, the first: orders-9: UNKNOWN_TOPIC_OR_PARTITION"
    );
    let sizes: Vec<_> = arrived.lock().unwrap().iter().map(BTreeSet::len).collect();
    assert_eq!(sizes, [200, 1]);
}

#[tokio::test]
async fn a_broker_that_is_not_registered_is_unregistered_already() {
    let fake = Fake::start(|asked| match asked.api {
        ApiKey::UnregisterBroker => {
            let id = asked.request::<UnregisterBrokerRequest>().broker_id.0;
            let code = match id {
                4 => 0,
                5 => ErrorCode::BrokerIdNotRegistered.code(),
                _ => ErrorCode::ClusterAuthorizationFailed.code(),
            };
            let response = UnregisterBrokerResponse::default().with_error_code(code);
            asked.answer::<UnregisterBrokerRequest>(&response)
        }
        _ => asked.healthy(),
    })
    .await;
    let admin = admin(&[&fake.address]);
    admin.unregister_broker(NodeId(4)).await.unwrap();
    admin.unregister_broker(NodeId(5)).await.unwrap();
    let error = admin.unregister_broker(NodeId(6)).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::ClusterAuthorizationFailed));
}
