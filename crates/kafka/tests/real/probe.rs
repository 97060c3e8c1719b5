//! Records of the probe, as `org.apache.kafka.tools.consumer.ConsoleConsumer` reads them.

use std::time::Duration;

use kafka::{AdminConfig, ErrorCode, OffsetSpec, Probe, ReassignTo};
use model::{NodeId, TopicName};

use crate::stage::Stage;
use crate::topics::new_topic;

const DEADLINE: Duration = Duration::from_secs(20);

fn probe(stage: &Stage) -> Probe {
    Probe::new(AdminConfig {
        bootstrap: stage.bootstrap.split(',').map(str::to_owned).collect(),
        credential: stage.credential.clone(),
        client_id: "tidegate-test-probe".to_owned(),
        timeout: Duration::from_secs(20),
    })
}

/// The first replica that does not lead, made the leader; nobody if there is one replica only.
async fn move_the_leader(stage: &Stage, name: &TopicName) {
    let names = std::slice::from_ref(name);
    let before = stage.admin.describe_topics(Some(names)).await.unwrap().remove(0);
    let reversed: Vec<NodeId> = before.partitions[0].replicas.iter().rev().copied().collect();
    let first = reversed[0];
    let target = ReassignTo { topic: name.clone(), partition: 0, replicas: Some(reversed) };
    stage.admin.alter_reassignments(&[target]).await.unwrap();
    let led = async || {
        // It fails until the new order is known where it is asked, and the follower has caught up.
        let _tried = stage.admin.elect_preferred_leaders_of(&[(name.clone(), 0)]).await;
        let now = stage.admin.describe_topics(Some(names)).await.unwrap().remove(0);
        now.partitions[0].leader == Some(first)
    };
    stage.until("another leads", led).await;
}

#[tokio::test]
async fn what_the_probe_writes_is_there_and_it_follows_the_leader() {
    let stage = Stage::new("probe");
    let name: TopicName = stage.prefix.parse().unwrap();
    let probe = probe(&stage);
    let missing = probe.write(&name, 0, b"x", Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::UnknownTopicOrPartition));
    stage.admin.create_topic(&new_topic(&name, 1), false).await.unwrap();

    let first = probe.write(&name, 0, b"before", DEADLINE).await.unwrap();
    assert_eq!(first.offset, 0);
    move_the_leader(&stage, &name).await;
    let second = probe.write(&name, 0, b"after", DEADLINE).await.unwrap();
    let ends = stage.admin.list_offsets(&name, &[0], OffsetSpec::Latest).await.unwrap();
    assert!(second.offset >= 1, "a record that was written twice is fine");
    assert_eq!(ends[&0], second.offset + 1);

    let count = ends[&0].to_string();
    let arguments = ["--topic", name.as_str(), "--from-beginning", "--max-messages", &count];
    let read = stage.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", &arguments).await;
    assert_eq!(read.lines().next(), Some("before"), "{read}");
    assert_eq!(read.lines().last(), Some("after"), "{read}");
    stage.admin.delete_topic(&name).await.unwrap();
}
