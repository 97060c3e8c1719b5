//! The bounds, each an option with what happens at it.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{ArgAction, Args};

use crate::edge::Edge;

/// Bounds of what the proxy keeps for its callers.
#[derive(Clone, Debug, Args)]
pub struct Limits {
    /// Principals with open Kafka clients. Beyond it the least recently used one without consumers
    /// is closed; if all have consumers, a new principal gets 503.
    #[arg(long, env = "TIDEGATE_MAX_SESSIONS", default_value_t = 1000, value_parser = from_one())]
    pub max_sessions: usize,
    /// Kafka clients that are being created at the same time. More wait.
    #[arg(long, env = "TIDEGATE_MAX_CLIENT_BUILDS", default_value_t = 16,
          value_parser = from_one())]
    pub max_client_builds: usize,
    /// Seconds after which a principal's unused clients are closed. Those with consumers stay until
    /// the consumers are idle.
    #[arg(long, env = "TIDEGATE_SESSION_IDLE_SECS", default_value_t = 300)]
    pub session_idle_secs: u32,
    /// Consumer instances of one principal; more get 429.
    #[arg(long, env = "TIDEGATE_MAX_CONSUMERS_PER_PRINCIPAL", default_value_t = 100)]
    pub max_consumers_per_principal: usize,
    /// Consumer instances of all principals; more get 503.
    #[arg(long, env = "TIDEGATE_MAX_CONSUMERS", default_value_t = 2000)]
    pub max_consumers: usize,
    /// Seconds without a request after which an instance's Kafka client is closed and leaves its
    /// group. The instance keeps its subscription and positions, and goes on with the next request.
    /// The service's `consumer_idle_disconnect_timeout`, if set, ends idle instances for good.
    #[arg(long, env = "TIDEGATE_CONSUMER_IDLE_SECS", default_value_t = 300)]
    pub consumer_idle_secs: u32,
    /// Seconds without a request after which an instance without a Kafka client is forgotten: its
    /// token expired, or it was idle. Then it is 404.
    #[arg(long, env = "TIDEGATE_CONSUMER_RETENTION_SECS", default_value_t = 3600)]
    pub consumer_retention_secs: u32,
    /// Milliseconds after which a request that waits for Kafka fails with 503, and one whose body has
    /// not arrived with 408.
    #[arg(long, env = "TIDEGATE_REQUEST_TIMEOUT_MS", default_value_t = 30_000,
          value_parser = clap::value_parser!(u32).range(2_000..=300_000))]
    pub request_timeout_ms: u32,
    /// Requests of one principal at the same time; more get 429. Not counted while authorization is
    /// off, for then all callers are one.
    #[arg(long, env = "TIDEGATE_MAX_REQUESTS_PER_PRINCIPAL", default_value_t = 1000)]
    pub max_requests_per_principal: usize,
    /// Bytes of request bodies that are held at the same time. More wait, and are not read from
    /// their connections meanwhile.
    #[arg(long, env = "TIDEGATE_MAX_IN_FLIGHT_BYTES", default_value_t = 256 * 1024 * 1024,
          value_parser = RangedU64ValueParser::<usize>::new().range(1024..=u64::MAX))]
    pub max_in_flight_bytes: usize,
    /// Milliseconds that a request body waits for room; then the request gets 503.
    #[arg(long, env = "TIDEGATE_IN_FLIGHT_WAIT_MS", default_value_t = 2_000)]
    pub in_flight_wait_ms: u32,
    /// Records of one produce request; more get 413.
    #[arg(long, env = "TIDEGATE_MAX_RECORDS_PER_REQUEST", default_value_t = 100_000)]
    pub max_records_per_request: usize,
    /// Bytes of the body of a request to a consumer; more get 413. Of a produce request it is the
    /// service's `producer_max_request_size`.
    #[arg(long, env = "TIDEGATE_MAX_CONSUMER_BODY_BYTES", default_value_t = 256 * 1024)]
    pub max_consumer_body_bytes: u32,
    /// Milliseconds until a login that a broker refused is tried once more: brokers hear of new keys
    /// with a delay.
    #[arg(long, env = "TIDEGATE_REFUSAL_RETRY_MS", default_value_t = 1_000)]
    pub refusal_retry_ms: u32,
    /// Seconds that a token or a password which Kafka refused gets 401 without asking again.
    #[arg(long, env = "TIDEGATE_REFUSAL_KEPT_SECS", default_value_t = 10)]
    pub refusal_kept_secs: u32,
    /// Whether service users may come with their password (`Authorization: Basic`), while
    /// authorization is on.
    #[arg(long, env = "TIDEGATE_BASIC_AUTH", default_value_t = true, action = ArgAction::Set)]
    pub basic_auth: bool,
    /// Seconds that Kafka's word on a password is good for. Then it is asked again, so that a user
    /// who was removed is out.
    #[arg(long, env = "TIDEGATE_PASSWORD_CHECK_SECS", default_value_t = 60,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub password_check_secs: u32,
    /// Passwords seen for the first time that are tried at Kafka at the same time. More wait.
    #[arg(long, env = "TIDEGATE_MAX_LOGINS", default_value_t = 4, value_parser = from_one())]
    pub max_logins: usize,
    /// Requests that wait for such a trial; more get 503.
    #[arg(long, env = "TIDEGATE_MAX_LOGINS_WAITING", default_value_t = 64)]
    pub max_logins_waiting: usize,
    /// Refused credentials (401, 400) that are answered at once in a second, of all callers.
    #[arg(long, env = "TIDEGATE_REFUSALS_PER_SEC", default_value_t = 50)]
    pub refusals_per_sec: u32,
    /// Milliseconds that the others are held back, so that trying costs the good callers little.
    #[arg(long, env = "TIDEGATE_REFUSAL_HOLD_MS", default_value_t = 500)]
    pub refusal_hold_ms: u32,
    /// Answers that are held back at the same time. Beyond it they are given at once, and their
    /// connections are closed.
    #[arg(long, env = "TIDEGATE_MAX_REFUSALS_HELD", default_value_t = 1024)]
    pub max_refusals_held: usize,
    /// How the proxy is seen from outside.
    #[command(flatten)]
    pub edge: Edge,
}

fn from_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=u64::from(u32::MAX))
}

impl Limits {
    /// How long a request may wait for Kafka.
    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms.into())
    }

    /// How long brokers get to learn of a new key before a refused login counts as refused.
    pub(crate) fn refusal_retry(&self) -> Duration {
        Duration::from_millis(self.refusal_retry_ms.into())
    }

    /// How long a refusal is given without asking again.
    pub(crate) fn refusal_kept(&self) -> Duration {
        Duration::from_secs(self.refusal_kept_secs.into())
    }
}
