//! Topics, as `org.apache.kafka.tools.TopicCommand` names them, and their offsets and groups.

use std::collections::BTreeMap;

use kafka::{ErrorCode, NewTopic, OffsetSpec};
use model::TopicName;

use crate::stage::Stage;

pub(crate) fn new_topic(name: &TopicName, partitions: i32) -> NewTopic {
    let configs = [("retention.ms".to_owned(), "123456".to_owned())].into();
    NewTopic { name: name.clone(), partitions, replication: -1, configs }
}

async fn partitions(stage: &Stage, name: &TopicName) -> usize {
    let topics = stage.admin.describe_topics(Some(std::slice::from_ref(name))).await.unwrap();
    topics[0].partitions.iter().filter(|it| it.leader.is_some()).count()
}

#[tokio::test]
async fn a_topic_is_what_java_describes() {
    let stage = Stage::new("topic");
    let name: TopicName = stage.prefix.parse().unwrap();
    stage.admin.create_topic(&new_topic(&name, 2), true).await.expect("it could be created");
    assert_eq!(partitions(&stage, &name).await, 0, "and was not");
    stage.admin.create_topic(&new_topic(&name, 2), false).await.unwrap();
    let again = stage.admin.create_topic(&new_topic(&name, 2), false).await.unwrap_err();
    assert_eq!(again.code(), Some(ErrorCode::TopicAlreadyExists));
    stage.admin.create_partitions(&name, 3).await.unwrap();
    stage.until("3 partitions", async || partitions(&stage, &name).await == 3).await;

    let described = stage
        .tool("org.apache.kafka.tools.TopicCommand", &["--describe", "--topic", name.as_str()])
        .await;
    let ours = stage.admin.describe_topics(Some(std::slice::from_ref(&name))).await.unwrap();
    assert!(described.contains("PartitionCount: 3"), "{described}");
    assert!(described.contains("retention.ms=123456"), "{described}");
    for partition in &ours[0].partitions {
        let list = |ids: &[model::NodeId]| {
            ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        };
        let leader = partition.leader.unwrap();
        let (replicas, in_sync) = (list(&partition.replicas), list(&partition.in_sync));
        let line = format!(
            "Partition: {}\tLeader: {leader}\tReplicas: {replicas}\tIsr: {in_sync}",
            partition.index
        );
        assert!(described.contains(&line), "{line}\n{described}");
    }
    assert_offsets_and_groups(&stage, &name).await;
    assert!(stage.admin.list_reassignments().await.unwrap().is_empty());
    stage.admin.elect_preferred_leaders().await.unwrap();

    stage.admin.delete_topic(&name).await.unwrap();
    let gone = async || {
        let topics = stage.admin.describe_topics(Some(std::slice::from_ref(&name))).await.unwrap();
        topics[0].error == Some(ErrorCode::UnknownTopicOrPartition)
    };
    stage.until("the topic is gone", gone).await;
    let again = stage.admin.delete_topic(&name).await.unwrap_err();
    assert_eq!(again.code(), Some(ErrorCode::UnknownTopicOrPartition));
    let listed = stage.tool("org.apache.kafka.tools.TopicCommand", &["--list"]).await;
    assert!(!listed.contains(name.as_str()), "{listed}");
}

async fn assert_offsets_and_groups(stage: &Stage, name: &TopicName) {
    let records = ["--num-records", "30", "--record-size", "10", "--throughput", "-1"];
    let topic = ["--topic", name.as_str()];
    let producer = "org.apache.kafka.tools.ProducerPerformance";
    stage.tool(producer, &[&topic[..], &records[..]].concat()).await;
    let earliest = stage.admin.list_offsets(name, &[0, 1, 2], OffsetSpec::Earliest).await.unwrap();
    assert_eq!(earliest, BTreeMap::from([(0, 0), (1, 0), (2, 0)]));
    let latest = stage.admin.list_offsets(name, &[0, 1, 2], OffsetSpec::Latest).await.unwrap();
    assert_eq!(latest.values().sum::<i64>(), 30);
    let missing = stage.admin.list_offsets(name, &[3], OffsetSpec::Earliest).await.unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::UnknownTopicOrPartition));

    let command = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    let group = stage.prefix.as_str();
    let reset = ["--group", group, "--reset-offsets", "--to-latest", "--execute"];
    stage.tool(command, &[&topic[..], &reset[..]].concat()).await;
    let committed = stage.admin.committed_offsets(name).await.unwrap();
    let ends = latest.into_iter().map(|(partition, end)| ((group.to_owned(), partition), end));
    assert_eq!(committed, ends.collect());
    let groups = stage.admin.list_groups().await.unwrap();
    let ids: Vec<_> = groups.into_values().flat_map(Result::unwrap).map(|it| it.id).collect();
    assert!(ids.contains(&stage.prefix), "{ids:?}");
    stage.tool(command, &["--group", group, "--delete"]).await;
}
