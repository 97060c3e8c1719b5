//! Whether a node is whole, and whether the cluster is.

use std::collections::BTreeMap;

use model::NodeId;

use crate::blocker::Partitions;
use crate::{Blocker, Direction, KafkaView, Order, PartitionView, Rollout, ServiceView};

/// What is wrong with `node` by itself, if anything: a node of which this returns something serves
/// nobody, so that restarting it takes nothing away.
///
/// Nobody who can be asked says nothing of a node, unless it is the only one.
pub(crate) fn sick(view: &ServiceView, node: NodeId) -> Option<Blocker> {
    let seen = view.nodes.get(&node)?;
    if seen.process.is_none() {
        return Some(Blocker::NotAnswering(node));
    }
    let fenced = view.kafka.as_ref().and_then(|it| it.fenced.get(&node));
    if seen.recovering && fenced != Some(&false) {
        return Some(Blocker::Recovering(node));
    }
    let Some(kafka) = &view.kafka else {
        return (view.nodes.len() == 1).then_some(Blocker::NotAnswering(node));
    };
    match kafka.fenced.get(&node) {
        None => Some(Blocker::NotRegistered(node)),
        Some(true) => Some(Blocker::Fenced(node)),
        Some(false) if !seen.answers => Some(Blocker::NotAnswering(node)),
        Some(false) => None,
    }
}

/// What keeps the cluster from being whole, in the order in which it heals: nodes, quorum,
/// replicas, disks.
pub(crate) fn not_whole(view: &ServiceView, kafka: &KafkaView) -> Option<Blocker> {
    view.nodes
        .keys()
        .find_map(|id| sick(view, *id))
        .or_else(|| unsettled(kafka))
        .or_else(|| out_of_sync(kafka))
        .or_else(|| bad_disk(kafka))
}

/// Whether every node is whole, and every replica in sync.
pub fn is_whole(view: &ServiceView) -> bool {
    let busy = view.nodes.values().any(|it| it.busy);
    !busy && view.kafka.as_ref().is_some_and(|kafka| not_whole(view, kafka).is_none())
}

fn unsettled(kafka: &KafkaView) -> Option<Blocker> {
    let quorum = &kafka.quorum;
    if quorum.leader.is_none() {
        return Some(Blocker::NoQuorumLeader);
    }
    if let Some(&node) = quorum.voters.difference(&quorum.caught_up).next() {
        return Some(Blocker::VoterBehind(node));
    }
    if let Some(&node) = quorum.behind.first() {
        return Some(Blocker::MetadataBehind(node));
    }
    (kafka.reassignments > 0).then_some(Blocker::Reassigning(kafka.reassignments))
}

fn out_of_sync(kafka: &KafkaView) -> Option<Blocker> {
    let short = |it: &&PartitionView| it.in_sync.len() < it.replicas.len();
    partitions(kafka.partitions.iter().filter(short)).map(Blocker::OutOfSync)
}

/// A restart may fail on a full disk, and a follower there could not take over.
fn bad_disk(kafka: &KafkaView) -> Option<Blocker> {
    let offline = kafka.offline_log_dirs.first().map(|it| Blocker::LogDirOffline(*it));
    offline.or_else(|| kafka.full_disks.first().map(|it| Blocker::DiskFull(*it)))
}

/// For each node that is out of sync, a partition that misses it; `None` for the metadata. One
/// without a leader misses nobody: there is nobody to follow.
pub(crate) fn lagging(kafka: &KafkaView) -> BTreeMap<NodeId, Option<&PartitionView>> {
    let misses = |it: &&PartitionView| it.leader.is_some() && it.in_sync.len() < it.replicas.len();
    let mut lagging = BTreeMap::new();
    for partition in kafka.partitions.iter().filter(misses) {
        for id in partition.replicas.iter().filter(|it| !partition.in_sync.contains(it)) {
            lagging.entry(*id).or_insert(Some(partition));
        }
    }
    let quorum = &kafka.quorum;
    for id in quorum.voters.difference(&quorum.caught_up).chain(&quorum.behind) {
        lagging.entry(*id).or_insert(None);
    }
    lagging
}

/// Names partitions by their number and the first of them; `None` if there is none.
pub(crate) fn partitions<'a>(
    mut found: impl Iterator<Item = &'a PartitionView>,
) -> Option<Partitions> {
    let first = found.next()?;
    Some(Partitions { count: 1 + found.count(), example: first.name() })
}

/// Whether `order` still has to take effect: the process that had to go is there.
pub(crate) fn pending(view: &ServiceView, node: NodeId, order: &Order) -> bool {
    let process = view.nodes.get(&node).and_then(|it| it.process.as_ref());
    process.is_some_and(|it| Some(&it.incarnation) == order.from.as_ref())
}

/// The nodes whose orders into the goal were carried out, or are about to be.
pub(crate) fn carried_out<'a>(
    rollout: &'a Rollout,
    view: &'a ServiceView,
) -> impl Iterator<Item = NodeId> {
    let done = rollout.orders_into_goal().filter(|(id, it)| !pending(view, *id, it));
    done.map(|(id, _)| id)
}

/// The node that was restarted into the goal before all others, while it is the only one.
pub(crate) fn canary(rollout: &Rollout, view: &ServiceView) -> Option<NodeId> {
    let mut restarted = carried_out(rollout, view);
    let first = restarted.next().filter(|_| rollout.direction == Direction::Forward)?;
    restarted.next().is_none().then_some(first)
}
