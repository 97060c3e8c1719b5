//! Takes one picture of a service: its processes, its listeners, and what Kafka says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use auth::probe_jwks;
use futures::future::{join, join_all};
use kafka::{Admin, KafkaError, LogDir, sasl_mechanisms};
use model::{IdpPolicy, IdpUrl, NodeId, TopicName};
use rolling::{Jwks, KafkaView, NodeView, PartitionView, Quorum, ServiceView};
use store::NodePin;
use tracing::debug;

use crate::driver::Observed;

/// How long a listener may take to answer a handshake.
const HANDSHAKE: Duration = Duration::from_secs(2);
/// A voter that was caught up this long before the leader's own clock still counts as caught up:
/// `controller.quorum.fetch.timeout.ms`.
const FETCH_TIMEOUT_MS: i64 = 2_000;
/// Below this share of free space, a log directory counts as full. In percent.
const FREE_PERCENT: u64 = 5;

/// Puts a picture together.
pub async fn look(
    admin: &Admin,
    pins: &[NodePin],
    observed: &BTreeMap<NodeId, Observed>,
    jwks: Option<(&IdpUrl, &IdpPolicy)>,
) -> ServiceView {
    let clients = join_all(pins.iter().map(async |pin| answers_clients(pin).await));
    let (kafka, (clients, jwks)) = join(kafka_view(admin), join(clients, jwks_view(jwks))).await;
    let kafka = kafka
        .inspect_err(|error| debug!(error = error as &dyn std::error::Error, "no view of Kafka"))
        .ok();
    let nodes = pins.iter().zip(clients).map(|(pin, answers_clients)| {
        let seen = observed.get(&pin.node.id).cloned().unwrap_or_default();
        // When no broker could be asked at all, there is no view and nothing is stopped anyway.
        let silent = kafka.as_ref().is_some_and(|it| it.silent.contains(&pin.node.id));
        let node = NodeView {
            pinned: pin.revision.clone(),
            process: seen.process,
            busy: seen.busy,
            last_start: seen.last_start,
            answers: answers_clients && !silent,
        };
        (pin.node.id, node)
    });
    ServiceView { nodes: nodes.collect(), kafka: kafka.map(|it| it.view), jwks }
}

/// Whether a node's listener for clients answers a SASL handshake.
async fn answers_clients(pin: &NodePin) -> bool {
    let offered = sasl_mechanisms(&pin.node.client_address(), HANDSHAKE).await;
    offered.is_ok_and(|it| !it.is_empty())
}

async fn jwks_view(jwks: Option<(&IdpUrl, &IdpPolicy)>) -> Jwks {
    let Some((url, policy)) = jwks else { return Jwks::NotNeeded };
    match probe_jwks(url, policy).await {
        Ok(report) if report.usable() > 0 => Jwks::Usable,
        Ok(_) => Jwks::Unusable(format!("{url} holds no usable key")),
        Err(error) => Jwks::Unusable(format!("{url}: {error}")),
    }
}

/// What Kafka says of itself, and who of it does not answer.
struct Told {
    view: KafkaView,
    /// Brokers that did not answer a call of their own, logged in on the internal listener.
    silent: BTreeSet<NodeId>,
}

async fn kafka_view(admin: &Admin) -> Result<Told, KafkaError> {
    let cluster = admin.describe_cluster().await?;
    let quorum = admin.describe_quorum().await?;
    let topics = admin.describe_topics(None).await?;
    let names: Vec<TopicName> = topics.iter().filter_map(|it| it.name.parse().ok()).collect();
    let configs = admin.describe_topic_configs(&names, &["min.insync.replicas"]).await?;
    let reassignments = admin.list_reassignments().await?;
    let log_dirs = admin.describe_log_dirs(cluster.brokers.iter().map(|it| it.id)).await;
    let min_in_sync = |topic: &str| -> usize {
        let entry = configs.get(topic).and_then(|it| it.first());
        // What is not known counts as the strictest that any topic can have.
        entry.and_then(|it| it.value.as_deref()?.parse().ok()).unwrap_or(usize::MAX)
    };
    let mut partitions = Vec::new();
    for topic in &topics {
        for partition in &topic.partitions {
            let leaving: BTreeSet<NodeId> = reassignments
                .iter()
                .filter(|it| it.topic == topic.name && it.partition == partition.index)
                .flat_map(|it| it.removing.iter().copied())
                .collect();
            let in_sync = partition.in_sync.iter().filter(|it| !leaving.contains(it));
            partitions.push(PartitionView {
                topic: topic.name.clone(),
                index: partition.index,
                leader: partition.leader,
                replicas: partition.replicas.clone(),
                in_sync: in_sync.copied().collect(),
                min_in_sync: min_in_sync(&topic.name),
            });
        }
    }
    let silent = log_dirs.iter().filter(|(_, dirs)| dirs.is_err()).map(|(id, _)| *id).collect();
    let view = KafkaView {
        fenced: cluster.brokers.iter().map(|it| (it.id, it.fenced)).collect(),
        quorum: quorum_view(&quorum),
        partitions,
        reassignments: reassignments.len(),
        bad_log_dirs: bad_log_dirs(&log_dirs),
    };
    Ok(Told { view, silent })
}

fn quorum_view(quorum: &kafka::Quorum) -> Quorum {
    let leader = quorum.voters.iter().find(|it| Some(it.id) == quorum.leader);
    let leaders_clock = leader.and_then(|it| it.last_caught_up);
    let caught_up = quorum.voters.iter().filter(|it| {
        Some(it.id) == quorum.leader
            || leaders_clock
                .zip(it.last_caught_up)
                .is_some_and(|(leader, voter)| leader.ms_since(voter) <= FETCH_TIMEOUT_MS)
    });
    Quorum {
        leader: quorum.leader,
        voters: quorum.voters.iter().map(|it| it.id).collect(),
        caught_up: caught_up.map(|it| it.id).collect(),
    }
}

/// Nodes whose log directories are offline, nearly full, or did not tell.
fn bad_log_dirs(log_dirs: &BTreeMap<NodeId, Result<Vec<LogDir>, KafkaError>>) -> BTreeSet<NodeId> {
    let bad = |dir: &LogDir| {
        let full = dir.usable_bytes.zip(dir.total_bytes).is_some_and(|(usable, total)| {
            usable.saturating_mul(100) < total.saturating_mul(FREE_PERCENT)
        });
        dir.error.is_some() || full
    };
    let nodes = log_dirs.iter().filter(|(_, dirs)| match dirs {
        Ok(dirs) => dirs.iter().any(bad),
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
        ];
        let bad: Vec<i32> = bad_log_dirs(&seen.into()).into_iter().map(|it| it.0).collect();
        assert_eq!(bad, [2, 3, 4]);
    }
}
