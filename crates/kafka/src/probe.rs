//! A client that writes single records, to see what a producer sees of a cluster.
//!
//! It does what Kafka's own producers do and no more: it keeps one connection to a leader, notices a
//! broker that is gone or silent, looks up who leads now, and tries again until its deadline. It is
//! not idempotent: a record of a probe may be there twice, and only its acknowledgement counts.

mod leader;
mod record;

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::protocol::Request;
use model::{Timestamp, TopicName};
use tokio::time::{Instant, sleep};

use crate::call::is_absence;
use crate::codes::write_goes_on_after;
use crate::config::AdminConfig;
use crate::error::KafkaError;
use crate::probe::leader::Leader;
use crate::routing::{Router, lock};

/// How long one broker may take to be connected to, and again to answer: 1 s. Long for a broker that
/// works, and all that one which does not can hide of the moment when another took over.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long to wait before the next attempt: 20 ms, each time twice as long, up to 100 ms
/// (`retry.backoff.ms` of Kafka's producer), so that a gap is measured to within a tenth of a second.
fn pauses() -> impl Iterator<Item = Duration> {
    let longer = |it: &Duration| Some((*it * 2).min(Duration::from_millis(100)));
    std::iter::successors(Some(Duration::from_millis(20)), longer)
}

/// A producer of single records. Writes at the same time share its connections, one to each broker.
///
/// Made of a configuration and never of an [`Admin`](crate::Admin): connections that admin calls hold
/// open or have just repaired would hide what a client goes through, and those calls wait for a
/// silent broker longer than a probe may.
#[derive(Debug)]
pub struct Probe {
    router: Router,
    patience: Duration,
    leaders: Mutex<HashMap<(TopicName, i32), Leader>>,
    /// The addresses that did not answer when they were asked last.
    absent: Mutex<HashSet<String>>,
    /// How often a leader was looked up.
    searches: AtomicUsize,
}

/// A record that all in-sync replicas have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it is in its partition.
    pub offset: i64,
}

impl Probe {
    /// A probe that has not connected yet. No I/O.
    ///
    /// One broker has [`AdminConfig::timeout`], but never more than a second, to be connected to, and
    /// again to answer. A write as a whole has its own deadline.
    pub fn new(config: AdminConfig) -> Self {
        let patience = config.timeout.min(PATIENCE);
        // So that a connection whose broker is silent for half as long again is given up.
        let router = Router::new(AdminConfig { timeout: patience, ..config });
        Self {
            router,
            patience,
            leaders: Mutex::default(),
            absent: Mutex::default(),
            searches: AtomicUsize::new(0),
        }
    }

    /// Writes one record without a key and waits until all in-sync replicas have it.
    ///
    /// Goes on after what passes (no leader, too few replicas, a broker that is gone or silent) until
    /// `deadline` from now, and then fails with the last reason. What a producer does not repeat
    /// either, above all a refused login and a missing permission, is an error at once.
    ///
    /// A failed record may still be there, and a record may be there more than once.
    pub async fn write(
        &self,
        topic: &TopicName,
        partition: i32,
        payload: &[u8],
        deadline: Duration,
    ) -> Result<Written, KafkaError> {
        let deadline = Instant::now() + deadline;
        let at = (topic.clone(), partition);
        let batch = record::batch(payload, Timestamp::now())?;
        let mut pauses = pauses();
        // What Kafka said to the attempt before.
        let mut said = None;
        loop {
            let error = match self.attempt(&at, &batch, deadline).await {
                Ok(written) => return Ok(written),
                Err(error) => error,
            };
            let pause = pauses.next().filter(|it| Instant::now() + *it < deadline);
            match pause {
                Some(pause) if goes_on_after(&error) => {
                    tracing::debug!(%error, %topic, partition, "writing the record again");
                    said = error.code().is_some().then_some(error);
                    sleep(pause).await;
                }
                // An attempt that the deadline has cut off says less than the one before.
                _ if is_absence(&error) => return Err(said.unwrap_or(error)),
                _ => return Err(error),
            }
        }
    }

    /// Writes at who is known to lead, or looks that up first. After a failure it is not known, if
    /// the broker that refused did not name another.
    async fn attempt(
        &self,
        at: &(TopicName, i32),
        batch: &Bytes,
        deadline: Instant,
    ) -> Result<Written, KafkaError> {
        let known = lock(&self.leaders).get(at).cloned();
        let leader = match known {
            Some(leader) => leader,
            None => self.find_leader(at, deadline).await?,
        };
        let request = record::produce(&leader, at.1, batch, self.answer_by(deadline));
        let answer = self.ask(&leader.address, &request, deadline).await;
        let (outcome, next) = match answer {
            Ok(answer) => record::outcome(&leader, &answer),
            Err(error) => (Err(error), None),
        };
        let mut leaders = lock(&self.leaders);
        match if outcome.is_ok() { Some(leader) } else { next } {
            Some(leader) => leaders.insert(at.clone(), leader),
            None => leaders.remove(at),
        };
        outcome
    }

    /// Asks one broker once, in the newest version that both know. Kafka 4.0, the oldest that could be
    /// there, has all that is used here in its newest.
    async fn ask<R: Request>(
        &self,
        address: &str,
        request: &R,
        deadline: Instant,
    ) -> Result<R::Response, KafkaError> {
        let asking = async {
            let connection = self.router.connection(address, self.answer_by(deadline)).await?;
            Ok(connection.call(request, 0, self.answer_by(deadline)).await?)
        };
        let answer = asking.await;
        let mut absent = lock(&self.absent);
        match &answer {
            Err(error) if is_absence(error) => absent.insert(address.to_owned()),
            _ => absent.remove(address),
        };
        answer
    }

    /// Until when a broker that is asked now is waited for.
    fn answer_by(&self, deadline: Instant) -> Instant {
        deadline.min(Instant::now() + self.patience)
    }
}

/// Whether the next attempt may succeed.
fn goes_on_after(error: &KafkaError) -> bool {
    is_absence(error) || error.code().is_some_and(write_goes_on_after)
}
