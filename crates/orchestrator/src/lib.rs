//! Makes Kafka services be what the control plane wrote down.
//!
//! For each service one task rolls its nodes (look, decide, write down, act) and one makes topics,
//! users, ACLs and dynamic configuration equal to what is wanted. Both start anew from what can be
//! seen at each pass, so that a crash at any point needs no cleaning up.
//!
//! **Invariant:** only a pass that holds the service's lease acts, and an order is in the database
//! before anything is done about it.

pub mod agent;
pub mod authorizer_log;
pub mod config;
mod denials;
pub mod desired;
pub mod driver;
mod lifecycle;
pub mod local;
pub mod logins;
pub mod look;
pub mod metrics;
mod probe;
pub mod proxy;
mod random;
mod reported;
pub mod roller;
mod seen;
pub mod supervisor;
pub mod usage;
