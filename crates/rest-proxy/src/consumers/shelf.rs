//! Records that were read from Kafka and not handed out yet, and how far handing out has come.
//!
//! **Invariant:** a record leaves by being handed out, or because its partition was taken away.
//! A position never passes a record that was not handed out.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::shared::locked;

/// A partition of a topic.
pub(crate) type Place = (Arc<str>, i32);
/// The next offset to hand out, for each partition.
pub(crate) type Positions = HashMap<Place, i64>;

/// A record as it came from Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp: Option<i64>,
    pub(crate) key: Option<Box<[u8]>>,
    pub(crate) value: Option<Box<[u8]>>,
}

impl Record {
    pub(crate) fn size(&self) -> usize {
        let length = |it: &Option<Box<[u8]>>| it.as_ref().map_or(0, |it| it.len());
        length(&self.key) + length(&self.value)
    }

    fn place(&self) -> Place {
        (Arc::clone(&self.topic), self.partition)
    }
}

/// The shelf of one live consumer.
#[derive(Default)]
pub(crate) struct Shelf {
    stock: Mutex<Stock>,
    /// Whether librdkafka was told to fetch nothing for now.
    paused: AtomicBool,
}

#[derive(Default)]
struct Stock {
    waiting: VecDeque<Record>,
    bytes: usize,
    topics: HashSet<Arc<str>>,
    assigned: HashSet<Place>,
    positions: Positions,
    /// Where partitions go on that are assigned for the first time.
    kept: Positions,
    /// Positions that librdkafka has not been told for its automatic commit.
    unstored: Positions,
    rebalances: u64,
}

impl Shelf {
    /// An empty shelf whose partitions go on at `kept`, where it says so.
    pub(crate) fn going_on(kept: Positions) -> Self {
        let stock = Stock { kept, ..Stock::default() };
        Self { stock: Mutex::new(stock), paused: AtomicBool::new(false) }
    }

    /// The shared text of a topic's name.
    pub(crate) fn topic(&self, name: &str) -> Arc<str> {
        let mut stock = locked(&self.stock);
        if let Some(topic) = stock.topics.get(name) {
            return Arc::clone(topic);
        }
        let topic: Arc<str> = name.into();
        stock.topics.insert(Arc::clone(&topic));
        topic
    }

    pub(crate) fn push(&self, record: Record) {
        let mut stock = locked(&self.stock);
        stock.bytes += record.size();
        stock.waiting.push_back(record);
    }

    /// Bytes of keys and values that wait.
    pub(crate) fn bytes(&self) -> usize {
        locked(&self.stock).bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        locked(&self.stock).waiting.is_empty()
    }

    /// Takes records of at most `max_bytes` together, but at least one if there is any.
    pub(crate) fn take(self: &Arc<Self>, max_bytes: usize) -> Handout {
        let mut stock = locked(&self.stock);
        let mut size = 0;
        let mut records = Vec::new();
        while let Some(record) = stock.waiting.front() {
            size += record.size();
            if size > max_bytes && !records.is_empty() {
                break;
            }
            stock.bytes -= record.size();
            records.extend(stock.waiting.pop_front());
        }
        Handout { shelf: Arc::clone(self), records, rebalances: stock.rebalances }
    }

    /// The group gave us partitions: where each has to start, if not where Kafka says.
    pub(crate) fn assign(&self, places: impl IntoIterator<Item = Place>) -> Positions {
        let mut stock = locked(&self.stock);
        stock.rebalances += 1;
        let mut starts = Positions::new();
        for place in places {
            if let Some(position) = stock.kept.remove(&place) {
                stock.positions.insert(place.clone(), position);
                starts.insert(place.clone(), position);
            }
            stock.assigned.insert(place);
        }
        self.paused.store(false, Ordering::Release);
        starts
    }

    /// The group took partitions away: somebody else goes on from what was committed.
    pub(crate) fn revoke(&self, places: impl IntoIterator<Item = Place>) {
        let mut stock = locked(&self.stock);
        stock.rebalances += 1;
        for place in places {
            stock.assigned.remove(&place);
            stock.positions.remove(&place);
            stock.unstored.remove(&place);
        }
        let Stock { waiting, assigned, .. } = &mut *stock;
        waiting.retain(|it| assigned.contains(&it.place()));
        stock.bytes = stock.waiting.iter().map(Record::size).sum();
    }

    /// How far handing out has come.
    pub(crate) fn positions(&self) -> Positions {
        let stock = locked(&self.stock);
        let mut positions = stock.kept.clone();
        positions.extend(stock.positions.iter().map(|(place, at)| (place.clone(), *at)));
        positions
    }

