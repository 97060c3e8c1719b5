//! librdkafka by itself, as fast as it goes: what a REST proxy is compared with.

mod batch;
mod idle;

use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use model::Timestamp;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig,
};
use serde::Serialize;
use tracing::{debug, warn};

use self::batch::Batch;
pub use self::idle::{NativeIdle, idle};
use super::failures::Failures;
use super::machine::{Machine, Watched, Window};
use super::{payload, tokens};

/// How long a call may take that is not measured.
pub(super) const CALL: Duration = Duration::from_secs(30);
/// How long to wait when librdkafka's queue is full.
pub(super) const FULL: Duration = Duration::from_millis(2);
/// librdkafka asks for the next token after most of this; the same one is given again.
const TOKEN_LIFE_MS: i64 = 1_800_000;

/// Where Kafka is, and as whom to use it.
#[derive(Args, Clone, Debug)]
pub struct Access {
    /// `host:port,...`
    #[arg(long)]
    pub bootstrap: String,
    /// A topic that exists.
    #[arg(long, default_value = "bench")]
    pub topic: String,
    /// File with a token: then SASL OAUTHBEARER.
    #[arg(long)]
    pub token: Option<PathBuf>,
}

/// How a native producer is measured.
#[derive(Args, Clone, Debug)]
pub struct NativeProduce {
    /// Where to.
    #[command(flatten)]
    pub access: Access,
    /// Bytes of each record.
    #[arg(long, default_value_t = 100)]
    pub size: usize,
    /// Seconds before the window.
    #[arg(long, default_value_t = 2.0)]
    pub warm_up: f64,
    /// Seconds of the window.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Another option of librdkafka: `NAME=VALUE`.
    #[arg(long)]
    pub set: Vec<String>,
    /// A process whose CPU and memory is reported: `NAME=PID`.
    #[arg(long)]
    pub watch: Vec<Watched>,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct ProduceReport {
    records: u64,
    #[serde(flatten)]
    failures: Failures,
    #[serde(flatten)]
    window: Window,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct ConsumeReport {
    records: u64,
    bytes: u64,
    /// From the first record to the last.
    flowing_seconds: f64,
    /// From subscribing to the last record.
    #[serde(flatten)]
    window: Window,
}

/// Counts acknowledgements, and gives the token.
#[derive(Debug, Default)]
pub(super) struct Counter {
    pub(super) acked: AtomicU64,
    pub(super) failed: AtomicU64,
    /// When the last one came, if that matters: it costs a little.
    last: Option<Mutex<Instant>>,
    token: Option<String>,
}

impl Counter {
    /// When the last acknowledgement came.
    pub(super) fn last(&self) -> Option<Instant> {
        self.last.as_ref().map(|it| *it.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Counter {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        debug!(facility, "librdkafka: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        warn!("Kafka: {error}: {reason}");
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let token = self.token.clone().ok_or("no token was given")?;
        let lifetime_ms = Timestamp::now().0 + TOKEN_LIFE_MS;
        Ok(OAuthToken { token, principal_name: "bench".to_owned(), lifetime_ms })
    }
}

impl ConsumerContext for Counter {}

impl ProducerContext for Counter {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() { &self.acked } else { &self.failed };
        if let Some(last) = &self.last {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
        counter.fetch_add(1, Ordering::Release);
    }
}

impl Access {
    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("client.id", "tidegate-bench");
        if self.token.is_some() {
            config.set("security.protocol", "SASL_PLAINTEXT").set("sasl.mechanism", "OAUTHBEARER");
        }
        config
    }

    pub(super) fn context(&self) -> anyhow::Result<Counter> {
        let tokens = self.token.as_deref().map(tokens::read).transpose()?;
        let token = tokens.and_then(|all| all.into_iter().next());
        Ok(Counter { token, ..Counter::default() })
    }

    /// An idempotent producer that sends at once.
    pub(super) fn prompt_producer(&self) -> anyhow::Result<BaseProducer<Counter>> {
        let mut config = self.config();
        config.set("enable.idempotence", "true").set("acks", "all").set("linger.ms", "0");
        let context = Counter { last: Some(Mutex::new(Instant::now())), ..self.context()? };
        Ok(config.create_with_context(context)?)
    }

    pub(super) fn fast_producer(&self, set: &[String]) -> anyhow::Result<BaseProducer<Counter>> {
        let mut config = self.config();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "5")
            .set("queue.buffering.max.messages", "500000")
            .set("queue.buffering.max.kbytes", "262144");
        for option in set {
            let (name, value) = option.split_once('=').context("--set wants NAME=VALUE")?;
            config.set(name, value);
        }
        Ok(config.create_with_context(self.context()?)?)
    }
}

/// Produces as fast as acknowledgements come. Blocks.
pub fn produce(plan: &NativeProduce) -> anyhow::Result<ProduceReport> {
    let machine = Machine::new(&plan.watch);
    let producer = plan.access.fast_producer(&plan.set)?;
    let record = payload::record(plan.size);
    let over = AtomicBool::new(false);
    let counter = producer.context();
    let measured = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                producer.poll(Duration::from_millis(50));
            }
        });
        let measure = || {
            begin(&producer, &plan.access.topic, &record)?;
            let sending = scope.spawn(|| send(&producer, &plan.access.topic, &record, &over));
            std::thread::sleep(Duration::from_secs_f64(plan.warm_up));
            let (before, acked) = (machine.read()?, counter.acked.load(Ordering::Relaxed));
            std::thread::sleep(Duration::from_secs_f64(plan.seconds));
            let records = counter.acked.load(Ordering::Relaxed) - acked;
            let window = machine.window(&before)?;
            over.store(true, Ordering::Relaxed);
            sending.join().map_err(|_| anyhow::anyhow!("the sender panicked"))??;
            anyhow::Ok((records, window))
        };
        let measured = measure();
        over.store(true, Ordering::Relaxed);
        measured
    });
    let (records, window) = measured?;
    let mut failures = Failures::default();
    for _ in 0..counter.failed.load(Ordering::Relaxed) {
        failures.add(|| "records were not acknowledged".to_owned());
    }
    producer.purge(PurgeConfig::default().queue().inflight());
    Ok(ProduceReport { records, failures, window })
}

