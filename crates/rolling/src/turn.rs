//! Whose turn it is: which of the stale nodes are restarted next.

use std::collections::{BTreeMap, BTreeSet};

use model::NodeId;

use crate::blocker::Partitions;
use crate::gate::{carried_out, partitions, pending};
use crate::impact::{at_best, impact};
use crate::{Blocker, KafkaView, PartitionView, Remedy, Rollout, ServiceView};

/// For how many of the next nodes partitions are looked for at once: a pass over all partitions of
/// a large cluster costs a millisecond.
const AHEAD: usize = 8;

/// The nodes to be restarted together now, out of `stale`, or why none may be.
///
/// The first is one that has been ordered already and was not stopped; else the one of least risk:
/// not the active controller (each restart of which costs an election, so that it comes last), with
/// the fewest partitions that cannot do without it, then the fewest leaderships. Others join it
/// while `max_unavailable` and the safe-batch condition allow, those of its own rack first; never
/// beside the first node of a rollout or the active controller.
pub(crate) fn next_batch(
    rollout: &Rollout,
    view: &ServiceView,
    kafka: &KafkaView,
    placement: &Placement<'_>,
    stale: &BTreeSet<NodeId>,
) -> Result<BTreeSet<NodeId>, Blocker> {
    let active = kafka.quorum.leader;
    let ordered = |node: &NodeId| {
        let order = rollout.orders.get(node).filter(|it| it.revision == *rollout.goal());
        order.is_some_and(|it| pending(view, *node, it))
    };
    let rank =
        |node: &NodeId| (!ordered(node), active == Some(*node), placement.load(*node), *node);
    let Some(first) = stale.iter().copied().min_by_key(rank) else { return Ok(BTreeSet::new()) };
    let mut batch = BTreeSet::from([first]);
    let on_first = placement.in_sync(first);
    if let Some(blocker) = blocked(rollout, kafka, &batch, &on_first) {
        return Err(blocker);
    }
    let alone = carried_out(rollout, view).next().is_none() || active == Some(first);
    if alone || rollout.policy.max_unavailable < 2 {
        return Ok(batch);
    }
    let place = |node: &NodeId| view.nodes.get(node).map(|it| it.rack.as_str());
    let mut others: Vec<NodeId> =
        stale.iter().copied().filter(|it| *it != first && active != Some(*it)).collect();
    // Cached: a rank is looked up in three maps.
    others.sort_by_cached_key(|it| (place(it) != place(&first), rank(it)));
    // Only these can suffer from one more: what shares a node with the batch, or can do without none.
    let at_edge = |it: &&PartitionView| it.in_sync.len() <= it.effective_min_in_sync();
    let mut close: Vec<&PartitionView> = kafka.partitions.iter().filter(at_edge).collect();
    close.extend(on_first);
    let mut ahead: BTreeMap<NodeId, Vec<&PartitionView>> = BTreeMap::new();
    for (at, node) in others.iter().copied().enumerate() {
        batch.insert(node);
        let its = close.iter().copied().filter(|it| it.in_sync.contains(&node));
        if blocked(rollout, kafka, &batch, &its.collect::<Vec<_>>()).is_some() {
            batch.remove(&node);
            continue;
        }
        // Before its partitions are looked for, which nobody needs any more.
        if batch.len() >= rollout.policy.max_unavailable {
            break;
        }
        if !ahead.contains_key(&node) {
            ahead = placement.in_sync_ahead(&others[at..]);
        }
        close.extend(ahead.remove(&node).unwrap_or_default());
    }
    Ok(batch)
}

/// What speaks against stopping all of `batch` now: the safe-batch condition. For each partition
/// that remains in sync at as many replicas as `min.insync.replicas` asks for, and the voters that
/// remain are a majority.
///
/// A person who consented has agreed to what the restart of a single node does at best: to no more
/// than that, and not to what a batch adds.
fn blocked(
    rollout: &Rollout,
    kafka: &KafkaView,
    batch: &BTreeSet<NodeId>,
    touched: &[&PartitionView],
) -> Option<Blocker> {
    let first = *batch.first()?;
    let consented = rollout.remedy == Remedy::Consent;
    let alone = consented && batch.len() == 1 && needs_every_voter(kafka);
    if !keeps_majority(kafka, batch) && !alone {
        return Some(Blocker::QuorumMajority(first));
    }
    let agreed = |partition: &PartitionView, outage| {
        let node_alone = |it: &NodeId| at_best(partition, &BTreeSet::from([*it])) >= Some(outage);
        consented && batch.iter().any(node_alone)
    };
    let suffers =
        |it: &&&PartitionView| impact(it, batch).is_some_and(|impact| !agreed(it, impact.outage));
    let suffering = partitions(touched.iter().filter(suffers).copied());
    suffering.map(|partitions| Blocker::MinInSync(first, partitions))
}

/// Whether the batch takes no voter, or the caught-up ones that remain are more than half of all.
pub(crate) fn keeps_majority(kafka: &KafkaView, batch: &BTreeSet<NodeId>) -> bool {
    kafka.quorum.voters.is_disjoint(batch) || quorum_margin(kafka, batch) >= 0
}

