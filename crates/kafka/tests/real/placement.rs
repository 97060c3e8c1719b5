//! Who has a partition and who leads it, as `org.apache.kafka.tools.TopicCommand` names them.

use kafka::{ErrorCode, KafkaError, Partition, ReassignTo};
use model::{NodeId, TopicName};

use crate::stage::Stage;
use crate::topics::new_topic;

/// The partitions, as any broker knows them.
async fn partitions(stage: &Stage, name: &TopicName) -> Vec<Partition> {
    let names = std::slice::from_ref(name);
    stage.admin.describe_topics(Some(names)).await.unwrap().remove(0).partitions
}

/// Until all brokers say the same, and it is what `done` wants.
async fn until_all_say(
    stage: &Stage,
    name: &TopicName,
    what: &str,
    done: impl Fn(&[Partition]) -> bool,
) {
    let brokers = stage.admin.describe_cluster().await.unwrap().brokers;
    let agreed = async || {
        for broker in &brokers {
            let names = std::slice::from_ref(name);
            let told = stage.admin.describe_topics_at(broker.id, Some(names)).await.unwrap();
            if told[0].error.is_some() || !done(&told[0].partitions) {
                return false;
            }
        }
        true
    };
    stage.until(what, agreed).await;
}

fn target(name: &TopicName, partition: i32, replicas: Option<Vec<NodeId>>) -> ReassignTo {
    ReassignTo { topic: name.clone(), partition, replicas }
}

fn replicas(partitions: &[Partition]) -> Vec<Vec<NodeId>> {
    partitions.iter().map(|it| it.replicas.clone()).collect()
}

fn led_by_the_preferred(partitions: &[Partition]) -> bool {
    partitions.iter().all(|it| it.leader == it.replicas.first().copied())
}

#[tokio::test]
async fn replicas_in_another_order_move_no_data_and_an_election_moves_the_leaders() {
    let stage = Stage::new("placement");
    let name: TopicName = stage.prefix.parse().unwrap();
    stage.admin.create_topic(&new_topic(&name, 3), false).await.unwrap();
    until_all_say(&stage, &name, "3 partitions, all in sync", |it| {
        it.len() == 3 && it.iter().all(|it| it.in_sync.len() == it.replicas.len())
    })
    .await;
    let before = partitions(&stage, &name).await;
    let reversed: Vec<Vec<NodeId>> =
        before.iter().map(|it| it.replicas.iter().rev().copied().collect()).collect();
    let targets: Vec<_> = before
        .iter()
        .zip(&reversed)
        .map(|(it, replicas)| target(&name, it.index, Some(replicas.clone())))
        .collect();
    stage.admin.alter_reassignments(&targets).await.unwrap();
    stage.admin.alter_reassignments(&targets).await.expect("a second time changes nothing");
    let moving = stage.admin.list_reassignments().await.unwrap();
    assert!(moving.iter().all(|it| it.topic != name.as_str()), "{moving:?}");
    until_all_say(&stage, &name, "the new order", |it| replicas(it) == reversed).await;

    let all: Vec<_> = before.iter().map(|it| (name.clone(), it.index)).collect();
    stage.admin.elect_preferred_leaders_of(&all[..1]).await.unwrap();
    until_all_say(&stage, &name, "the first is led", |it| led_by_the_preferred(&it[..1])).await;
    stage.admin.elect_preferred_leaders_of(&all).await.expect("the first is led already");
    until_all_say(&stage, &name, "all are led", led_by_the_preferred).await;
    let command = "org.apache.kafka.tools.TopicCommand";
    let described = stage.tool(command, &["--describe", "--topic", name.as_str()]).await;
    for (it, replicas) in before.iter().zip(&reversed) {
        let list: Vec<_> = replicas.iter().map(ToString::to_string).collect();
        let (leader, list) = (&list[0], list.join(","));
        let line = format!("Partition: {}\tLeader: {leader}\tReplicas: {list}", it.index);
        assert!(described.contains(&line), "{line}\n{described}");
    }
    stage.admin.delete_topic(&name).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_placed_is_named_and_nothing_to_take_back_is_fine() {
    let stage = Stage::new("placement-no");
    let name: TopicName = stage.prefix.parse().unwrap();
    stage.admin.create_topic(&new_topic(&name, 2), false).await.unwrap();
    stage.admin.alter_reassignments(&[target(&name, 0, None)]).await.unwrap();
    stage.admin.alter_reassignments(&[]).await.unwrap();
    let targets = [
        target(&name, 0, Some(vec![NodeId(424_242)])),
        target(&name, 1, None),
        target(&name, 2, None),
    ];
    let error = stage.admin.alter_reassignments(&targets).await.unwrap_err();
    let KafkaError::Items { failed, of: 3 } = error else { panic!("{error:?}") };
    let failed: Vec<_> = failed.into_iter().map(|it| (it.item, it.code)).collect();
    let expected = [
        (format!("{name}-0"), ErrorCode::InvalidReplicaAssignment),
        (format!("{name}-2"), ErrorCode::UnknownTopicOrPartition),
    ];
    assert_eq!(failed, expected);
    let error = stage.admin.elect_preferred_leaders_of(&[(name.clone(), 2)]).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::UnknownTopicOrPartition));
    stage.admin.delete_topic(&name).await.unwrap();
}

#[tokio::test]
async fn a_broker_that_never_was_is_unregistered_already() {
    let stage = Stage::new("unregister");
    let before = stage.admin.describe_cluster().await.unwrap();
    stage.admin.unregister_broker(NodeId(424_242)).await.unwrap();
    stage.admin.unregister_broker(NodeId(424_242)).await.unwrap();
    assert_eq!(stage.admin.describe_cluster().await.unwrap(), before);
}

#[tokio::test]
async fn a_broker_that_never_was_is_not_asked() {
    let stage = Stage::new("nobody");
    let error = stage.admin.describe_topics_at(NodeId(424_242), None).await.unwrap_err();
    assert!(matches!(error, KafkaError::UnknownNode(NodeId(424_242))), "{error:?}");
}
