//! The path through the REST proxy.
//!
//! Each producer sends in order, on a connection of its own for each partition: a partition that
//! has to wait holds up no other. Nothing is sent twice. What is due meanwhile waits its turn, and
//! its latency counts from when it was due.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Secret;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::clients::LoadError;
use super::crew::Crew;
use super::path::Path;
use super::rest_reader::Reader;
use super::stamp::Stamp;
use crate::bench::Target;
use crate::bench::connection::{Connection, Request};

/// What REST calls records whose values are bytes.
pub(super) const BINARY_RECORDS: &str = "application/vnd.kafka.binary.v2+json";
/// How long to wait for an answer: the proxy itself gives up earlier.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

/// Where the proxy is, and as whom to use it.
#[derive(Clone, Debug)]
pub struct RestAccess {
    /// Its address.
    pub at: Target,
    /// A Bearer token, if it asks for one.
    pub token: Option<Secret>,
    /// A topic that exists. Not that of the native clients.
    pub topic: String,
}

/// Clients of the proxy at work.
pub(super) struct Rest {
    pub(super) senders: Crew<()>,
    readers: Crew<()>,
}

impl Rest {
    /// Starts the consumers, then the producers.
    pub(super) async fn start(path: &Path, access: RestAccess) -> Result<Self, LoadError> {
        let access = Arc::new(access);
        let mut readers = Crew::new();
        for _ in 0..path.crowd.consumers {
            let reader = Reader::create(path.clone(), Arc::clone(&access)).await;
            let reader = reader.map_err(|error| LoadError::Rest(format!("{error:#}")))?;
            readers.tasks.spawn(reader.read(readers.stop.clone()));
        }
        let mut senders = Crew::new();
        let lanes = path.crowd.producers * path.partitions;
        let start = (Instant::now(), path.books.now());
        for index in 0..lanes {
            let lane = Lane {
                producer: index / path.partitions,
                partition: index % path.partitions,
                path: path.clone(),
                access: Arc::clone(&access),
                connection: None,
            };
            senders.tasks.spawn(lane.send(start, index, lanes, senders.stop.clone()));
        }
        Ok(Self { senders, readers })
    }

    /// Ends the consumers.
    pub(super) async fn close(mut self) {
        self.readers.dismiss().await;
    }
}

/// One producer's records for one partition.
struct Lane {
    producer: usize,
    partition: usize,
    path: Path,
    access: Arc<RestAccess>,
    connection: Option<Connection>,
}

impl Lane {
    /// Sends each record when it is due. The lanes take turns from `start` on.
    async fn send(
        mut self,
        start: (Instant, Duration),
        index: usize,
        lanes: usize,
        stop: CancellationToken,
    ) {
        let every = self.path.every(lanes);
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let mut passed = every * index / u32::try_from(lanes).unwrap_or(u32::MAX);
        // Here only: what was written down as sent is sent.
        while stop.run_until_cancelled(sleep_until(start.0 + passed)).await.is_some() {
            let books = self.path.books.clone();
            let stamp = books.ledger().send(self.producer, self.partition, start.1 + passed);
            match self.post(&stamp).await {
                Ok(()) => books.ledger().acked(&stamp, books.now()),
                Err(error) => {
                    warn!(?stamp, "REST: not delivered: {error:#}");
                    books.ledger().failed(&stamp);
                }
            }
            passed += every;
        }
    }

    /// One request with one record.
    async fn post(&mut self, stamp: &Stamp) -> anyhow::Result<()> {
        let value = STANDARD.encode(stamp.payload(&self.path.name));
        let record = json!({ "partition": self.partition, "value": value });
        let body = json!({ "records": [record] }).to_string();
        let request = Request {
            method: "POST",
            path: &format!("/topics/{}", self.access.topic),
            content_type: BINARY_RECORDS,
            token: self.access.token.as_ref().map(Secret::expose),
            body: body.as_bytes(),
        };
        let request = request.render(&self.access.at.address);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.access.at.address).await?,
        };
        let answer = timeout(PATIENCE, connection.ask(&request)).await??;
        check(answer)?;
        self.connection = Some(connection);
        Ok(())
    }
}

/// An error unless the answer says that the record was stored.
fn check(answer: &[u8]) -> anyhow::Result<()> {
    let answer: Value = serde_json::from_slice(answer)?;
    let stored = &answer["offsets"][0];
    let is_stored = stored["offset"].as_i64().is_some_and(|it| it >= 0);
    anyhow::ensure!(is_stored && stored["error_code"].is_null(), "not stored: {answer}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_refuse_a_record_with_status_200() {
        let check = |text: &str| check(text.as_bytes());
        check(r#"{"offsets":[{"partition":1,"offset":7,"error_code":null,"error":null}]}"#)
            .unwrap();
        check(r#"{"offsets":[{"partition":1,"offset":7}]}"#).unwrap();
        check(r#"{"offsets":[{"error_code":50003,"error":"not enough replicas"}]}"#).unwrap_err();
        check(r#"{"offsets":[]}"#).unwrap_err();
    }
}
