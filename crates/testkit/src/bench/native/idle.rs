//! Many native consumers that wait: what librdkafka takes for each, without a proxy in between.

use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Args;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use serde::Serialize;

use super::{Access, CALL, Counter};
use crate::bench::machine::{Machine, Watched, Window};

/// How long to wait before the next look.
const LOOK: Duration = Duration::from_millis(20);

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
