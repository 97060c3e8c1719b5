//! Records that were read from Kafka and not handed out yet, and how far handing out has come.
//!
//! **Invariant:** a record leaves by being handed out, or because its partition was taken away.
//! A position never passes a record that was not handed out.

mod seeking;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rdkafka::error::KafkaError;
use tokio::sync::Notify;

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
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
    /// In their order; `None` if there are none.
    pub(crate) headers: Option<Box<[RecordHeader]>>,
}

/// Key and value of a header.
pub(crate) type RecordHeader = (Box<str>, Option<Box<[u8]>>);

impl Record {
    pub(crate) fn size(&self) -> usize {
        let length = |it: &Option<Bytes>| it.as_ref().map_or(0, Bytes::len);
        length(&self.key) + length(&self.value)
    }

    fn place(&self) -> Place {
        (Arc::clone(&self.topic), self.partition)
    }

    /// Whether `next` is of the same partition.
    fn is_beside(&self, next: &Self) -> bool {
        self.partition == next.partition && self.topic == next.topic
    }
}

/// The shelf of one live consumer.
#[derive(Default)]
pub(crate) struct Shelf {
    stock: Mutex<Stock>,
    /// Whether librdkafka was told to fetch nothing for now.
    paused: AtomicBool,
    /// Notified when there is something to see for who waits for records. One waiter.
    changed: Notify,
    /// Notified when records were taken. One waiter.
    emptied: Notify,
}

#[derive(Default)]
struct Stock {
    waiting: VecDeque<Record>,
    bytes: usize,
    topics: HashSet<Arc<str>>,
    assigned: HashSet<Place>,
    positions: Positions,
    /// Where handing out began in partitions without a position.
    begun: Positions,
    /// The end of partitions that nothing has come from.
    marked: Positions,
    /// The last error that the consumer met, if nothing came after it.
    trouble: Option<KafkaError>,
    /// Where partitions go on that are assigned for the first time.
    kept: Positions,
    /// Positions that librdkafka has not been told for its automatic commit.
    unstored: Positions,
    rebalances: u64,
    seeks: u64,
    /// The last of those seeks that moved a partition.
    sought: HashMap<Place, u64>,
}

impl Shelf {
    /// An empty shelf whose partitions go on at `kept`, where it says so.
    pub(crate) fn going_on(kept: Positions) -> Self {
        let stock = Stock { kept, ..Stock::default() };
        Self { stock: Mutex::new(stock), ..Self::default() }
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

    /// How often partitions came and went.
    pub(crate) fn rebalances(&self) -> u64 {
        locked(&self.stock).rebalances
    }

    /// Puts records behind those that are there, if they were read under the assignment that is in
    /// force. Others come again, to us or to another.
    pub(crate) fn push(&self, records: Vec<Record>, rebalances: u64) {
        let mut stock = locked(&self.stock);
        if records.is_empty() || stock.rebalances != rebalances {
            return;
        }
        stock.bytes += records.iter().map(Record::size).sum::<usize>();
        stock.waiting.extend(records);
        stock.trouble = None;
        drop(stock);
        self.changed.notify_one();
    }

    /// Keeps an error for whoever asks for records next.
    pub(crate) fn note(&self, error: KafkaError) {
        locked(&self.stock).trouble = Some(error);
        self.changed.notify_one();
    }

    pub(crate) fn take_trouble(&self) -> Option<KafkaError> {
        locked(&self.stock).trouble.take()
    }

    /// Completes when there may be records or an error that were not there before.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Completes when records were taken.
    pub(crate) async fn emptied(&self) {
        self.emptied.notified().await;
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
        for run in records.chunk_by(Record::is_beside) {
            let Stock { begun, positions, .. } = &mut *stock;
            let place = run[0].place();
            if !positions.contains_key(&place) {
                begun.entry(place).or_insert(run[0].offset);
            }
        }
        self.emptied.notify_one();
        let (rebalances, seeks) = (stock.rebalances, stock.seeks);
        Handout { shelf: Arc::clone(self), records, rebalances, seeks }
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
        stock.trouble = None;
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
            stock.begun.remove(&place);
            stock.marked.remove(&place);
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
        let stock = locked(&self.stock);
        for (place, offset) in &stock.begun {
            // On its way to its owner, and not known to have arrived.
            positions.entry(place.clone()).or_insert(*offset);
        }
        for record in &stock.waiting {
            positions.entry(record.place()).or_insert(record.offset);
        }
        for (place, end) in &stock.marked {
            positions.entry(place.clone()).or_insert(*end);
        }
        positions
    }

    /// Partitions of which it is not known where to go on.
    pub(crate) fn unmarked(&self) -> Vec<Place> {
        let stock = locked(&self.stock);
        let known = |it: &Place| {
            let maps = [&stock.positions, &stock.begun, &stock.marked, &stock.kept];
            maps.iter().any(|map| map.contains_key(it))
        };
        stock.assigned.iter().filter(|it| !known(it)).cloned().collect()
    }

    /// Nothing has come from this partition, and its end is here.
    pub(crate) fn mark(&self, place: Place, end: i64) {
        let mut stock = locked(&self.stock);
        if stock.assigned.contains(&place) {
            stock.marked.entry(place).or_insert(end);
        }
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

    fn delivered(&self, records: &[Record], rebalances: u64, seeks: u64) {
        let mut stock = locked(&self.stock);
        for record in records.chunk_by(Record::is_beside).filter_map(<[Record]>::last) {
            let place = record.place();
            if stock.has_sought(&place, seeks) {
                continue;
            }
            if stock.rebalances == rebalances || stock.assigned.contains(&place) {
                stock.positions.insert(place.clone(), record.offset + 1);
                stock.unstored.insert(place, record.offset + 1);
            }
        }
    }

    fn put_back(&self, records: Vec<Record>, rebalances: u64, seeks: u64) {
        let mut stock = locked(&self.stock);
        // After a rebalance they come from Kafka again, to us or to another.
        if stock.rebalances == rebalances {
            for record in records.into_iter().rev() {
                if stock.has_sought(&record.place(), seeks) {
                    continue;
                }
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
    seeks: u64,
}

impl Handout {
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Gives back all but the first `count`.
    pub(crate) fn keep(&mut self, count: usize) {
        let rest = self.records.split_off(count.min(self.records.len()));
        self.shelf.put_back(rest, self.rebalances, self.seeks);
    }

    /// They are in the hands of the connection.
    pub(crate) fn delivered(mut self) {
        let records = std::mem::take(&mut self.records);
        self.shelf.delivered(&records, self.rebalances, self.seeks);
    }
}

impl Drop for Handout {
    fn drop(&mut self) {
        let records = std::mem::take(&mut self.records);
        if !records.is_empty() {
            self.shelf.put_back(records, self.rebalances, self.seeks);
        }
    }
}

#[cfg(test)]
mod tests;