/// Waits for one record first: a login takes its time, and a topic that has no leaders yet is no
/// place to send a million records to.
fn begin(producer: &BaseProducer<Counter>, topic: &str, record: &[u8]) -> anyhow::Result<()> {
    let counter = producer.context();
    let ready: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).payload(record);
    producer.send(ready).map_err(|(error, _)| error)?;
    let started = Instant::now();
    while counter.acked.load(Ordering::Relaxed) == 0 {
        let failed = counter.failed.load(Ordering::Relaxed);
        ensure!(started.elapsed() < CALL, "no record is acknowledged, {failed} failed");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Sends until it is over.
fn send(
    producer: &BaseProducer<Counter>,
    topic: &str,
    record: &[u8],
    over: &AtomicBool,
) -> anyhow::Result<()> {
    let mut batch = Batch::new(producer, topic, record)?;
    while !over.load(Ordering::Relaxed) {
        if batch.send()? {
            std::thread::sleep(FULL);
        }
    }
    Ok(())
}

/// Reads `records` from the beginning of a topic, as a group of one. Blocks.
pub fn consume(
    access: &Access,
    records: u64,
    patience: Duration,
    watched: &[Watched],
) -> anyhow::Result<ConsumeReport> {
    let machine = Machine::new(watched);
    let before = machine.read()?;
    let started = Instant::now();
    let mut config = access.config();
    config
        .set("group.id", format!("native-{}", std::process::id()))
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false");
    let consumer: BaseConsumer<Counter> = config.create_with_context(access.context()?)?;
    consumer.subscribe(&[&access.topic])?;
    let (mut seen, mut bytes, mut first) = (0, 0_u64, None);
    while seen < records {
        ensure!(started.elapsed() < patience, "only {seen} of {records} records came");
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message?;
        first.get_or_insert_with(Instant::now);
        bytes += message.payload().map_or(0, |it| it.len() as u64);
        seen += 1;
    }
    let window = machine.window(&before)?;
    let flowing_seconds = first.map_or(0.0, |it| it.elapsed().as_secs_f64());
    Ok(ConsumeReport { records: seen, bytes, flowing_seconds, window })
}
