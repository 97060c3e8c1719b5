//! Admin calls to Kafka, typed. The only crate that knows the admin protocol.
//!
//! [`Admin`] is the entry point: cheap to clone, opens connections when they are needed, and gives
//! every call one deadline. Messages come from `kafka-protocol`, generated from Kafka's own schemas;
//! every integer code that goes into them is in `codes.rs`, held against Kafka's Java tools by
//! `tests/real`. [`Probe`] is the one client here that writes records, to see what clients see.
//!
//! **Invariant:** no call of an [`Admin`] waits longer than [`AdminConfig::timeout`], a call that is
//! dropped or timed out leaves its connection usable for the others, and a change is sent once: it is
//! not repeated when it may have happened already, unless a repetition changes nothing more. Only the
//! records of a [`Probe`] may be there twice.

mod admin;
mod call;
mod codes;
mod config;
mod connection;
mod error;
mod probe;
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
pub use crate::admin::placement::{ReassignTo, Reassignment};
pub use crate::admin::topics::{NewTopic, Partition, Topic};
pub use crate::codes::{ConfigSource, ScramMechanism};
pub use crate::config::AdminConfig;
pub use crate::error::{ErrorCode, ItemError, KafkaError};
pub use crate::probe::{Probe, Written};
pub use crate::sasl::Credential;
pub use crate::sasl::probe::{LoginOutcome, sasl_mechanisms, try_login};
