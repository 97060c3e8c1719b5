//! The Kafka clients of the load. No address, topic or error that they log holds a secret.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::Secret;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext, ThreadedProducer};
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tracing::warn;

use super::clock::Clock;
use super::ledger::Ledger;
use super::report::PathReport;
use super::stamp::Stamp;

/// How long the start may take, and how long each of its calls.
const PATIENCE: Duration = Duration::from_secs(20);
const CALL: Duration = Duration::from_secs(10);
/// How long to wait before the start is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Where Kafka is, and as whom to use it.
#[derive(Clone, Debug)]
pub struct Access {
    /// `host:port,...`
    pub bootstrap: String,
    /// Such as `SASL_PLAINTEXT`.
    pub security_protocol: String,
    /// Logs in by SCRAM-SHA-256.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// A topic that exists.
    pub topic: String,
}

/// Why a load could not be run at all. What happens to records is no error but counted.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A client could not be made, or an offset not be set.
    #[error("Kafka refused at the start")]
    Kafka(#[from] KafkaError),
    /// There is nothing to send to.
    #[error("the topic {0} does not exist, or has no partitions for this user")]
    NoTopic(String),
    /// The REST proxy has no consumer for us.
    #[error("the REST proxy refused at the start: {0}")]
    Rest(String),
    /// The group did not get going.
    #[error("the consumers were assigned {0} of {1} partitions")]
    NotAssigned(usize, usize),
}

/// Ledger and clock, shared by everything that takes part.
#[derive(Clone, Debug)]
pub(super) struct Books {
    ledger: Arc<Mutex<Ledger>>,
    clock: Clock,
}

impl Books {
    /// New ones, on the clock that all books of a run share.
    pub(super) fn open(clock: Clock, producers: usize, partitions: usize) -> Self {
        let ledger = Arc::new(Mutex::new(Ledger::new(producers, partitions)));
        Self { ledger, clock }
    }

    /// Time since the start of the run.
    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was written, as the report.
    pub(super) fn close(&self) -> PathReport {
        let empty = Ledger::new(0, 0);
        let ledger = std::mem::replace(&mut *self.ledger(), empty);
        ledger.close(self.clock.begun_unix())
    }
}

/// Writes down what librdkafka says.
pub(super) struct Notes(Books);

impl ClientContext for Notes {
    /// What matters comes as an error as well.
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        warn!("Kafka: {error}: {reason}");
    }
}

impl ConsumerContext for Notes {}

impl ProducerContext for Notes {
    type DeliveryOpaque = Box<Stamp>;

    fn delivery(&self, result: &DeliveryResult<'_>, stamp: Self::DeliveryOpaque) {
        match result {
            Ok(_) => self.0.ledger().acked(&stamp, self.0.now()),
            Err((error, _)) => {
                warn!(?stamp, "not delivered: {error}");
                self.0.ledger().failed(&stamp);
            }
        }
    }
}

pub(super) type LoadProducer = ThreadedProducer<Notes>;
pub(super) type LoadConsumer = StreamConsumer<Notes>;

impl Access {
    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("security.protocol", &self.security_protocol)
            .set("sasl.mechanism", "SCRAM-SHA-256")
            .set("sasl.username", &self.username)
            .set("sasl.password", self.password.expose())
            .set("client.id", "tidegate-load");
        config
    }

    /// A producer that loses nothing and repeats nothing, if the brokers play along.
    pub(super) fn producer(&self, books: &Books) -> Result<LoadProducer, LoadError> {
        let mut config = self.config();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "0")
            // With more, librdkafka writes records twice when a leader moves: behind a request that
            // failed the next one is out of sequence, for which it bumps the producer's epoch, and
            // requests to other partitions that were written but not acknowledged go out again
            // under the new epoch (librdkafka #4953, up to 2.12 at least).
            .set("max.in.flight", "1");
        Ok(config.create_with_context(Notes(books.clone()))?)
    }

    pub(super) fn consumer(&self, books: &Books, group: &str) -> Result<LoadConsumer, LoadError> {
        let mut config = self.config();
        config
            .set("group.id", group)
            // Every offset is committed at the start; if Kafka lost that, nothing may be skipped.
            .set("auto.offset.reset", "earliest")
            .set("auto.commit.interval.ms", "1000");
        let consumer: LoadConsumer = config.create_with_context(Notes(books.clone()))?;
        consumer.subscribe(&[&self.topic])?;
        Ok(consumer)
    }

    /// How many partitions the topic has. Commits their ends for the group, so that the consumers
    /// begin there whenever they get their partitions. Blocks.
    pub(super) fn begin_at_the_end(&self, group: &str) -> Result<usize, LoadError> {
        let started = Instant::now();
        loop {
            match self.try_to_begin(group) {
                // To librdkafka, a broker that hangs up in a handshake is one that refuses. A new
                // topic takes Kafka a moment.
                Err(error @ (LoadError::Kafka(_) | LoadError::NoTopic(_)))
                    if started.elapsed() < PATIENCE =>
                {
                    warn!(error = &error as &dyn Error, "trying again");
                    std::thread::sleep(PAUSE);
                }
                result => return result,
            }
        }
    }

    fn try_to_begin(&self, group: &str) -> Result<usize, LoadError> {
        let mut config = self.config();
        config.set("group.id", group).set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create()?;
        let metadata = consumer.fetch_metadata(Some(&self.topic), CALL)?;
        let topic = metadata.topics().first().filter(|it| it.error().is_none());
        let partitions = topic.map_or(0, |it| it.partitions().len());
        if partitions == 0 {
            return Err(LoadError::NoTopic(self.topic.clone()));
        }
        let mut ends = TopicPartitionList::new();
        for partition in (0..).take(partitions) {
            let (_, end) = consumer.fetch_watermarks(&self.topic, partition, CALL)?;
            ends.add_partition_offset(&self.topic, partition, Offset::Offset(end))?;
        }
        consumer.commit(&ends, CommitMode::Sync)?;
        Ok(partitions)
    }
}
