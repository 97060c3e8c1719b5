//! What is in a partition of the mock cluster, which knows no times.

use std::time::Duration;

use kafka::OffsetSpec;
use model::TopicName;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

const PATIENCE: Duration = Duration::from_secs(10);

/// The offset that `spec` asks for, by reading the partition.
pub(super) fn offset(
    bootstrap: &str,
    topic: &TopicName,
    partition: i32,
    spec: OffsetSpec,
) -> Option<i64> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", "log");
    let consumer: BaseConsumer = config.create().unwrap();
    let (first, end) = consumer.fetch_watermarks(topic.as_str(), partition, PATIENCE).unwrap();
    let time = match spec {
        OffsetSpec::Earliest => return Some(first),
        OffsetSpec::Latest | OffsetSpec::LatestStable => return Some(end),
        OffsetSpec::AtOrAfter(time) => time.0,
    };
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic.as_str(), partition, Offset::Beginning).unwrap();
    consumer.assign(&list).unwrap();
    for _ in first..end {
        let message = consumer.poll(PATIENCE).unwrap().unwrap();
        if message.timestamp().to_millis().unwrap() >= time {
            return Some(message.offset());
        }
    }
    None
}