    /// Where another consumer has to go on to miss nothing and repeat nothing.
    pub(crate) fn resume_at(&self) -> Positions {
        let mut positions = self.positions();
        for record in &locked(&self.stock).waiting {
            positions.entry(record.place()).or_insert(record.offset);
        }
        positions
    }

    /// The positions that changed since this was asked last.
    pub(crate) fn take_unstored(&self) -> Positions {
        std::mem::take(&mut locked(&self.stock).unstored)
    }

    pub(crate) fn assigned(&self) -> Vec<Place> {
        locked(&self.stock).assigned.iter().cloned().collect()
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    pub(crate) fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
    }

    fn delivered(&self, records: &[Record], rebalances: u64) {
        let mut stock = locked(&self.stock);
        for record in records {
            let place = record.place();
            if stock.rebalances == rebalances || stock.assigned.contains(&place) {
                stock.positions.insert(place.clone(), record.offset + 1);
                stock.unstored.insert(place, record.offset + 1);
            }
        }
    }

    fn put_back(&self, records: Vec<Record>, rebalances: u64) {
        let mut stock = locked(&self.stock);
        // After a rebalance they come from Kafka again, to us or to another.
        if stock.rebalances == rebalances {
            for record in records.into_iter().rev() {
                stock.bytes += record.size();
                stock.waiting.push_front(record);
            }
        }
    }
}

/// Records on their way out. Dropped before they were delivered, they go back.
pub(crate) struct Handout {
    shelf: Arc<Shelf>,
    records: Vec<Record>,
    rebalances: u64,
}

impl Handout {
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Gives back all but the first `count`.
    pub(crate) fn keep(&mut self, count: usize) {
        let rest = self.records.split_off(count.min(self.records.len()));
        self.shelf.put_back(rest, self.rebalances);
    }

    /// They are in the hands of the connection.
    pub(crate) fn delivered(mut self) {
        let records = std::mem::take(&mut self.records);
        self.shelf.delivered(&records, self.rebalances);
    }
}

impl Drop for Handout {
    fn drop(&mut self) {
        let records = std::mem::take(&mut self.records);
        if !records.is_empty() {
            self.shelf.put_back(records, self.rebalances);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(offsets: std::ops::Range<i64>) -> Arc<Shelf> {
        let shelf = Arc::new(Shelf::default());
        let topic = shelf.topic("t");
        assert!(shelf.assign([(Arc::clone(&topic), 0)]).is_empty());
        for offset in offsets {
            let value = Some(vec![0; 10].into());
            let topic = Arc::clone(&topic);
            shelf.push(Record { topic, partition: 0, offset, timestamp: None, key: None, value });
        }
        shelf
    }

    fn offsets(handout: &Handout) -> Vec<i64> {
        handout.records().iter().map(|it| it.offset).collect()
    }

    fn place() -> Place {
        ("t".into(), 0)
    }

    #[test]
    fn what_exceeds_max_bytes_is_handed_out_next_time() {
        let shelf = shelf(0..5);
        let first = shelf.take(25);
        assert_eq!(offsets(&first), [0, 1]);
        first.delivered();
        assert_eq!(offsets(&shelf.take(1)), [2], "at least one");
        assert_eq!(shelf.positions(), Positions::from([(place(), 2)]), "the last one went back");
        assert_eq!(offsets(&shelf.take(1000)), [2, 3, 4]);
        assert_eq!(shelf.bytes(), 30);
    }

    #[test]
    fn what_was_not_delivered_goes_back_in_order() {
        let shelf = shelf(0..4);
        drop(shelf.take(1000));
        let mut handout = shelf.take(1000);
        handout.keep(3);
        handout.delivered();
        assert_eq!(offsets(&shelf.take(1000)), [3]);
        assert_eq!(shelf.take_unstored(), Positions::from([(place(), 3)]));
        assert!(shelf.take_unstored().is_empty());
    }

    #[test]
    fn records_of_a_lost_partition_are_not_handed_out() {
        let shelf = shelf(0..4);
        let on_its_way = shelf.take(10);
        shelf.revoke([place()]);
        assert!(shelf.is_empty());
        drop(on_its_way);
        assert!(shelf.is_empty() && shelf.bytes() == 0 && shelf.positions().is_empty());
    }

    #[test]
    fn another_shelf_goes_on_where_this_one_ended() {
        let shelf = shelf(3..9);
        assert_eq!(shelf.resume_at(), Positions::from([(place(), 3)]));
        shelf.take(20).delivered();
        let next = Shelf::going_on(shelf.resume_at());
        assert_eq!(next.resume_at(), Positions::from([(place(), 5)]), "also before it has joined");
        assert_eq!(next.assign([place()]), Positions::from([(place(), 5)]));
        assert!(next.assign([place()]).is_empty(), "only the first time");
    }
}
