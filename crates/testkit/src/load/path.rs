//! One way of records to Kafka and back: what its tasks share.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::clients::{Access, Books, LoadError};
use super::clock::Clock;
use super::crew::blocking;
use super::ledger::Ledger;

/// How long what is under way may take to arrive at the end: after an outage a group takes its time.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often to look whether something has come about.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How many take part, and how much they send.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// Records a second, of all producers together.
    pub rate: u32,
    /// How many producers.
    pub producers: usize,
    /// How many consumers, all in one group.
    pub consumers: usize,
}

/// What the tasks of a path share.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// Marks its records, and names its consumer group.
    pub(super) name: Arc<str>,
    pub(super) access: Access,
    pub(super) crowd: Crowd,
    pub(super) partitions: usize,
    pub(super) books: Books,
}

impl Path {
    /// Makes the group begin where its topic ends now.
    pub(super) async fn open(
        name: String,
        access: Access,
        crowd: Crowd,
        clock: Clock,
    ) -> Result<Self, LoadError> {
        let (asked, group) = (access.clone(), name.clone());
        let partitions = blocking(move || asked.begin_at_the_end(&group)).await?;
        let books = Books::open(clock, crowd.producers, partitions);
        Ok(Self { name: name.into(), access, crowd, partitions, books })
    }

    /// How much time lies between two records of one of `lanes` that share the rate.
    pub(super) fn every(&self, lanes: usize) -> Duration {
        let lanes = u32::try_from(lanes).unwrap_or(u32::MAX);
        Duration::from_secs(1) * lanes / self.crowd.rate
    }

    pub(super) fn say_progress(&self) {
        let totals = self.books.ledger().totals().clone();
        info!(
            topic = self.access.topic,
            seconds = self.books.now().as_secs(),
            sent = totals.sent,
            acked = totals.acked,
            failed = totals.failed,
            consumed = totals.consumed,
            "progress"
        );
    }

    /// Waits until every record has its answer and every acknowledged one was read, or long enough.
    pub(super) async fn drain(&self) {
        let settled = |of: fn(&Ledger) -> u64| async move {
            while of(&self.books.ledger()) > 0 {
                sleep(LOOK_EVERY).await;
            }
        };
        let topic = &self.access.topic;
        if timeout(PATIENCE, settled(Ledger::unresolved)).await.is_err() {
            warn!(topic, records = self.books.ledger().unresolved(), "without an answer");
        }
        if timeout(PATIENCE, settled(Ledger::unconsumed)).await.is_err() {
            warn!(topic, records = self.books.ledger().unconsumed(), "acknowledged, and not read");
        }
        self.say_progress();
    }
}
