//! Where replicas shall be when nodes join a service or leave it.

use std::collections::{BTreeMap, BTreeSet};

use model::NodeId;

use crate::{NewReplicas, PartitionView};

/// The nodes that may have replicas, with the rack of each.
pub type Places = BTreeMap<NodeId, String>;

/// The partitions that have to get other replicas so that none is outside `places`, each place has
/// about as many replicas as any other, and leads about as many partitions. As few replicas move as
/// that takes; a partition keeps as many as it has, on different nodes, and on as many racks.
///
/// Nothing is moved for a partition that has more replicas than there are places.
pub fn spread(partitions: &[PartitionView], places: &Places) -> Vec<NewReplicas> {
    let mut plan = Plan::new(partitions, places);
    plan.evacuate();
    plan.level();
    plan.level_leaders();
    plan.changes(partitions)
}

/// Replicas as they shall be, and how many each place has.
struct Plan<'a> {
    places: &'a Places,
    replicas: Vec<Vec<NodeId>>,
    load: BTreeMap<NodeId, usize>,
    leads: BTreeMap<NodeId, usize>,
}

impl<'a> Plan<'a> {
    fn new(partitions: &[PartitionView], places: &'a Places) -> Self {
        let none: BTreeMap<NodeId, usize> = places.keys().map(|id| (*id, 0)).collect();
        let replicas: Vec<Vec<NodeId>> = partitions.iter().map(|it| it.replicas.clone()).collect();
        let mut plan = Self { places, replicas, load: none.clone(), leads: none };
        for replicas in &plan.replicas {
            for (position, node) in replicas.iter().enumerate() {
                if let Some(load) = plan.load.get_mut(node) {
                    *load += 1;
                }
                if let Some(leads) = plan.leads.get_mut(node).filter(|_| position == 0) {
                    *leads += 1;
                }
            }
        }
        plan
    }

    /// Moves what is outside of all places.
    fn evacuate(&mut self) {
        for partition in 0..self.replicas.len() {
            for position in 0..self.replicas[partition].len() {
                let from = self.replicas[partition][position];
                if !self.places.contains_key(&from)
                    && let Some(to) = self.best_place(partition, from)
                {
                    self.shift(partition, position, to);
                }
            }
        }
    }

    /// Moves replicas from places with more to places with less, while that levels them. Racks may
    /// keep the fullest place from giving to the emptiest, so every pair is tried.
    fn level(&mut self) {
        while let Some((partition, from, to)) = self.next_move() {
            let position = self.replicas[partition].iter().position(|it| *it == from);
            let Some(position) = position else { return };
            self.shift(partition, position, to);
        }
    }

    /// The move that levels most: which partition, from where, to where.
    fn next_move(&self) -> Option<(usize, NodeId, NodeId)> {
        let mut by_load: Vec<(usize, NodeId)> =
            self.load.iter().map(|(id, load)| (*load, *id)).collect();
        by_load.sort_unstable();
        by_load.iter().rev().find_map(|(high, from)| {
            let lower = by_load.iter().take_while(|(low, _)| low + 1 < *high);
            lower.into_iter().find_map(|(_, to)| Some((self.movable(*from, *to)?, *from, *to)))
        })
    }

    /// A partition whose replica on `from` may go to `to` without fewer racks.
    fn movable(&self, from: NodeId, to: NodeId) -> Option<usize> {
        self.replicas.iter().position(|replicas| {
            replicas.contains(&from)
                && !replicas.contains(&to)
                && self.racks(replicas, Some((from, to))) >= self.racks(replicas, None)
        })
    }

    /// Lets another replica be the first where that levels the leaderships. No data moves.
    fn level_leaders(&mut self) {
        for _ in 0..self.replicas.len() {
            let mut changed = false;
            for partition in 0..self.replicas.len() {
                let replicas = &self.replicas[partition];
                let Some(&first) = replicas.first() else { continue };
                let leads = |id: &NodeId| self.leads.get(id).copied().unwrap_or(usize::MAX);
                let least = replicas.iter().copied().min_by_key(|id| (leads(id), *id));
                let Some(least) = least.filter(|it| leads(it) + 1 < leads(&first)) else {
                    continue;
                };
                let Some(position) = replicas.iter().position(|it| *it == least) else { continue };
                self.replicas[partition].swap(0, position);
                *self.leads.entry(first).or_default() -= 1;
                *self.leads.entry(least).or_default() += 1;
                changed = true;
            }
            if !changed {
                return;
            }
        }
    }

    /// The place with the fewest replicas, of a rack that the partition does not have yet if there
    /// is one.
    fn best_place(&self, partition: usize, from: NodeId) -> Option<NodeId> {
        let replicas = &self.replicas[partition];
        let free = self.load.iter().filter(|(id, _)| !replicas.contains(id));
        let racks = |to: NodeId| self.racks(replicas, Some((from, to)));
        free.min_by_key(|(id, load)| (std::cmp::Reverse(racks(**id)), **load, **id)).map(|it| *it.0)
    }

