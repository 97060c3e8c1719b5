//! Takes one picture of a Kafka cluster, in the words of the planner: the one place that turns what
//! `kafka` was told into what `rolling` decides on.
//!
//! **Invariant:** what is not known counts as bad, or there is no picture at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka::{Admin, KafkaError, LogDir, QuorumReplica, Topic};
use model::{NodeId, TopicName};
use rolling::{KafkaView, PartitionView, Quorum};

/// A voter that was caught up this long before the leader's own clock still counts as caught up:
/// `controller.quorum.fetch.timeout.ms`.
const FETCH_TIMEOUT_MS: i64 = 2_000;
/// Below this share of free space, a log directory counts as full. In percent.
const FREE_PERCENT: u64 = 5;

/// What Kafka says of itself, and who of it does not answer.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it says.
    pub view: KafkaView,
    /// Brokers that did not answer a call of their own, logged in on the internal listener.
    pub silent: BTreeSet<NodeId>,
}

/// Asks a cluster how it is. Fails if anything of it is not known.
pub async fn kafka_view(admin: &Admin) -> Result<Told, KafkaError> {
    let cluster = admin.describe_cluster().await?;
    let brokers = || cluster.brokers.iter().map(|it| it.id);
    let (quorum, topics, reassignments, log_dirs) = tokio::join!(
        admin.describe_quorum(),
        topics(admin, &cluster),
        admin.list_reassignments(),
        admin.describe_log_dirs(brokers()),
    );
    let (quorum, topics, reassignments) = (quorum?, topics?, reassignments?);
    let names: Vec<TopicName> = topics.iter().filter_map(|it| it.name.parse().ok()).collect();
    let configs = admin.describe_topic_configs(&names, &["min.insync.replicas"]).await?;
    let min_in_sync = |topic: &str| -> usize {
        let entry = configs.get(topic).and_then(|it| it.first());
        // What is not known counts as the strictest that any topic can have.
        entry.and_then(|it| it.value.as_deref()?.parse().ok()).unwrap_or(usize::MAX)
    };
    let mut partitions = Vec::new();
    for topic in &topics {
        let (name, min_in_sync): (Arc<str>, _) =
            (topic.name.as_str().into(), min_in_sync(&topic.name));
        for partition in &topic.partitions {
            let leaving: Vec<NodeId> = reassignments
                .iter()
                .filter(|it| it.topic == topic.name && it.partition == partition.index)
                .flat_map(|it| it.removing.iter().copied())
                .collect();
            let in_sync = partition.in_sync.iter().filter(|it| !leaving.contains(it));
            partitions.push(PartitionView {
                topic: Arc::clone(&name),
                index: partition.index,
                leader: partition.leader,
                replicas: partition.replicas.clone(),
                in_sync: in_sync.copied().collect(),
                min_in_sync,
            });
        }
    }
    let silent = log_dirs.iter().filter(|(_, dirs)| dirs.is_err()).map(|(id, _)| *id).collect();
    let fenced: BTreeMap<NodeId, bool> =
        cluster.brokers.iter().map(|it| (it.id, it.fenced)).collect();
    let view = KafkaView {
        quorum: quorum_view(&quorum, &fenced),
        fenced,
        partitions,
        reassignments: reassignments.len(),
        offline_log_dirs: log_dirs_with(&log_dirs, |it| it.error.is_some()),
        full_disks: log_dirs_with(&log_dirs, is_full),
    };
    Ok(Told { view, silent })
}

/// Every topic, as two brokers see it: what a single one says may be old. A replica is in sync if
/// both say so.
async fn topics(admin: &Admin, cluster: &kafka::Cluster) -> Result<Vec<Topic>, KafkaError> {
    let mut unfenced = cluster.brokers.iter().filter(|it| !it.fenced).map(|it| it.id);
    match (unfenced.next(), unfenced.next()) {
        (Some(one), Some(two)) => {
            let (one, two) = tokio::join!(
                admin.describe_topics_at(one, None),
                admin.describe_topics_at(two, None)
            );
            Ok(agreed(one?, two?))
        }
        _ => admin.describe_topics(None).await,
    }
}

fn agreed(mut one: Vec<Topic>, two: Vec<Topic>) -> Vec<Topic> {
    let mut others: BTreeMap<String, Topic> =
        two.into_iter().map(|it| (it.name.clone(), it)).collect();
    for topic in &mut one {
        let Some(other) = others.remove(&topic.name) else { continue };
        for partition in &mut topic.partitions {
            let seen = other.partitions.iter().find(|it| it.index == partition.index);
            if let Some(seen) = seen {
                partition.in_sync.retain(|it| seen.in_sync.contains(it));
            }
        }
    }
    one.extend(others.into_values());
    one
}

