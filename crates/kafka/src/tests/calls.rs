//! What becomes of single calls.

use std::time::{Duration, Instant};

use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsResult;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::metadata_response::{
    MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    ApiKey, BrokerId, CreateAclsRequest, CreateAclsResponse, CreateTopicsRequest,
    CreateTopicsResponse, DescribeClusterRequest, DescribeLogDirsRequest, DescribeLogDirsResponse,
    ListOffsetsRequest, ListOffsetsResponse, MetadataRequest, MetadataResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use model::NodeId;

use crate::tests::fake::{Asked, Fake, Reply, cluster};
use crate::tests::{TIMEOUT, admin, closed};
use crate::{ErrorCode, KafkaError, NewTopic};

fn new_topic() -> NewTopic {
    let name = "orders".parse().unwrap();
    NewTopic { name, partitions: 1, replication: 1, configs: [].into() }
}

fn created(code: i16) -> CreateTopicsResponse {
    let result = CreatableTopicResult::default().with_error_code(code);
    CreateTopicsResponse::default().with_topics(vec![result])
}

#[tokio::test]
async fn a_call_that_timed_out_leaves_the_connection_to_the_next() {
    let fake = Fake::start(|asked| match (asked.api, asked.nth) {
        (ApiKey::DescribeCluster, 0) => asked.late::<DescribeClusterRequest>(&cluster(&[])),
        _ => asked.healthy(),
    })
    .await;
    let admin = admin(&[&fake.address]);
    let error = admin.describe_cluster().await.unwrap_err();
    assert!(matches!(error, KafkaError::Timeout { api: "DescribeCluster", .. }), "{error:?}");
    // Its answer comes now, before the next one, and is nobody's.
    assert_eq!(admin.describe_cluster().await.unwrap().brokers.len(), 1);
    assert_eq!(fake.connections(), 1);
}

#[tokio::test]
async fn calls_at_once_share_one_connection_and_one_that_is_dropped_harms_none() {
    let fake = Fake::start(Asked::healthy).await;
    let admin = admin(&[&fake.address]);
    let dropped = tokio::time::timeout(Duration::ZERO, admin.describe_cluster());
    let (_, first, second) =
        tokio::join!(dropped, admin.describe_cluster(), admin.describe_cluster());
    assert_eq!(first.unwrap(), second.unwrap());
    admin.describe_cluster().await.unwrap();
    assert!(fake.connections() <= 2, "one, and the one that was dropped while it was opened");
}

#[tokio::test]
async fn an_answer_to_another_request_ends_the_connection() {
    let fake = Fake::start(|asked| match (asked.api, asked.nth) {
        (ApiKey::DescribeCluster, 0) => asked.misaddressed::<DescribeClusterRequest>(&cluster(&[])),
        _ => asked.healthy(),
    })
    .await;
    let admin = admin(&[&fake.address]);
    let error = admin.describe_cluster().await.unwrap_err();
    assert!(matches!(error, KafkaError::Protocol { api: "DescribeCluster", .. }), "{error:?}");
    admin.describe_cluster().await.unwrap();
    assert_eq!(fake.connections(), 2);
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_refused() {
    let fake = Fake::start(|asked| match asked.api {
        // Version 1 has no flag "fenced", so each broker is a byte shorter.
        ApiKey::DescribeCluster => {
            let address = "127.0.0.1:1";
            asked.in_version::<DescribeClusterRequest>(&cluster(&[address]), 1)
        }
        _ => asked.healthy(),
    })
    .await;
    let error = admin(&[&fake.address]).describe_cluster().await.unwrap_err();
    assert!(matches!(error, KafkaError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn what_passes_is_asked_again() {
    let fake = Fake::start(|asked| match (asked.api, asked.nth) {
        (ApiKey::CreateTopics, 0 | 1) => {
            asked.answer::<CreateTopicsRequest>(&created(ErrorCode::NotController.code()))
        }
        (ApiKey::CreateTopics, _) => asked.answer::<CreateTopicsRequest>(&created(0)),
        _ => asked.healthy(),
    })
    .await;
    admin(&[&fake.address]).create_topic(&new_topic(), false).await.unwrap();
    assert_eq!(fake.requests(ApiKey::CreateTopics), 3);
}

#[tokio::test]
async fn what_never_passes_ends_at_the_deadline_with_kafkas_own_word() {
    let fake = Fake::start(|asked| match asked.api {
        ApiKey::CreateTopics => {
            asked.answer::<CreateTopicsRequest>(&created(ErrorCode::NotController.code()))
        }
        _ => asked.healthy(),
    })
    .await;
    let started = Instant::now();
    let error = admin(&[&fake.address]).create_topic(&new_topic(), false).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::NotController));
    assert!(started.elapsed() <= TIMEOUT);
}

#[tokio::test]
async fn a_change_that_may_have_happened_is_not_sent_again() {
    for closes in [true, false] {
        let script = move |asked: &Asked| match asked.api {
            ApiKey::CreateTopics if closes => Reply::Close,
            ApiKey::CreateTopics => {
                asked.answer::<CreateTopicsRequest>(&created(ErrorCode::RequestTimedOut.code()))
            }
            _ => asked.healthy(),
        };
        let (first, second) = (Fake::start(script).await, Fake::start(script).await);
        let admin = admin(&[&first.address, &second.address]);
        assert!(admin.create_topic(&new_topic(), false).await.is_err());
        assert_eq!(first.requests(ApiKey::CreateTopics), 1);
        assert_eq!(second.requests(ApiKey::CreateTopics), 0);
    }
}

#[tokio::test]
async fn one_broker_that_is_away_does_not_hide_the_others() {
    let away = closed().await;
    let there = away.clone();
    let fake = Fake::start(move |asked| match asked.api {
        ApiKey::DescribeCluster => {
            let own: DescribeClusterRequest = asked.request();
            assert!(own.include_fenced_brokers);
            asked.answer::<DescribeClusterRequest>(&cluster(&[asked.address(), &there]))
        }
        ApiKey::DescribeLogDirs => {
            let dir = DescribeLogDirsResult::default()
                .with_log_dir(StrBytes::from_static_str("data"))
                .with_usable_bytes(5)
                .with_total_bytes(-1);
            let response = DescribeLogDirsResponse::default().with_results(vec![dir]);
            asked.answer::<DescribeLogDirsRequest>(&response)
        }
        _ => asked.healthy(),
    })
    .await;
    let dirs = admin(&[&fake.address]).describe_log_dirs([NodeId(1), NodeId(2)]).await;
    let first = &dirs[&NodeId(1)].as_ref().unwrap()[0];
    assert_eq!((first.usable_bytes, first.total_bytes), (Some(5), None));
    assert!(matches!(dirs[&NodeId(2)], Err(KafkaError::Unreachable { .. })));
}

/// Topic `orders` with partition 0 at leader 1, so that it is asked for its offset.
fn led() -> MetadataResponse {
    let partition = MetadataResponsePartition::default().with_leader_id(BrokerId(1));
    let topic = MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_static_str("orders"))))
        .with_partitions(vec![partition]);
    MetadataResponse::default().with_topics(vec![topic])
}

