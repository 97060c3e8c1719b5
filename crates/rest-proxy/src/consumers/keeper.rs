//! Keeps a consumer in its group, and its shelf filled: the only one who polls the consumer. Woken by
//! librdkafka, it needs no thread and no clock of its own while there is nothing to do.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::live::{Group, begin, list};
use super::shelf::{Record, Shelf};
use crate::shared::Disposable;

/// How much is read ahead of requests, in bytes of keys and values.
const READ_AHEAD: usize = 1024 * 1024;
/// Without a request for this long, a full shelf means that nothing more is fetched.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many records are put on the shelf at once.
const AT_ONCE: usize = 256;
/// How much memory several records share, in bytes.
const CHUNK: usize = 64 * 1024;

/// Work on consumer and shelf that must not meet a record between the two.
pub(super) type Job = BoxFuture<'static, ()>;

/// Records that are put on the shelf at once.
#[derive(Default)]
struct Gathered {
    records: Vec<Record>,
    /// What is free of the memory that they share.
    room: BytesMut,
}

impl Gathered {
    /// A copy of `data`. One allocation serves many records: each for itself was a tenth of the work.
    fn copy(&mut self, data: &[u8]) -> Bytes {
        if self.room.capacity() < data.len() {
            // Mostly the first is the only one.
            let least = if self.records.is_empty() { 0 } else { CHUNK };
            self.room = BytesMut::with_capacity(data.len().max(least));
        }
        self.room.extend_from_slice(data);
        self.room.split().freeze()
    }
}

/// What keeps one consumer.
pub(super) struct Keeper {
    pub(super) consumer: Arc<Disposable<StreamConsumer<Group>>>,
    pub(super) shelf: Arc<Shelf>,
    pub(super) tracker: TaskTracker,
}

impl Keeper {
    /// Works until it is dropped. Does `jobs` in between, and begins with partitions that are `given`.
    pub(super) async fn keep(
        self,
        mut jobs: mpsc::Receiver<Job>,
        mut given: mpsc::UnboundedReceiver<TopicPartitionList>,
    ) {
        let mut messages = self.consumer.stream();
        loop {
            let first = tokio::select! {
                biased;
                Some(list) = given.recv() => {
                    self.begin(list).await;
                    continue;
                }
                Some(job) = jobs.recv() => {
                    job.await;
                    continue;
                }
                first = async {
                    self.wait_for_room().await;
                    messages.next().await
                } => first,
            };
            let Some(first) = first else { return };
            // A rebalance ends what is gathered here.
            let rebalances = self.shelf.rebalances();
            let mut gathered = Gathered::default();
            let mut bytes = self.take(first, &mut gathered);
            while bytes < READ_AHEAD && gathered.records.len() < AT_ONCE {
                let Some(Some(next)) = messages.next().now_or_never() else { break };
                bytes += self.take(next, &mut gathered);
            }
            self.shelf.push(gathered.records, rebalances);
            // A backlog never ends; others want their turn.
            tokio::task::yield_now().await;
        }
    }

    /// Nobody polls meanwhile, so nothing can be taken away that is assigned here.
    async fn begin(&self, list: TopicPartitionList) {
        let consumer = Arc::clone(&self.consumer);
        let begun = self.tracker.spawn_blocking(move || begin(&consumer, &list)).await;
        if let Ok(Err(error)) = begun {
            warn!(error = &error as &dyn std::error::Error, "a rebalance failed");
        }
    }

    /// One message or error. Answers with the message's size.
    fn take(
        &self,
        came: Result<BorrowedMessage<'_>, KafkaError>,
        gathered: &mut Gathered,
    ) -> usize {
        match came {
            Ok(message) => {
                let record = self.record(&message, gathered);
                let size = record.size();
                gathered.records.push(record);
                size
            }
            Err(error) => {
                debug!(error = &error as &dyn std::error::Error, "a consumer met an error");
                self.shelf.note(error);
                0
            }
        }
    }

    fn record(&self, message: &BorrowedMessage<'_>, gathered: &mut Gathered) -> Record {
        let topic = match gathered.records.last() {
            Some(last) if *last.topic == *message.topic() => Arc::clone(&last.topic),
            _ => self.shelf.topic(message.topic()),
        };
        let headers = message.headers().map(|headers| {
            let header =
                |it: rdkafka::message::Header<'_, &[u8]>| (it.key.into(), it.value.map(Into::into));
            headers.iter().map(header).collect()
        });
        Record {
            topic,
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            key: message.key().map(|it| gathered.copy(it)),
            value: message.payload().map(|it| gathered.copy(it)),
            headers,
        }
    }

    /// Waits while the shelf is full. If that lasts, librdkafka is told to fetch no more: then the
    /// group can go on being served.
    async fn wait_for_room(&self) {
        while !self.shelf.is_paused() && self.shelf.bytes() >= READ_AHEAD {
            tokio::select! {
                () = self.shelf.emptied() => {}
                () = sleep(PATIENCE) => self.pause().await,
            }
        }
    }

    async fn pause(&self) {
        let list = list(self.shelf.assigned().into_iter().map(|it| (it, None)));
        self.shelf.set_paused(true);
        let consumer = Arc::clone(&self.consumer);
        let paused = self.tracker.spawn_blocking(move || consumer.pause(&list)).await;
        if let Ok(Err(error)) = paused {
            debug!(error = &error as &dyn std::error::Error, "cannot pause");
        }
    }
}