/// A broker that has left is an observer for five minutes more: only those count that the controller
/// waits for before it lets another stop (`BrokerHeartbeatManager#lowestActiveOffset`).
fn quorum_view(quorum: &kafka::Quorum, fenced: &BTreeMap<NodeId, bool>) -> Quorum {
    let leader = quorum.voters.iter().find(|it| Some(it.id) == quorum.leader);
    let leaders_clock = leader.and_then(|it| it.last_caught_up);
    let is_caught_up = |it: &&QuorumReplica| {
        Some(it.id) == quorum.leader
            || leaders_clock
                .zip(it.last_caught_up)
                .is_some_and(|(leader, voter)| leader.ms_since(voter) <= FETCH_TIMEOUT_MS)
    };
    Quorum {
        leader: quorum.leader,
        epoch: quorum.leader_epoch,
        voters: quorum.voters.iter().map(|it| it.id).collect(),
        caught_up: quorum.voters.iter().filter(is_caught_up).map(|it| it.id).collect(),
        behind: quorum
            .observers
            .iter()
            .filter(|it| !is_caught_up(it) && fenced.get(&it.id) == Some(&false))
            .map(|it| it.id)
            .collect(),
    }
}

fn is_full(dir: &LogDir) -> bool {
    dir.usable_bytes.zip(dir.total_bytes).is_some_and(|(usable, total)| {
        usable.saturating_mul(100) < total.saturating_mul(FREE_PERCENT)
    })
}

/// Nodes with such a log directory, and those that did not tell.
fn log_dirs_with(
    log_dirs: &BTreeMap<NodeId, Result<Vec<LogDir>, KafkaError>>,
    is_bad: impl Fn(&LogDir) -> bool,
) -> BTreeSet<NodeId> {
    let nodes = log_dirs.iter().filter(|(_, dirs)| match dirs {
        Ok(dirs) => dirs.iter().any(&is_bad),
        Err(_) => true,
    });
    nodes.map(|(id, _)| *id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_directory_is_bad_when_it_is_offline_nearly_full_or_unknown() {
        let dir = |usable, total| LogDir {
            path: "data".into(),
            error: None,
            usable_bytes: Some(usable),
            total_bytes: Some(total),
        };
        let offline = LogDir { error: Some(kafka::ErrorCode::KafkaStorageError), ..dir(9, 10) };
        let seen = [
            (NodeId(1), Ok(vec![dir(5, 100)])),
            (NodeId(2), Ok(vec![dir(4, 100)])),
            (NodeId(3), Ok(vec![offline])),
            (NodeId(4), Err(KafkaError::UnknownNode(NodeId(4)))),
        ]
        .into();
        assert_eq!(log_dirs_with(&seen, is_full), [2, 4].map(NodeId).into());
        assert_eq!(log_dirs_with(&seen, |it| it.error.is_some()), [3, 4].map(NodeId).into());
    }

    #[test]
    fn only_brokers_that_take_part_can_be_behind() {
        let replica = |id, last_caught_up| QuorumReplica {
            id: NodeId(id),
            log_end_offset: 0,
            last_fetch: None,
            last_caught_up,
        };
        let now = model::Timestamp(10_000);
        let quorum = kafka::Quorum {
            leader: Some(NodeId(1)),
            leader_epoch: 1,
            high_watermark: 0,
            voters: vec![replica(1, Some(now))],
            observers: vec![
                replica(4, Some(now)),
                replica(5, Some(now.plus_ms(-2_001))),
                replica(6, None),
                replica(7, None),
            ],
        };
        let fenced = [(1, false), (4, false), (5, false), (6, true)];
        let fenced = fenced.map(|(id, it)| (NodeId(id), it)).into();
        assert_eq!(quorum_view(&quorum, &fenced).behind, [NodeId(5)].into());
    }

    #[test]
    fn a_replica_is_in_sync_only_if_both_brokers_say_so() {
        let topic = |in_sync: &[i32]| Topic {
            name: "orders".into(),
            partitions: vec![kafka::Partition {
                index: 0,
                leader: Some(NodeId(1)),
                replicas: [1, 2, 3].map(NodeId).into(),
                in_sync: in_sync.iter().copied().map(NodeId).collect(),
                offline: Vec::new(),
            }],
            internal: false,
            error: None,
        };
        let agreed = agreed(vec![topic(&[1, 2, 3])], vec![topic(&[1, 3])]);
        assert_eq!(agreed, [topic(&[1, 3])]);
    }
}