#[tokio::test]
async fn a_leader_that_moved_is_looked_up_again() {
    let fake = Fake::start(|asked| match (asked.api, asked.nth) {
        (ApiKey::Metadata, _) => asked.answer::<MetadataRequest>(&led()),
        (ApiKey::ListOffsets, nth) => {
            let code = if nth == 0 { ErrorCode::NotLeaderOrFollower.code() } else { 0 };
            let partition =
                ListOffsetsPartitionResponse::default().with_error_code(code).with_offset(7);
            let topic = ListOffsetsTopicResponse::default().with_partitions(vec![partition]);
            let response = ListOffsetsResponse::default().with_topics(vec![topic]);
            asked.answer::<ListOffsetsRequest>(&response)
        }
        _ => asked.healthy(),
    })
    .await;
    let topic = "orders".parse().unwrap();
    let admin = admin(&[&fake.address]);
    let offsets = admin.list_offsets(&topic, &[0], crate::OffsetSpec::Latest).await.unwrap();
    assert_eq!(offsets, [(0, 7)].into());
    assert_eq!(fake.requests(ApiKey::Metadata), 2);
    assert_eq!(fake.connections(), 1, "the leader is the broker that was asked already");
}

#[tokio::test]
async fn a_time_after_the_last_record_has_no_offset() {
    let fake = Fake::start(|asked| match asked.api {
        ApiKey::Metadata => asked.answer::<MetadataRequest>(&led()),
        ApiKey::ListOffsets => {
            let none = ListOffsetsPartitionResponse::default().with_offset(-1);
            let topic = ListOffsetsTopicResponse::default().with_partitions(vec![none]);
            let response = ListOffsetsResponse::default().with_topics(vec![topic]);
            asked.answer::<ListOffsetsRequest>(&response)
        }
        _ => asked.healthy(),
    })
    .await;
    let topic = "orders".parse().unwrap();
    let spec = crate::OffsetSpec::AtOrAfter(model::Timestamp(1));
    let offsets = admin(&[&fake.address]).list_offsets(&topic, &[0], spec).await.unwrap();
    assert!(offsets.is_empty());
}

