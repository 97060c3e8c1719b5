//! Requests whose records are handed to librdkafka together, and when it sends them.
//!
//! A request that comes while others are with the brokers waits until those are answered, or a
//! moment: then all that wait go at once. As Nagle's algorithm for TCP (RFC 896): who is alone waits
//! for nobody, and under load there are few large batches instead of many small ones. Only large
//! batches are prepared while those for another partition are under way.
//!
//! librdkafka's thread wakes up with the first record and would send what is there by then. For the
//! others it would then wait in a busy loop (`rd_kafka_toppar_producer_serve`: an idempotent producer
//! with more than five records in flight). So it is told to linger a little (see `pace`), of which it
//! only knows whole milliseconds by itself, and is woken up again after that.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::opened::Opened;
use super::pace::Pace;
use crate::librdkafka::{Batch, Part, hand_over};
use crate::shared::locked;

/// The longest that records wait for the answers to others: a partition without a leader must not
/// hold up the rest.
const LONGEST_WAIT: Duration = Duration::from_millis(10);
/// As many bytes of keys and values go at once as one batch holds (`batch.size`, a million bytes):
/// for what does not fit into it librdkafka would wait in its loop.
const BYTES_AT_ONCE: usize = 900_000;
/// What a record takes of that at least: only so many can be handed over in the millisecond after
/// which librdkafka sends by itself.
const RECORD: usize = 300;

/// The requests that wait.
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    pace: Pace,
    /// Told when there is something to hand over.
    wake: Arc<Notify>,
    /// When librdkafka has to be woken up again after it got records, if at all.
    kick_after: Option<Duration>,
}

/// When librdkafka has to be woken up, to send what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kick {
    Now,
    /// In less time than a timer knows of.
    Soon,
    /// It has nothing that it would not send by itself.
    Never,
}

#[derive(Default)]
struct Waiting {
    entries: VecDeque<Entry>,
    flights: Vec<Flight>,
    /// Since when the first waits, or librdkafka was tried last.
    since: Option<Instant>,
    /// When librdkafka has lingered long enough.
    kick_at: Option<Instant>,
}

/// Requests whose records librdkafka has, and did not report all yet.
struct Flight {
    topic: Arc<Opened>,
    /// Where they all go, if they do.
    partition: Option<i32>,
    batches: Vec<Arc<Batch>>,
}

/// The records of a request, and their topic.
pub(super) struct Entry {
    topic: Arc<Opened>,
    part: Part,
}

impl Outbox {
    pub(super) fn new(pace: Pace, wake: Arc<Notify>, kick_after: Option<Duration>) -> Self {
        Self { waiting: Mutex::default(), pace, wake, kick_after }
    }

    /// Records were handed over past the outbox.
    pub(super) fn passed(&self) {
        locked(&self.waiting).kick_after(self.kick_after);
        self.wake.notify_one();
    }

    /// What to do for the records that were handed over.
    pub(super) fn kick(&self) -> Kick {
        let mut waiting = locked(&self.waiting);
        match waiting.kick_at {
            None => Kick::Never,
            Some(at) if Instant::now() < at => Kick::Soon,
            Some(_) => {
                waiting.kick_at = None;
                Kick::Now
            }
        }
    }

