//! From what a user asked for to what a broker is started with. Pure: no I/O, no async, no clock.
//!
//! [`merge()`] puts a partial update over the stored configuration, [`effective()`] checks the result
//! and gives it meaning, [`render()`] turns that into an immutable [`model::Revision`], and
//! [`impact()`] tells what a change costs. [`access::bindings`] turns Aiven's ACL entries into
//! Kafka's.
//!
//! **Invariant:** whatever comes out of [`effective()`] renders into brokers that start. So each rule
//! by which Kafka refuses a value is here too, and a bad update is refused before any restart.
//!
//! **Invariant:** an option is in the schema only if something here acts on it.

pub mod access;
mod distance;
mod effective;
mod error;
mod impact;
mod merge;
mod origin;
mod properties;
mod render;
mod rest;
mod rules;
mod schema;
#[cfg(test)]
mod testing;
mod topic;
mod validate;

pub use crate::effective::{Effective, Oidc, Rules, effective};
pub use crate::error::ConfigError;
pub use crate::impact::{Impact, impact};
pub use crate::merge::merge;
pub use crate::origin::{ConfigOption, ConfigProperty, Origin, UpdateMode, options, properties};
pub use crate::render::{Rendered, Topology, controllers, render, render_node};
pub use crate::rest::rest_settings;
pub use crate::schema::{THREAD_POOLS, owned_dynamic_properties, schema};
pub use crate::topic::TOPIC_OPTIONS;

/// Options by name, nested as the API has them: `{"kafka": {"log_segment_bytes": 1073741824}}`.
pub type UserConfig = serde_json::Map<String, serde_json::Value>;