#[tokio::test]
async fn the_acls_that_were_refused_are_named() {
    let fake = Fake::start(|asked| match asked.api {
        ApiKey::CreateAcls => {
            let bad = AclCreationResult::default()
                .with_error_code(ErrorCode::InvalidRequest.code())
                .with_error_message(Some(StrBytes::from_static_str("no")));
            let results = vec![AclCreationResult::default(), bad];
            asked.answer::<CreateAclsRequest>(&CreateAclsResponse::default().with_results(results))
        }
        _ => asked.healthy(),
    })
    .await;
    let binding = |name: &str| model::AclBinding {
        principal: model::Principal(model::Principal::REST_PROXY.to_owned()),
        host: model::AclHost::ANY,
        resource_type: model::ResourceType::Topic,
        resource_name: name.to_owned(),
        pattern_type: model::PatternType::Prefixed,
        operation: model::AclOperation::Read,
        permission_type: model::AclPermissionType::Allow,
    };
    let bindings = [binding("a"), binding("b")];
    let error = admin(&[&fake.address]).create_acls(&bindings).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Kafka refused 1 of 2 items, the first: Allow User: rest-proxy from * Read on Prefixed Topic \
         'b': INVALID_REQUEST: no"
    );
}

/// Callers run these in tasks of their own.
#[test]
fn the_futures_can_be_sent_to_another_thread() {
    fn sendable<T: Send>(_: T) {}
    let admin = admin(&[]);
    let topic = "orders".parse().unwrap();
    sendable(admin.describe_cluster());
    sendable(admin.describe_log_dirs([]));
    sendable(admin.describe_topics(None));
    sendable(admin.list_groups());
    sendable(admin.committed_offsets(&topic));
    sendable(admin.list_offsets(&topic, &[0], crate::OffsetSpec::Latest));
    sendable(admin.create_acls(&[]));
    sendable(admin.delete_acls(&[]));
    sendable(admin.describe_quotas());
    sendable(admin.alter_quotas(&[].into()));
    sendable(admin.elect_preferred_leaders());
    sendable(admin.elect_preferred_leaders_of(&[]));
    sendable(admin.alter_reassignments(&[]));
    sendable(admin.describe_topics_at(NodeId(1), None));
    sendable(admin.unregister_broker(NodeId(1)));
    let token = crate::Credential::OauthBearer { token: model::Secret::new(String::new()) };
    sendable(crate::try_login("", &token, TIMEOUT));
    let config = crate::AdminConfig {
        bootstrap: Vec::new(),
        credential: token.clone(),
        client_id: String::new(),
        timeout: TIMEOUT,
    };
    sendable(crate::Probe::new(config).write(&topic, 0, b"", TIMEOUT));
}
