//! More replicas for the time of a rollout, for partitions that could not do without a node.

use std::collections::{BTreeMap, BTreeSet};

use model::NodeId;

use crate::{KafkaView, PartitionId, PartitionView, ServiceView};

/// A partition with other replicas than it shall have. Written down before Kafka is told, and kept
/// until it has its own again, whatever becomes of the rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// Which partition.
    pub partition: PartitionId,
    /// The replicas that it had and shall have again.
    pub original: Vec<NodeId>,
}

/// The replicas that a partition shall get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReplicas {
    /// Which partition.
    pub partition: PartitionId,
    /// The replicas that it has.
    pub from: Vec<NodeId>,
    /// The replicas that it shall have, the preferred leader first.
    pub to: Vec<NodeId>,
}

/// For each partition that could not do without one of `nodes`: enough replicas that it can, where
/// there are enough nodes. The new ones go to the nodes with the fewest replicas.
pub(crate) fn raise(
    view: &ServiceView,
    kafka: &KafkaView,
    nodes: &BTreeSet<NodeId>,
) -> Vec<NewReplicas> {
    let mut load: BTreeMap<NodeId, usize> = view.nodes.keys().map(|id| (*id, 0)).collect();
    for replica in kafka.partitions.iter().flat_map(|it| &it.replicas) {
        if let Some(load) = load.get_mut(replica) {
            *load += 1;
        }
    }
    let suffers = |it: &&PartitionView| {
        it.replicas.len() <= it.effective_min_in_sync()
            && it.replicas.iter().any(|replica| nodes.contains(replica))
    };
    let mut raised = Vec::new();
    for partition in kafka.partitions.iter().filter(suffers) {
        let mut to = partition.replicas.clone();
        // One more than `min.insync.replicas`, whatever the number of replicas caps it to now.
        while to.len() <= partition.min_in_sync {
            let free = load.iter().filter(|(id, _)| !to.contains(id));
            let Some(next) = free.min_by_key(|(id, load)| (**load, **id)).map(|it| *it.0) else {
                break;
            };
            to.push(next);
            *load.entry(next).or_default() += 1;
        }
        if to.len() > partition.min_in_sync {
            let from = partition.replicas.clone();
            raised.push(NewReplicas { partition: partition.id(), from, to });
        }
    }
    raised
}
