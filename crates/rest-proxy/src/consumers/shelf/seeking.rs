//! Positions that the owner sets, and partitions that it takes without a group.

use std::collections::HashSet;

use super::{Place, Positions, Record, Shelf, Stock};
use crate::shared::locked;

impl Shelf {
    /// Goes on at `targets`. What waits of those partitions is dropped, and what is on its way out
    /// changes their positions no more. For who keeps the shelf filled.
    pub(crate) fn seek(&self, targets: &Positions) {
        let mut stock = locked(&self.stock);
        stock.seeks += 1;
        let seeks = stock.seeks;
        for (place, &at) in targets {
            stock.sought.insert(place.clone(), seeks);
            stock.begun.remove(place);
            if stock.assigned.contains(place) {
                stock.positions.insert(place.clone(), at);
                stock.unstored.insert(place.clone(), at);
            } else {
                stock.kept.insert(place.clone(), at);
            }
        }
        stock.waiting.retain(|it| !targets.contains_key(&it.place()));
        stock.bytes = stock.waiting.iter().map(Record::size).sum();
        drop(stock);
        self.emptied.notify_one();
    }

    /// The owner takes exactly `places`: where each has to start, if not where Kafka says. Those
    /// that it had before go on where they were.
    pub(crate) fn reassign(&self, places: &[Place]) -> Positions {
        let mut resume = self.resume_at();
        let wanted: HashSet<&Place> = places.iter().collect();
        resume.retain(|place, _| wanted.contains(place));
        {
            let mut stock = locked(&self.stock);
            stock.rebalances += 1;
            stock.assigned.clear();
            stock.positions.clear();
            stock.begun.clear();
            stock.unstored.clear();
            stock.waiting.clear();
            stock.bytes = 0;
            stock.kept = resume;
        }
        self.emptied.notify_one();
        self.assign(places.iter().cloned())
    }

    /// Whether partitions were assigned at all since there is this consumer.
    pub(crate) fn has_joined(&self) -> bool {
        self.rebalances() > 0
    }
}

impl Stock {
    /// Whether the partition was moved after `seeks`.
    pub(super) fn has_sought(&self, place: &Place, seeks: u64) -> bool {
        self.sought.get(place).is_some_and(|it| *it > seeks)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn place(partition: i32) -> Place {
        ("t".into(), partition)
    }

    /// Partitions 0 and 1, with the offsets 0 to 2 of each.
    fn shelf() -> Arc<Shelf> {
        let shelf = Arc::new(Shelf::default());
        shelf.assign([place(0), place(1)]);
        let record = |partition, offset| Record {
            topic: "t".into(),
            partition,
            offset,
            timestamp: None,
            key: None,
            value: Some(vec![0; 10].into()),
            headers: None,
        };
        let records = (0..3).flat_map(|offset| [record(0, offset), record(1, offset)]);
        shelf.push(records.collect(), shelf.rebalances());
        shelf
    }

    fn offsets(shelf: &Arc<Shelf>) -> Vec<(i32, i64)> {
        shelf.take(1000).records().iter().map(|it| (it.partition, it.offset)).collect()
    }

    #[test]
    fn a_seek_drops_what_waits_of_its_partition_only() {
        let shelf = shelf();
        shelf.seek(&Positions::from([(place(0), 9)]));
        assert_eq!(offsets(&shelf), [(1, 0), (1, 1), (1, 2)]);
        assert_eq!((shelf.bytes(), shelf.positions()), (30, Positions::from([(place(0), 9)])));
        assert_eq!(shelf.take_unstored(), Positions::from([(place(0), 9)]));
        assert_eq!(shelf.resume_at()[&place(0)], 9, "also for the next consumer");
    }

    #[test]
    fn records_on_their_way_out_do_not_undo_a_later_seek() {
        let shelf = shelf();
        let (delivered, dropped) = (shelf.take(40), shelf.take(1000));
        shelf.seek(&Positions::from([(place(0), 9)]));
        delivered.delivered();
        assert_eq!(shelf.positions(), Positions::from([(place(0), 9), (place(1), 2)]));
        drop(dropped);
        assert_eq!(offsets(&shelf), [(1, 2)]);
        let after = shelf.take(1000);
        after.delivered();
        assert_eq!(shelf.positions()[&place(1)], 3);
    }

    #[test]
    fn a_position_set_before_the_group_answers_is_where_it_starts() {
        let shelf = Shelf::default();
        assert!(!shelf.has_joined());
        shelf.seek(&Positions::from([(place(0), 9)]));
        assert_eq!(shelf.assign([place(0)]), Positions::from([(place(0), 9)]));
        assert!(shelf.has_joined());
    }

    #[test]
    fn partitions_that_are_taken_again_go_on() {
        let shelf = shelf();
        shelf.take(40).delivered();
        assert_eq!(shelf.reassign(&[place(1), place(2)]), Positions::from([(place(1), 2)]));
        assert!(shelf.is_empty() && shelf.bytes() == 0);
        assert_eq!(shelf.positions(), Positions::from([(place(1), 2)]));
    }
}
