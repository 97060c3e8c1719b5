//! How soon a waiting `GET` is answered once a record is acknowledged.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use rdkafka::producer::{BaseRecord, Producer as _};
use serde::Serialize;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use super::connection::Target;
use super::histogram::{Histogram, Latency};
use super::native::Access;
use super::payload;
use super::rest::Instance;
use super::tokens;

/// How long the first records may take to arrive: the group has to form.
const START: Duration = Duration::from_secs(30);

/// What is asked.
#[derive(Args, Clone, Debug)]
pub struct LongPoll {
    /// The REST proxy: `http://HOST:PORT`.
    #[arg(long)]
    pub url: Target,
    /// Where the records are produced.
    #[command(flatten)]
    pub access: Access,
    /// File with a token for the REST proxy.
    #[arg(long)]
    pub rest_token: Option<PathBuf>,
    /// How often.
    #[arg(long, default_value_t = 250)]
    pub samples: usize,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct LongPollReport {
    /// Answers without the record that was produced, or with another.
    failures: u64,
    #[serde(flatten)]
    latency: Latency,
}

/// Asks. To be called in a runtime of several threads.
pub async fn long_poll(plan: &LongPoll) -> anyhow::Result<LongPollReport> {
    let token = plan.rest_token.as_deref().map(tokens::read).transpose()?;
    let token = token.as_ref().and_then(|all| all.first()).map(String::as_str);
    let group = format!("long-poll-{}", std::process::id());
    let topic = &plan.access.topic;
    let mut instance = Instance::create(&plan.url, &group, topic, "latest", token).await?;
    let producer = Producer::new(&plan.access)?;
    let started = Instant::now();
    let fetch = instance.fetch("?timeout=200");
    // Until it has its partitions, and reads from their ends.
    loop {
        ensure!(started.elapsed() < START, "the instance gets no records");
        producer.clone().produce().await?;
        if payload::stored(instance.records(&fetch).await?) > 0 {
            break;
        }
    }
    while payload::stored(instance.records(&fetch).await?) > 0 {}

    let (mut histogram, mut failures) = (Histogram::new(), 0);
    for sample in 0..plan.samples {
        let fetch = instance.fetch("?timeout=10000");
        let mut waiting = JoinSet::new();
        waiting.spawn(async move {
            let answer = instance.records(&fetch).await.map(payload::stored);
            (answer, Instant::now(), instance)
        });
        // Long enough to be idle, and never in step with a timer.
        sleep(Duration::from_micros(15_000 + (sample as u64 * 7_919) % 23_000)).await;
        let acknowledged = producer.clone().produce().await?;
        let (answer, answered, back) = waiting.join_next().await.context("the poll")??;
        instance = back;
        if answer? == 1 {
            histogram.add(answered.saturating_duration_since(acknowledged));
        } else {
            failures += 1;
        }
    }
    instance.delete().await?;
    Ok(LongPollReport { failures, latency: histogram.latency() })
}

/// Produces one record at a time.
#[derive(Clone)]
struct Producer {
    inner: std::sync::Arc<rdkafka::producer::BaseProducer<super::native::Counter>>,
    topic: String,
}

impl Producer {
    fn new(access: &Access) -> anyhow::Result<Self> {
        Ok(Self { inner: access.prompt_producer()?.into(), topic: access.topic.clone() })
    }

    /// Gives the time of its acknowledgement.
    async fn produce(self) -> anyhow::Result<Instant> {
        spawn_blocking(move || {
            let counter = self.inner.context();
            let before = counter.acked.load(Ordering::Acquire);
            let record = payload::record(100);
            let ready: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.topic).payload(&record);
            self.inner.send(ready).map_err(|(error, _)| error)?;
            let started = Instant::now();
            while counter.acked.load(Ordering::Acquire) == before {
                ensure!(counter.failed.load(Ordering::Acquire) == 0, "a record failed");
                ensure!(started.elapsed() < START, "a record is not acknowledged");
                // Returns at the end of this time, whatever came.
                self.inner.poll(Duration::from_millis(5));
            }
            counter.last().context("it notes the time")
        })
        .await?
    }
}
