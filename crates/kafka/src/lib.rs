//! Admin calls to Kafka, typed. The only crate that knows the admin protocol.
//!
//! [`Admin`] is the entry point: cheap to clone, opens connections when they are needed, and gives
//! every call one deadline. Messages come from `kafka-protocol`, generated from Kafka's own schemas;
//! every integer code that goes into them is in `codes.rs`, held against Kafka's Java tools by
//! `tests/real`.
//!
//! **Invariant:** no call waits longer than [`AdminConfig::timeout`], a call that is dropped or timed
//! out leaves its connection usable for the others, and a change is sent once: it is not repeated
//! when it may have happened already, unless a repetition changes nothing more.

mod admin;
mod call;
mod codes;
mod config;
mod connection;
mod error;
mod routing;
mod sasl;
#[cfg(test)]
mod tests;
mod wire;

pub use crate::admin::Admin;
pub use crate::admin::cluster::{Broker, Cluster, LogDir, Quorum, QuorumReplica};
pub use crate::admin::configs::{ConfigChange, ConfigEntry, ConfigResource};
pub use crate::admin::groups::Group;
pub use crate::admin::offsets::OffsetSpec;
pub use crate::admin::topics::{NewTopic, Partition, Reassignment, Topic};
pub use crate::codes::{ConfigSource, ScramMechanism};
pub use crate::config::AdminConfig;
pub use crate::error::{ErrorCode, ItemError, KafkaError};
pub use crate::sasl::{Credential, sasl_mechanisms};