/// How many more caught-up voters remain without the batch than a majority of all needs.
pub(crate) fn quorum_margin(kafka: &KafkaView, batch: &BTreeSet<NodeId>) -> i64 {
    let quorum = &kafka.quorum;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let remaining = quorum.caught_up.iter().filter(|it| !batch.contains(it)).count();
    count(remaining) - count(quorum.voters.len() / 2 + 1)
}

/// Whether the quorum is so small that the restart of any voter stops it for a while.
fn needs_every_voter(kafka: &KafkaView) -> bool {
    matches!(kafka.quorum.voters.len(), 1 | 2)
}

/// What speaks against restarting a node that is itself sick: it takes nothing away that is there,
/// unless the quorum counts on it, or a partition has it among its in-sync replicas still.
pub(crate) fn blocked_sick(rollout: &Rollout, kafka: &KafkaView, node: NodeId) -> Option<Blocker> {
    if kafka.quorum.leader.is_none() {
        // A controlled shutdown without a controller waits five minutes (KAFKA-13907).
        return Some(Blocker::NoQuorumLeader);
    }
    // The only one stays in sync while it is away (KRaft keeps the last), and serves nobody.
    let serves = |it: &PartitionView| it.leader.is_some() || it.in_sync.len() > 1;
    let on_it = kafka.partitions.iter().filter(|it| it.in_sync.contains(&node) && serves(it));
    blocked(rollout, kafka, &BTreeSet::from([node]), &on_it.collect::<Vec<_>>())
}

/// Partitions of which a restart of one of the nodes takes availability, whatever is waited for.
/// The metadata of a cluster with one voter or two counts as one.
pub(crate) fn inherent(kafka: &KafkaView, nodes: &BTreeSet<NodeId>) -> Option<Partitions> {
    let quorum = needs_every_voter(kafka) && !kafka.quorum.voters.is_disjoint(nodes);
    let found = inherent_partitions(kafka, nodes);
    let metadata = Partitions { count: 1, example: "__cluster_metadata-0".to_owned() };
    match found {
        found if !quorum => found,
        Some(found) => Some(Partitions { count: found.count + 1, ..found }),
        None => Some(metadata),
    }
}

fn inherent_partitions(kafka: &KafkaView, nodes: &BTreeSet<NodeId>) -> Option<Partitions> {
    let alone: Vec<BTreeSet<NodeId>> = nodes.iter().map(|it| BTreeSet::from([*it])).collect();
    let found = kafka.partitions.iter().filter(|partition| {
        // Cheap for all that are well: no single replica is missed.
        partition.replicas.len() <= partition.effective_min_in_sync()
            && alone.iter().any(|it| impact(partition, it).is_some_and(|it| it.inherent))
    });
    partitions(found)
}

/// What each node has, so that not every partition is looked at for each of them.
#[derive(Debug)]
pub(crate) struct Placement<'a> {
    kafka: &'a KafkaView,
    /// For each node, how many partitions cannot do without it and how many it leads.
    loads: BTreeMap<NodeId, (usize, usize)>,
    /// For each node, the partitions for which it is in sync; only for who asks about many nodes.
    in_sync: Option<BTreeMap<NodeId, Vec<&'a PartitionView>>>,
}

impl<'a> Placement<'a> {
    pub(crate) fn of(kafka: &'a KafkaView) -> Self {
        let mut loads: BTreeMap<NodeId, (usize, usize)> = BTreeMap::new();
        for partition in &kafka.partitions {
            if let Some(leader) = partition.leader {
                loads.entry(leader).or_default().1 += 1;
            }
            if partition.replicas.len() <= partition.effective_min_in_sync() {
                for replica in &partition.replicas {
                    loads.entry(*replica).or_default().0 += 1;
                }
            }
        }
        Self { kafka, loads, in_sync: None }
    }

    fn load(&self, node: NodeId) -> (usize, usize) {
        self.loads.get(&node).copied().unwrap_or_default()
    }

    /// The same, for who asks about many nodes.
    pub(crate) fn for_many(kafka: &'a KafkaView) -> Self {
        let mut all: BTreeMap<NodeId, Vec<&PartitionView>> = BTreeMap::new();
        for partition in &kafka.partitions {
            for replica in &partition.in_sync {
                all.entry(*replica).or_default().push(partition);
            }
        }
        Self { in_sync: Some(all), ..Self::of(kafka) }
    }

    /// The partitions for which a node is in sync.
    pub(crate) fn in_sync(&self, node: NodeId) -> Vec<&'a PartitionView> {
        match &self.in_sync {
            Some(all) => all.get(&node).cloned().unwrap_or_default(),
            None => self.kafka.partitions.iter().filter(|it| it.in_sync.contains(&node)).collect(),
        }
    }

    /// The same for the first of `nodes`, and for some more if they come with it in one pass.
    fn in_sync_ahead(&self, nodes: &[NodeId]) -> BTreeMap<NodeId, Vec<&'a PartitionView>> {
        if self.in_sync.is_some() {
            return nodes.first().map(|it| (*it, self.in_sync(*it))).into_iter().collect();
        }
        let nodes = &nodes[..nodes.len().min(AHEAD)];
        let mut each = vec![Vec::new(); nodes.len()];
        for partition in &self.kafka.partitions {
            for replica in &partition.in_sync {
                if let Some(at) = nodes.iter().position(|it| it == replica) {
                    each[at].push(partition);
                }
            }
        }
        nodes.iter().copied().zip(each).collect()
    }
}