    /// Puts all records of `batch` behind the others. Dropping the answer withdraws what was not
    /// handed over.
    pub(super) fn put(&self, topic: Arc<Opened>, batch: &Arc<Batch>) -> Deposit<'_> {
        let part = Part { batch: Arc::clone(batch), next: 0, end: batch.records().len() };
        let mut waiting = locked(&self.waiting);
        waiting.since.get_or_insert_with(Instant::now);
        waiting.entries.push_back(Entry { topic, part });
        drop(waiting);
        self.wake.notify_one();
        Deposit { outbox: self, batch: Arc::clone(batch) }
    }

    /// When [`Self::hand_over`] has to be called although nobody was woken.
    pub(super) fn due(&self) -> Option<Instant> {
        locked(&self.waiting).since.map(|it| it + LONGEST_WAIT)
    }

    /// Hands over what waits, if it is time.
    pub(super) fn hand_over(&self) {
        let mut waiting = locked(&self.waiting);
        waiting.flights.retain(|it| it.batches.iter().any(|it| !it.is_done()));
        let Some(since) = waiting.since else { return };
        let overdue = since.elapsed() >= LONGEST_WAIT;
        if waiting.flights.len() >= self.pace.flights() && !overdue {
            return;
        }
        let mut room = BYTES_AT_ONCE;
        while let Some(first) = waiting.entries.front() {
            let topic = Arc::clone(&first.topic);
            let unbound = first.part.batch.is_unbound();
            let busy = |partition| waiting.is_under_way(&topic, partition);
            let partition = if unbound { topic.sticky.get(busy) } else { None };
            if waiting.is_under_way(&topic, partition) && !overdue {
                break;
            }
            waiting.since = Some(Instant::now());
            waiting.kick_after(self.kick_after);
            let same = |it: &&mut Entry| {
                Arc::ptr_eq(&it.topic, &topic) && it.part.batch.is_unbound() == unbound
            };
            let fits = |it: &&mut Entry| {
                let fits = room > 0;
                room = room.saturating_sub(it.part.batch.size().max(it.part.len() * RECORD));
                fits
            };
            let together = waiting.entries.iter_mut().take_while(same).take_while(fits);
            let together: Vec<&mut Part> = together.map(|it| &mut it.part).collect();
            let requests = together.len();
            let batches = together.iter().map(|it| Arc::clone(&it.batch)).collect();
            hand_over(&topic.handle, partition, together);
            waiting.flights.push(Flight { topic, partition, batches });
            let over = waiting.entries.iter().take_while(|it| it.part.is_over()).count();
            waiting.entries.drain(..over);
            if room == 0 || over < requests {
                // The rest has its turn with the next reports: a batch, or librdkafka, is full.
                break;
            }
        }
        if waiting.entries.is_empty() {
            waiting.since = None;
        }
    }

    /// Fails everything that waits.
    pub(super) fn purge(&self) {
        let waiting = std::mem::take(&mut *locked(&self.waiting));
        waiting.entries.iter().for_each(|it| fail(&it.part, RDKafkaErrorCode::PurgeQueue));
    }
}

impl Waiting {
    /// Whether records of `topic` are under way to `partition`, or to any if it is not known.
    fn is_under_way(&self, topic: &Arc<Opened>, partition: Option<i32>) -> bool {
        self.flights.iter().any(|it| {
            let one_partition = it.partition.is_some() && partition.is_some();
            Arc::ptr_eq(&it.topic, topic) && (!one_partition || it.partition == partition)
        })
    }

    fn kick_after(&mut self, pause: Option<Duration>) {
        if let (None, Some(pause)) = (self.kick_at, pause) {
            self.kick_at = Some(Instant::now() + pause);
        }
    }
}

fn fail(part: &Part, code: RDKafkaErrorCode) {
    (part.next..part.end).for_each(|index| part.batch.fail(index, code));
}

/// A request in the outbox, or on its way from there.
pub(super) struct Deposit<'a> {
    outbox: &'a Outbox,
    batch: Arc<Batch>,
}

impl Drop for Deposit<'_> {
    fn drop(&mut self) {
        if self.batch.is_done() {
            return;
        }
        let mut waiting = locked(&self.outbox.waiting);
        let found = waiting.entries.iter().position(|it| Arc::ptr_eq(&it.part.batch, &self.batch));
        if let Some(entry) = found.and_then(|it| waiting.entries.remove(it)) {
            fail(&entry.part, RDKafkaErrorCode::QueueFull);
        }
    }
}

#[cfg(test)]
mod tests;
