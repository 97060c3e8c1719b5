//! The topics of a measurement: made, filled, counted, deleted.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer as _};

use super::native::{Access, CALL, Counter, FULL};
use super::payload;

/// How long one question of it may take, which is asked again.
const METADATA: Duration = Duration::from_secs(5);

/// What bounds a topic that keeps little.
const SHORT: [(&str, &str); 3] = [
    ("retention.bytes", "134217728"),
    ("segment.bytes", "33554432"),
    ("file.delete.delay.ms", "200"),
];

/// What is done to topics between measurements.
#[derive(Args, Clone, Debug)]
pub struct Topics {
    /// Where.
    #[command(flatten)]
    pub access: Access,
    /// Create it with so many partitions.
    #[arg(long)]
    pub create: Option<i32>,
    /// Let it keep no more than the last 128 MiB of each partition.
    #[arg(long)]
    pub short: bool,
    /// Replicas of each partition.
    #[arg(long, default_value_t = 1)]
    pub replication: i32,
    /// Fill it with so many records, the same number in each partition.
    #[arg(long)]
    pub fill: Option<u64>,
    /// Bytes of each.
    #[arg(long, default_value_t = 1024)]
    pub size: usize,
    /// Delete it.
    #[arg(long)]
    pub delete: bool,
}

/// Creates, fills or deletes a topic, and counts what is in it.
pub async fn topics(plan: &Topics) -> anyhow::Result<serde_json::Value> {
    let access = &plan.access;
    let admin: AdminClient<Counter> = access.config().create_with_context(access.context()?)?;
    let options = AdminOptions::new().operation_timeout(Some(CALL));
    if let Some(partitions) = plan.create {
        let replication = TopicReplication::Fixed(plan.replication);
        let topic = NewTopic::new(&access.topic, partitions, replication);
        let topic = if plan.short {
            SHORT.iter().fold(topic, |it, (key, value)| it.set(key, value))
        } else {
            topic
        };
        for result in admin.create_topics([&topic], &options).await? {
            if let Err((name, code)) = result {
                bail!("creating {name}: {code}");
            }
        }
    }
    if let Some(records) = plan.fill {
        fill(access, records, plan.size)?;
    }
    let landed = landed(access)?;
    if plan.delete {
        for result in admin.delete_topics(&[&access.topic], &options).await? {
            if let Err((name, code)) = result {
                bail!("deleting {name}: {code}");
            }
        }
    }
    Ok(serde_json::json!({ "landed": landed }))
}

fn fill(access: &Access, records: u64, size: usize) -> anyhow::Result<()> {
    let producer = access.fast_producer(&[])?;
    let started = Instant::now();
    let partitions = loop {
        // The queue delivers the request for a token.
        producer.poll(Duration::from_millis(50));
        let metadata = producer.client().fetch_metadata(Some(&access.topic), METADATA);
        let topic = metadata.as_ref().ok().and_then(|it| it.topics().first());
        let partitions = topic.map_or(0, |it| it.partitions().len());
        if partitions > 0 {
            break partitions;
        }
        ensure!(started.elapsed() < CALL, "{} does not appear", access.topic);
    };
    let record = payload::record(size);
    let mut sent = 0;
    while sent < records {
        let partition = i32::try_from(sent % partitions as u64)?;
        let ready: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(&access.topic).payload(record.as_slice()).partition(partition);
        match producer.send(ready) {
            Ok(()) => sent += 1,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                producer.poll(FULL);
            }
            Err((error, _)) => return Err(error).context("filling the topic"),
        }
    }
    producer.flush(CALL)?;
    let acked = producer.context().acked.load(Ordering::Relaxed);
    ensure!(acked == records, "{acked} of {records} records were acknowledged");
    Ok(())
}

/// How many records a topic got since it was created.
fn landed(access: &Access) -> anyhow::Result<i64> {
    let consumer: BaseConsumer<Counter> = {
        let mut config = access.config();
        config.set("group.id", "bench-ends").set("enable.auto.commit", "false");
        config.create_with_context(access.context()?)?
    };
    // Its queue delivers the request for a token.
    let _none = consumer.poll(Duration::from_millis(50));
    let started = Instant::now();
    loop {
        match ends(&consumer, &access.topic) {
            Ok(sum) => return Ok(sum),
            // A new topic has no leaders yet.
            Err(error) if started.elapsed() > CALL => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn ends(consumer: &BaseConsumer<Counter>, topic: &str) -> anyhow::Result<i64> {
    let metadata = consumer.fetch_metadata(Some(topic), METADATA)?;
    let partitions = metadata.topics().first().map_or(0, |it| it.partitions().len());
    ensure!(partitions > 0, "{topic} does not appear");
    let mut sum = 0;
    for partition in (0..).take(partitions) {
        let (_, end) = consumer.fetch_watermarks(topic, partition, METADATA)?;
        sum += end;
    }
    Ok(sum)
}
