//! Many native clients at once: what librdkafka takes for each, without a proxy in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Args;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig,
};
use serde::Serialize;

use super::{Access, CALL, Counter, ProduceReport};
use crate::bench::failures::Failures;
use crate::bench::machine::{Machine, Watched, Window};
use crate::bench::payload;

/// How long to wait before the next look.
const LOOK: Duration = Duration::from_millis(20);
/// How long one look at a producer takes: rust-rdkafka always waits to the end.
const POLL: Duration = Duration::from_millis(1);

/// Producers that are used in turn.
#[derive(Args, Clone, Debug)]
pub struct NativeCrowd {
    /// Where to.
    #[command(flatten)]
    pub access: Access,
    /// Producers, each a client of its own.
    #[arg(long, default_value_t = 1000)]
    pub producers: usize,
    /// How many of them are waited for at a time: enough that the machine is busy although each is
    /// heard a little late.
    #[arg(long, default_value_t = 64)]
    pub at_once: usize,
    /// Records that each sends before the next has its turn.
    #[arg(long, default_value_t = 100)]
    pub records: usize,
    /// Bytes of each record.
    #[arg(long, default_value_t = 100)]
    pub size: usize,
    /// Seconds before the window.
    #[arg(long, default_value_t = 2.0)]
    pub warm_up: f64,
    /// Seconds of the window.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// A process whose CPU and memory is reported: `NAME=PID`.
    #[arg(long)]
    pub watch: Vec<Watched>,
}

/// Consumers that wait for what does not come.
#[derive(Args, Clone, Debug)]
pub struct NativeIdle {
    /// Where.
    #[command(flatten)]
    pub access: Access,
    /// Consumers, each in a group of its own.
    #[arg(long, default_value_t = 1000)]
    pub consumers: u32,
    /// Seconds after the last one has joined.
    #[arg(long, default_value_t = 5.0)]
    pub settle: f64,
    /// Seconds of the window.
    #[arg(long, default_value_t = 20.0)]
    pub seconds: f64,
    /// A process whose CPU and memory is reported: `NAME=PID`.
    #[arg(long)]
    pub watch: Vec<Watched>,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct NativeIdleReport {
    consumers: u32,
    #[serde(flatten)]
    window: Window,
}

/// Records that are waited for together.
struct Open {
    left: AtomicUsize,
    failed: AtomicU64,
    waiter: Thread,
}

struct Acks;

impl ClientContext for Acks {}

impl ProducerContext for Acks {
    type DeliveryOpaque = Arc<Open>;

    fn delivery(&self, result: &DeliveryResult<'_>, open: Arc<Open>) {
        if result.is_err() {
            open.failed.fetch_add(1, Ordering::Relaxed);
        }
        if open.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            open.waiter.unpark();
        }
    }
}

