//! Whether a node is whole, and whether one may be taken away.

use model::NodeId;

use crate::{Blocker, KafkaView, Order, ServiceView};

/// What is wrong with `node` by itself, if anything: a node of which this returns something serves
/// nobody, so that restarting it takes nothing away.
pub(crate) fn sick(view: &ServiceView, kafka: &KafkaView, node: NodeId) -> Option<Blocker> {
    let seen = view.nodes.get(&node)?;
    if seen.process.is_none() {
        return Some(Blocker::NotAnswering(node));
    }
    match kafka.fenced.get(&node) {
        None => Some(Blocker::NotRegistered(node)),
        Some(true) => Some(Blocker::Fenced(node)),
        Some(false) if !seen.answers => Some(Blocker::NotAnswering(node)),
        Some(false) => None,
    }
}

/// What keeps the cluster from being whole beyond single nodes.
pub(crate) fn unsettled(kafka: &KafkaView) -> Option<Blocker> {
    if kafka.quorum.leader.is_none() {
        return Some(Blocker::NoQuorumLeader);
    }
    if let Some(&node) = kafka.quorum.voters.difference(&kafka.quorum.caught_up).next() {
        return Some(Blocker::VoterBehind(node));
    }
    if kafka.reassignments > 0 {
        return Some(Blocker::Reassigning(kafka.reassignments));
    }
    let mut short = kafka.partitions.iter().filter(|it| it.in_sync.len() < it.replicas.len());
    let first = short.next()?;
    Some(Blocker::OutOfSync {
        partitions: 1 + short.count(),
        example: format!("{}-{}", first.topic, first.index),
    })
}

/// What speaks against stopping `node` now: the safe-batch condition for a batch of one. For each
/// partition the in-sync replicas that remain have to be as many as `min.insync.replicas` (as
/// `Partition#effectiveMinIsr` caps it), and the voters that remain a majority.
pub(crate) fn unsafe_without(kafka: &KafkaView, node: NodeId) -> Option<Blocker> {
    let quorum = &kafka.quorum;
    let remaining = quorum.caught_up.iter().filter(|it| **it != node).count();
    if quorum.voters.contains(&node) && remaining < quorum.voters.len() / 2 + 1 {
        return Some(Blocker::QuorumMajority(node));
    }
    let mut suffering = kafka.partitions.iter().filter(|it| {
        let remain = it.in_sync.iter().filter(|replica| **replica != node).count();
        it.in_sync.contains(&node) && remain < it.min_in_sync.min(it.replicas.len()).max(1)
    });
    if let Some(first) = suffering.next() {
        return Some(Blocker::MinInSync {
            node,
            partitions: 1 + suffering.count(),
            example: format!("{}-{}", first.topic, first.index),
        });
    }
    // A restart may fail on a full disk, and a follower there could not take over.
    kafka.bad_log_dirs.first().map(|&it| Blocker::LogDir(it))
}

/// Whether `order` still has to take effect: the process that had to go is there.
pub(crate) fn pending(view: &ServiceView, order: &Order) -> bool {
    view.nodes.get(&order.node).is_some_and(|node| {
        node.process.as_ref().is_some_and(|process| {
            Some(&process.incarnation) == order.from.as_ref() && process.revision != order.revision
        })
    })
}