    /// How many racks the replicas are on, with one of them replaced.
    fn racks(&self, replicas: &[NodeId], replaced: Option<(NodeId, NodeId)>) -> usize {
        let now = replicas.iter().map(|it| match replaced {
            Some((from, to)) if *it == from => to,
            _ => *it,
        });
        now.filter_map(|it| self.places.get(&it)).collect::<BTreeSet<_>>().len()
    }

    fn shift(&mut self, partition: usize, position: usize, to: NodeId) {
        let from = std::mem::replace(&mut self.replicas[partition][position], to);
        let counts = [Some(&mut self.load), Some(&mut self.leads).filter(|_| position == 0)];
        for count in counts.into_iter().flatten() {
            if let Some(count) = count.get_mut(&from) {
                *count -= 1;
            }
            *count.entry(to).or_default() += 1;
        }
    }

    fn changes(self, partitions: &[PartitionView]) -> Vec<NewReplicas> {
        let pairs = partitions.iter().zip(self.replicas);
        let changed = pairs.filter(|(partition, to)| partition.replicas != *to);
        changed
            .map(|(partition, to)| NewReplicas {
                partition: partition.id(),
                from: partition.replicas.clone(),
                to,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn partition(index: usize, replicas: &[i32]) -> PartitionView {
        PartitionView {
            topic: "orders".into(),
            index: i32::try_from(index).unwrap(),
            leader: replicas.first().copied().map(NodeId),
            replicas: replicas.iter().copied().map(NodeId).collect(),
            in_sync: replicas.iter().copied().map(NodeId).collect(),
            min_in_sync: 2,
        }
    }

    fn places(ids: std::ops::RangeInclusive<i32>, racks: i32) -> Places {
        ids.map(|id| (NodeId(id), (id % racks).to_string())).collect()
    }

    fn apply(partitions: &[PartitionView], changes: &[NewReplicas]) -> Vec<PartitionView> {
        let mut after = partitions.to_vec();
        for change in changes {
            let found = after.iter_mut().find(|it| it.id() == change.partition).unwrap();
            assert_eq!(found.replicas, change.from);
            found.replicas.clone_from(&change.to);
        }
        after
    }

    #[test]
    fn a_new_node_gets_its_share_and_nothing_else_moves() {
        let before: Vec<_> = (0..6).map(|it| partition(it, &[1, 2, 3])).collect();
        let changes = spread(&before, &places(1..=4, 4));
        let after = apply(&before, &changes);
        let on = |id| after.iter().filter(|it| it.replicas.contains(&NodeId(id))).count();
        assert_eq!([1, 2, 3, 4].map(on), [5, 5, 4, 4].map(|it: usize| it), "{after:?}");
    }

    #[test]
    fn a_new_node_relieves_the_one_of_its_rack_if_racks_allow_no_other() {
        let before: Vec<_> = (0..6).map(|it| partition(it, &[1, 2, 3])).collect();
        let after = apply(&before, &spread(&before, &places(1..=4, 3)));
        let on = |id| after.iter().filter(|it| it.replicas.contains(&NodeId(id))).count();
        assert_eq!([1, 2, 3, 4].map(on), [3, 6, 6, 3], "{after:?}");
    }

    #[test]
    fn what_cannot_be_placed_stays() {
        let before = [partition(0, &[1, 2, 3])];
        assert_eq!(spread(&before, &places(1..=2, 2)), []);
    }

    proptest! {
        #[test]
        fn every_replica_is_in_a_place_and_all_is_level_and_stays_so(
            leaving in 0..3_i32,
            joining in 0..4_i32,
            racks in 1..4_i32,
            rows in prop::collection::vec((1..=3_usize, 0..100_i32), 0..40),
        ) {
            let nodes = 5;
            let partitions: Vec<PartitionView> = rows.iter().enumerate().map(|(index, (n, from))| {
                let n = i32::try_from(*n).unwrap();
                let replicas: Vec<i32> = (0..n).map(|it| 1 + (from + it) % nodes).collect();
                partition(index, &replicas)
            }).collect();
            let places = places(1 + leaving..=nodes + joining, racks);
            let after = apply(&partitions, &spread(&partitions, &places));
            let mut load: BTreeMap<NodeId, usize> = places.keys().map(|it| (*it, 0)).collect();
            for (before, after) in partitions.iter().zip(&after) {
                prop_assert_eq!(before.replicas.len(), after.replicas.len());
                let distinct: BTreeSet<_> = after.replicas.iter().collect();
                prop_assert_eq!(distinct.len(), after.replicas.len());
                for replica in &after.replicas {
                    *load.get_mut(replica).expect("it is a place") += 1;
                }
            }
            // Racks may keep it from being quite level, and with one rack for all nothing does.
            if racks == 1 && places.len() > 3 {
                let (least, most) = (load.values().min(), load.values().max());
                prop_assert!(most.unwrap() - least.unwrap() <= 1, "{load:?}");
            }
            prop_assert_eq!(spread(&after, &places), [], "what is spread stays");
        }
    }
}
