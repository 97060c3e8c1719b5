//! What an operator can set, on the command line or in the environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};

/// Kafka over HTTP for one Kafka service.
#[derive(Clone, Debug, Parser)]
#[command(name = "tidegate-rest-proxy", version)]
pub struct Config {
    /// Address to serve HTTP on.
    #[arg(long, env = "TIDEGATE_LISTEN", default_value = "127.0.0.1:8082")]
    pub listen: SocketAddr,
    /// Base URL of the control plane, which the service's settings come from.
    #[arg(long, env = "TIDEGATE_CONTROL_PLANE_URL")]
    pub control_plane_url: reqwest::Url,
    /// File with this proxy's token for the control plane. Read again when the token is refused.
    #[arg(long, env = "TIDEGATE_TOKEN_FILE")]
    pub token_file: PathBuf,
    /// Log JSON objects instead of text.
    #[arg(long, env = "TIDEGATE_LOG_JSON")]
    pub log_json: bool,
    /// Seconds that requests in flight get after SIGTERM.
    #[arg(long, env = "TIDEGATE_DRAIN_SECS", default_value_t = 35)]
    pub drain_secs: u64,
    /// Bounds of what is kept in memory.
    #[command(flatten)]
    pub limits: Limits,
}

/// Bounds of what the proxy keeps for its callers.
#[derive(Clone, Debug, Args)]
pub struct Limits {
    /// Principals with open Kafka clients. Beyond it the least recently used one without consumers
    /// is closed; if all have consumers, a new principal gets 503.
    #[arg(long, env = "TIDEGATE_MAX_SESSIONS", default_value_t = 1000)]
    pub max_sessions: usize,
    /// Kafka clients that are being created at the same time.
    #[arg(long, env = "TIDEGATE_MAX_CLIENT_BUILDS", default_value_t = 16)]
    pub max_client_builds: usize,
    /// Seconds after which a principal's unused clients are closed. Those with consumers stay.
    #[arg(long, env = "TIDEGATE_SESSION_IDLE_SECS", default_value_t = 300)]
    pub session_idle_secs: u32,
    /// Consumer instances of one principal; more get 429.
    #[arg(long, env = "TIDEGATE_MAX_CONSUMERS_PER_PRINCIPAL", default_value_t = 100)]
    pub max_consumers_per_principal: usize,
    /// Consumer instances of all principals; more get 503.
    #[arg(long, env = "TIDEGATE_MAX_CONSUMERS", default_value_t = 2000)]
    pub max_consumers: usize,
    /// Seconds that a consumer instance whose token expired waits for its principal to return.
    #[arg(long, env = "TIDEGATE_CONSUMER_RETENTION_SECS", default_value_t = 3600)]
    pub consumer_retention_secs: u32,
    /// Milliseconds after which a request that waits for Kafka fails.
    #[arg(long, env = "TIDEGATE_REQUEST_TIMEOUT_MS", default_value_t = 30_000,
          value_parser = clap::value_parser!(u32).range(2_000..=300_000))]
    pub request_timeout_ms: u32,
    /// Public base URL in the `base_uri` of consumers; without it, the request's `Host`.
    #[arg(long, env = "TIDEGATE_PUBLIC_URL")]
    pub public_url: Option<String>,
}

impl Limits {
    /// How long a request may wait for Kafka.
    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_a_default_and_an_option() {
        let config = Config::try_parse_from([
            "tidegate-rest-proxy",
            "--control-plane-url=http://127.0.0.1:8080",
            "--token-file=/run/token",
            "--max-sessions=7",
        ]);
        let config = config.unwrap();
        assert_eq!((config.limits.max_sessions, config.limits.max_consumers), (7, 2000));
    }
}
