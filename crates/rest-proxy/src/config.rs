//! What an operator can set, on the command line or in the environment.

mod limits;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser};
use model::{IdpPolicy, Network};
use web::AccessLogMode;

pub use self::limits::Limits;

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
    /// Threads that serve HTTP. By default one for each two cores.
    #[arg(long, env = "TIDEGATE_HTTP_THREADS")]
    pub http_threads: Option<NonZeroUsize>,
    /// Seconds that requests in flight get after SIGTERM. What is not answered then is cut off.
    #[arg(long, env = "TIDEGATE_DRAIN_SECS", default_value_t = 35)]
    pub drain_secs: u64,
    /// Milliseconds after SIGTERM in which new requests are still answered, each with
    /// `Connection: close`, so that clients with open connections notice. Then the listener closes.
    #[arg(long, env = "TIDEGATE_DRAIN_NOTICE_MS", default_value_t = 500)]
    pub drain_notice_ms: u64,
    /// Where the identity provider may be.
    #[command(flatten)]
    pub idp: Idp,
    /// Bounds of what is kept in memory.
    #[command(flatten)]
    pub limits: Limits,
    /// What is told of requests.
    #[command(flatten)]
    pub observation: Observation,
}

/// What the proxy tells of requests, in logs, metrics and records.
#[derive(Clone, Debug, Args)]
pub struct Observation {
    /// Address to serve /metrics on instead of --listen. Nobody has to log in for it.
    #[arg(long, env = "TIDEGATE_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
    /// Which requests get a line in the log: all, errors (status 400 and above, and callers that
    /// hung up) or off.
    #[arg(long, env = "TIDEGATE_ACCESS_LOG", default_value = "all")]
    pub access_log: AccessLogMode,
    /// Most lines a second for requests that went well, and as many for those that did not. What is
    /// beyond is counted, and the count logged. 1000 lines cost about a hundredth of a core. 0: no
    /// limit.
    #[arg(long, env = "TIDEGATE_ACCESS_LOG_RATE", default_value_t = 1000)]
    pub access_log_rate: u32,
    /// Write the caller's traceparent and tracestate into the headers of the records that it
    /// produces. A request decides for itself with ?traceparent=true or =false.
    #[arg(long, env = "TIDEGATE_RECORD_TRACEPARENT")]
    pub record_traceparent: bool,
}

impl Default for Observation {
    /// As without any option.
    fn default() -> Self {
        Self {
            metrics_listen: None,
            access_log: AccessLogMode::All,
            access_log_rate: 1000,
            record_traceparent: false,
        }
    }
}

/// Where the identity provider may be, beyond https at public addresses.
#[derive(Clone, Debug, Args)]
pub struct Idp {
    /// Accepts loopback addresses, and http there. For development only.
    #[arg(long, env = "TIDEGATE_HTTP_LOOPBACK_IDP")]
    pub http_loopback_idp: bool,
    /// Private networks in which the identity provider may be: `10.0.0.0/8,fd12:3456::/32`.
    #[arg(long, env = "TIDEGATE_IDP_NETWORKS", value_delimiter = ',')]
    pub idp_networks: Vec<Network>,
}

impl Idp {
    /// The same as a rule.
    pub fn policy(&self) -> IdpPolicy {
        IdpPolicy::new(self.http_loopback_idp, self.idp_networks.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &[&str]) -> Result<Config, clap::Error> {
        let needed = [
            "tidegate-rest-proxy",
            "--control-plane-url=http://127.0.0.1:8080",
            "--token-file=/run/token",
        ];
        Config::try_parse_from(needed.iter().chain(options))
    }

    #[test]
    fn every_limit_has_a_default_and_an_option() {
        let config = parse(&["--max-sessions=7", "--basic-auth=false"]).unwrap();
        assert_eq!((config.limits.max_sessions, config.limits.max_consumers), (7, 2000));
        assert!(!config.limits.basic_auth);
        assert!(parse(&[]).unwrap().limits.basic_auth);
    }

    #[test]
    fn a_limit_of_nothing_is_refused_where_it_would_lock_everybody_out() {
        for option in ["max-in-flight-bytes", "max-logins", "max-client-builds", "max-sessions"] {
            assert!(parse(&[&format!("--{option}=0")]).is_err(), "{option}");
        }
    }
}
