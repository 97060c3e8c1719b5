//! A consumer instance of the REST proxy that reads what the load has produced.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Secret;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::path::Path;
use super::rest::{BINARY_RECORDS, PATIENCE, RestAccess};
use super::stamp::Stamp;
use crate::bench::connection::{Connection, Request};

/// What everything but records is written in.
const JSON: &str = "application/vnd.kafka.v2+json";
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_millis(200);
/// How long to wait before the next request: the proxy answers as soon as it has a record.
const READ_EVERY: Duration = Duration::from_millis(50);

/// A consumer instance, in the group of its path.
pub(super) struct Reader {
    path: Path,
    access: Arc<RestAccess>,
    connection: Connection,
    /// `/consumers/GROUP/instances/ID`
    instance: String,
}

impl Reader {
    /// Creates the instance and subscribes.
    pub(super) async fn create(path: Path, access: Arc<RestAccess>) -> anyhow::Result<Self> {
        let connection = Connection::open(&access.at.address).await?;
        let group = format!("/consumers/{}", path.name);
        let mut reader = Self { path, access, connection, instance: group.clone() };
        let wishes = json!({
            "format": "binary",
            "auto.offset.reset": "earliest",
            "auto.commit.enable": "true",
        });
        let created = reader.ask("POST", "", JSON, &wishes.to_string()).await?;
        let created: Value = serde_json::from_slice(&created)?;
        let id = created["instance_id"].as_str().context("an instance has an id")?;
        reader.instance = format!("{group}/instances/{id}");
        let topics = json!({ "topics": [reader.access.topic] }).to_string();
        reader.ask("POST", "/subscription", JSON, &topics).await?;
        Ok(reader)
    }

    /// Reads until told to stop. After a failure it goes on, with another instance if need be.
    pub(super) async fn read(mut self, stop: CancellationToken) {
        while let Some(read) = stop.run_until_cancelled(self.records()).await {
            let Err(error) = read else {
                sleep(READ_EVERY).await;
                continue;
            };
            warn!("REST: not read: {error:#}");
            self.path.books.ledger().read_failed(self.path.books.now());
            sleep(PAUSE).await;
            if let Err(error) = self.recover(&format!("{error:#}")).await {
                warn!("REST: no instance: {error:#}");
            }
        }
        // The proxy would notice by itself, later. What was asked last may still be answered.
        if let Ok(connection) = Connection::open(&self.access.at.address).await {
            self.connection = connection;
            let _gone = self.ask("DELETE", "", JSON, "").await;
        }
    }

    async fn records(&mut self) -> anyhow::Result<()> {
        let answer = self.ask("GET", "/records?timeout=1000", BINARY_RECORDS, "").await?;
        let records: Vec<Value> = serde_json::from_slice(&answer)?;
        for record in &records {
            let value = STANDARD.decode(record["value"].as_str().unwrap_or_default())?;
            let offset = record["offset"].as_i64().context("a record has an offset")?;
            if let Some(stamp) = Stamp::parse(&self.path.name, &value) {
                self.path.books.ledger().consumed(&stamp, offset, self.path.books.now());
            }
        }
        Ok(())
    }

    /// A new connection, and a new instance if the proxy does not know the old one.
    async fn recover(&mut self, error: &str) -> anyhow::Result<()> {
        if error.starts_with("status 404") {
            *self = Self::create(self.path.clone(), Arc::clone(&self.access)).await?;
        } else {
            self.connection = Connection::open(&self.access.at.address).await?;
        }
        Ok(())
    }

    /// A request about the instance; anything but success is an error.
    async fn ask(
        &mut self,
        method: &str,
        below: &str,
        content_type: &str,
        body: &str,
    ) -> anyhow::Result<Vec<u8>> {
        let request = Request {
            method,
            path: &format!("{}{below}", self.instance),
            content_type,
            token: self.access.token.as_ref().map(Secret::expose),
            body: body.as_bytes(),
        };
        let request = request.render(&self.access.at.address);
        Ok(timeout(PATIENCE, self.connection.ask(&request)).await??.to_vec())
    }
}
