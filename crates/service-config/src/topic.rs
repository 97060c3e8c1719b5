//! Which of Kafka's topic options can be set through the platform.

/// By Kafka's names, sorted (`org.apache.kafka.common.config.TopicConfig`). What needs tiered storage
/// is not among them. The API sets these, and the orchestrator keeps the topics that it was asked for
/// as they were asked for, in these and no others.
pub const TOPIC_OPTIONS: [&str; 23] = [
    "cleanup.policy",
    "compression.type",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "index.interval.bytes",
    "max.compaction.lag.ms",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
];
