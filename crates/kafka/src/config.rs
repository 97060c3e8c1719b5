//! What a client is told at its start.

use std::time::Duration;

use crate::sasl::Credential;

/// How to reach a cluster.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    /// `host:port` of one listener of any number of brokers. Those that do not answer are skipped.
    pub bootstrap: Vec<String>,
    /// Who we are.
    pub credential: Credential,
    /// How we show up in the brokers' logs and metrics.
    pub client_id: String,
    /// The deadline of each call, with all its attempts.
    pub timeout: Duration,
}
