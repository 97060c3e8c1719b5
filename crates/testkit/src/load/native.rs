//! The path of native clients.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer, PurgeConfig};
use tokio::time::{sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::clients::{LoadConsumer, LoadError, LoadProducer};
use super::crew::{Crew, blocking};
use super::path::{LOOK_EVERY, Path};
use super::stamp::Stamp;

/// How long the group may take to come together.
const PATIENCE: Duration = Duration::from_secs(30);

/// Producers and consumers of librdkafka at work.
pub(super) struct Native {
    pub(super) senders: Crew<LoadProducer>,
    pub(super) readers: Crew<LoadConsumer>,
}

impl Native {
    /// Starts the consumers, and the producers once the group has come together.
    pub(super) async fn start(path: &Path) -> Result<Self, LoadError> {
        let mut readers = Crew::new();
        for _ in 0..path.crowd.consumers {
            let consumer = Arc::new(path.access.consumer(&path.books, &path.name)?);
            readers.clients.push(Arc::clone(&consumer));
            readers.tasks.spawn(read(consumer, path.clone(), readers.stop.clone()));
        }
        assigned(&readers.clients, path.partitions).await?;
        let mut senders = Crew::new();
        for index in 0..path.crowd.producers {
            let producer = Arc::new(path.access.producer(&path.books)?);
            senders.clients.push(Arc::clone(&producer));
            senders.tasks.spawn(send(producer, path.clone(), index, senders.stop.clone()));
        }
        Ok(Self { senders, readers })
    }

    /// Ends the clients. What is still in flight has been counted as failed.
    pub(super) async fn close(self) -> Result<(), LoadError> {
        let Self { senders, mut readers } = self;
        readers.dismiss().await;
        // Closing a client blocks.
        blocking(move || {
            for producer in &senders.clients {
                producer.purge(PurgeConfig::default().queue().inflight());
            }
            drop((senders, readers));
            Ok(())
        })
        .await
    }
}

/// Waits until the group has come together.
async fn assigned(consumers: &[Arc<LoadConsumer>], partitions: usize) -> Result<(), LoadError> {
    let started = Instant::now();
    loop {
        let mut count = 0;
        for consumer in consumers {
            count += consumer.assignment()?.count();
        }
        if count == partitions {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            return Err(LoadError::NotAssigned(count, partitions));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Sends each record when it is due, to the partitions in turn.
async fn send(producer: Arc<LoadProducer>, path: Path, index: usize, stop: CancellationToken) {
    let every = path.every(path.crowd.producers);
    let (from, first) = (tokio::time::Instant::now(), path.books.now());
    let mut passed = Duration::ZERO;
    for partition in (0..path.partitions).cycle() {
        // Here only: what was written down as sent is handed over.
        if stop.run_until_cancelled(sleep_until(from + passed)).await.is_none() {
            return;
        }
        let stamp = path.books.ledger().send(index, partition, first + passed);
        hand_over(&producer, &path, stamp).await;
        passed += every;
    }
}

/// Hands a record to the client library, which may be full for a while.
async fn hand_over(producer: &LoadProducer, path: &Path, stamp: Stamp) {
    let payload = stamp.payload(&path.name);
    let partition = i32::try_from(stamp.partition).unwrap_or(i32::MAX);
    let mut record =
        BaseRecord::<(), str, Box<Stamp>>::with_opaque_to(&path.access.topic, Box::new(stamp))
            .payload(payload.as_str())
            .partition(partition);
    loop {
        match producer.send(record) {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                sleep(LOOK_EVERY).await;
            }
            Err((error, _)) => {
                warn!(?stamp, "not sent: {error}");
                path.books.ledger().failed(&stamp);
                return;
            }
        }
    }
}

/// Reads whatever comes.
async fn read(consumer: Arc<LoadConsumer>, path: Path, stop: CancellationToken) {
    while let Some(received) = stop.run_until_cancelled(consumer.recv()).await {
        // The context has noted an error already; librdkafka goes on by itself.
        let Ok(message) = received else { continue };
        if let Some(stamp) = message.payload().and_then(|it| Stamp::parse(&path.name, it)) {
            path.books.ledger().consumed(&stamp, message.offset(), path.books.now());
        }
    }
}