/// Produces with all of them in turn, waiting for each. Blocks.
pub fn crowd(plan: &NativeCrowd) -> anyhow::Result<ProduceReport> {
    ensure!(plan.access.token.is_none(), "a crowd of producers does not log in");
    let machine = Machine::new(&plan.watch);
    let mut config = plan.access.config();
    config.set("enable.idempotence", "true").set("acks", "all").set("linger.ms", "0");
    let create = |_| Ok(config.create_with_context(Acks)?);
    let producers: Vec<BaseProducer<Acks>> =
        (0..plan.producers).map(create).collect::<anyhow::Result<_>>()?;
    let record = payload::record(plan.size);
    let (next, stored, failed) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let over = AtomicBool::new(false);
    let window = std::thread::scope(|scope| {
        if let [only] = producers.as_slice() {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    only.poll(POLL);
                }
            });
        }
        for _ in 0..plan.at_once {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let producer =
                        &producers[next.fetch_add(1, Ordering::Relaxed) % producers.len()];
                    let Some(bad) = send(plan, producer, &record, producers.len() == 1, &over)
                    else {
                        return;
                    };
                    stored.fetch_add(plan.records as u64 - bad, Ordering::Relaxed);
                    failed.fetch_add(bad, Ordering::Relaxed);
                }
            });
        }
        let measure = || {
            // Every client has its first turn, and its login.
            let started = Instant::now();
            while next.load(Ordering::Relaxed) < 2 * producers.len() {
                ensure!(started.elapsed() < 2 * CALL, "the producers do not get going");
                std::thread::sleep(LOOK);
            }
            std::thread::sleep(Duration::from_secs_f64(plan.warm_up));
            let (before, done) = (machine.read()?, stored.load(Ordering::Relaxed));
            std::thread::sleep(Duration::from_secs_f64(plan.seconds));
            anyhow::Ok((stored.load(Ordering::Relaxed) - done, machine.window(&before)?))
        };
        let measured = measure();
        over.store(true, Ordering::Relaxed);
        measured
    });
    for producer in &producers {
        producer.purge(PurgeConfig::default().queue().inflight());
    }
    let (records, window) = window?;
    let mut failures = Failures::default();
    for _ in 0..failed.load(Ordering::Relaxed) {
        failures.add(|| "records were not acknowledged".to_owned());
    }
    Ok(ProduceReport { records, failures, window })
}

/// Sends as many records as one has to, and waits for them, unless it is `over`. How many failed.
fn send(
    plan: &NativeCrowd,
    producer: &BaseProducer<Acks>,
    record: &[u8],
    polled: bool,
    over: &AtomicBool,
) -> Option<u64> {
    let open = Arc::new(Open {
        left: AtomicUsize::new(plan.records),
        failed: AtomicU64::new(0),
        waiter: std::thread::current(),
    });
    for _ in 0..plan.records {
        let ready: BaseRecord<'_, [u8], [u8], _> =
            BaseRecord::with_opaque_to(&plan.access.topic, Arc::clone(&open)).payload(record);
        if producer.send(ready).is_err() {
            open.failed.fetch_add(1, Ordering::Relaxed);
            open.left.fetch_sub(1, Ordering::AcqRel);
        }
    }
    while open.left.load(Ordering::Acquire) > 0 {
        if over.load(Ordering::Relaxed) {
            return None;
        }
        if polled {
            std::thread::park_timeout(LOOK);
        } else {
            producer.poll(POLL);
        }
    }
    Some(open.failed.load(Ordering::Relaxed))
}

/// Lets them wait, with what librdkafka does by itself. Blocks.
pub fn idle(plan: &NativeIdle) -> anyhow::Result<NativeIdleReport> {
    let machine = Machine::new(&plan.watch);
    let mut consumers = Vec::new();
    for number in 0..plan.consumers {
        let mut config = plan.access.config();
        config
            .set("group.id", format!("native-idle-{}-{number}", std::process::id()))
            .set("enable.auto.commit", "false");
        let consumer: BaseConsumer<Counter> = config.create_with_context(plan.access.context()?)?;
        consumer.subscribe(&[&plan.access.topic])?;
        consumers.push(consumer);
    }
    let started = Instant::now();
    // Joining a group needs somebody who looks.
    while !consumers.iter().all(has_partitions) {
        ensure!(started.elapsed() < 2 * CALL, "not every consumer has joined its group");
        for consumer in &consumers {
            if let Some(came) = consumer.poll(Duration::ZERO) {
                came?;
            }
        }
        std::thread::sleep(LOOK);
    }
    std::thread::sleep(Duration::from_secs_f64(plan.settle));
    let before = machine.read()?;
    std::thread::sleep(Duration::from_secs_f64(plan.seconds));
    Ok(NativeIdleReport { consumers: plan.consumers, window: machine.window(&before)? })
}

fn has_partitions(consumer: &BaseConsumer<Counter>) -> bool {
    consumer.assignment().is_ok_and(|it| it.count() > 0)
}
