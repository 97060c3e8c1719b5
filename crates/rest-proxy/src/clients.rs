//! How the librdkafka clients of a session are configured, and what they tell about Kafka.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use kafka::{AdminConfig, Credential, ScramMechanism};
use model::{RestSettings, Timestamp};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::Notify;
use tracing::{debug, warn};

use crate::librdkafka::Login;
use crate::owner::{Credential as Proof, Owner};

/// How long records that may go anywhere go to one partition.
pub(crate) const STICKY_MS: i64 = 200;
const CLIENT_ID: &str = "tidegate-rest";

/// What the clients of one session noticed. Written by librdkafka's callbacks.
#[derive(Default)]
pub(crate) struct Health {
    /// Told of a refused login.
    wake: Arc<Notify>,
    /// When a broker refused a login, not looked into yet; 0 for never.
    refused_at: AtomicI64,
    away: AtomicBool,
}

impl Health {
    pub(crate) fn new(wake: Arc<Notify>) -> Self {
        Self { wake, ..Self::default() }
    }

    /// When a refused login is to be looked into, `grace` after it.
    pub(crate) fn refusal_due(&self, grace: Duration) -> Option<Timestamp> {
        let at = self.refused_at.load(Ordering::Relaxed);
        let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        (at != 0).then(|| Timestamp(at).plus_ms(grace))
    }

    /// Whether a broker refused a login at least `grace` ago. Says so once.
    pub(crate) fn take_refusal(&self, now: Timestamp, grace: Duration) -> bool {
        let at = self.refused_at.load(Ordering::Relaxed);
        let waited = u128::try_from(now.0 - at).unwrap_or(0);
        at != 0
            && waited >= grace.as_millis()
            && self.refused_at.compare_exchange(at, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Whether all brokers were gone, and nobody found them back yet.
    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    /// A broker answered.
    pub(crate) fn found_back(&self) {
        self.away.store(false, Ordering::Release);
    }

    pub(crate) fn note(&self, code: RDKafkaErrorCode) {
        match code {
            RDKafkaErrorCode::Authentication => {
                // The first of a series counts; librdkafka goes on trying by itself.
                let now = Timestamp::now().0;
                let _series =
                    self.refused_at.compare_exchange(0, now, Ordering::AcqRel, Ordering::Relaxed);
                self.wake.notify_one();
            }
            RDKafkaErrorCode::AllBrokersDown => self.away.store(true, Ordering::Release),
            _ => {}
        }
    }
}

/// The callbacks that producers and consumers have in common.
pub(crate) struct Callbacks(pub(crate) Arc<Health>);

impl ClientContext for Callbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if level as i32 <= RDKafkaLogLevel::Critical as i32 {
            warn!(facility, "librdkafka: {message}");
        } else {
            debug!(facility, "librdkafka: {message}");
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(code) = error.rdkafka_error_code() {
            self.0.note(code);
        }
        debug!(reason, error = &error as &dyn std::error::Error, "librdkafka");
    }
}

/// Addresses and login, the same for producers and consumers of `owner`.
fn common(settings: &RestSettings, owner: &Owner) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("client.id", CLIENT_ID)
        .set("security.protocol", &settings.security_protocol)
        .set("allow.auto.create.topics", "false")
        // A refused or restarted broker is tried again at least every second. The first pause is
        // also the one between two connections of a new client.
        .set("reconnect.backoff.ms", "20")
        .set("reconnect.backoff.max.ms", "1000")
        .set("socket.connection.setup.timeout.ms", "5000")
        .set("socket.keepalive.enable", "true")
        .set_log_level(RDKafkaLogLevel::Warning);
    match owner {
        // Filled in by `login`, before there is a broker to connect to.
        Owner::Proxy => config
            .set("sasl.mechanism", "PLAIN")
            .set("sasl.username", "-")
            .set("sasl.password", "-"),
        Owner::User { .. } => config
            .set("sasl.mechanism", mechanism(settings).as_str())
            .set("sasl.username", "-")
            .set("sasl.password", "-"),
        // The token is set on the live client; without one it does not connect.
        Owner::Oidc { .. } => config
            .set("bootstrap.servers", bootstrap(settings, owner).join(","))
            .set("sasl.mechanism", "OAUTHBEARER"),
    };
    config
}

/// What a new client of `owner` is told before it connects; nothing for one that waits for a token.
pub(crate) fn login(settings: &RestSettings, owner: &Owner, proof: &Proof) -> Option<Login> {
    let (username, password) = match (owner, proof) {
        (Owner::User { username }, Proof::Password(password)) => {
            (username.to_string(), password.text.clone())
        }
        (Owner::Proxy, _) => {
            (settings.own_identity.username.clone(), settings.own_identity.password.clone())
        }
        _ => return None,
    };
    Some(Login { username, password, brokers: bootstrap(settings, owner).join(",") })
}

/// How service users log in.
fn mechanism(settings: &RestSettings) -> ScramMechanism {
    let mut known = settings.scram_mechanisms.iter().filter_map(|it| ScramMechanism::named(it));
    // Without one nobody gets in with a password, so that no client is made.
    known.next().unwrap_or(ScramMechanism::Sha256)
}

/// The configuration of a producer of `owner`, which waits `linger` for more records. A record that
/// cannot be delivered fails within `timeout`.
pub(crate) fn producer(
    settings: &RestSettings,
    owner: &Owner,
    linger: Duration,
    timeout: Duration,
) -> ClientConfig {
    let wanted = &settings.producer;
    let timeout_ms = timeout.as_millis();
    let mut config = common(settings, owner);
    config
        // Whatever `producer_acks` says: an acknowledged record is not lost with one broker, and a
        // repeated request to a broker is no second record.
        .set("acks", "all")
        .set("enable.idempotence", "true")
        // With more, an idempotent producer of librdkafka repeats records when a leader moves
        // (librdkafka #4953), and one that is not reorders them.
        .set("max.in.flight", "1")
        .set("compression.type", &wanted.compression_type)
        .set("linger.ms", (linger.as_secs_f64() * 1e3).to_string())
        .set("message.max.bytes", wanted.max_request_size.max(1000).to_string())
        .set("message.timeout.ms", timeout_ms.to_string())
        .set("request.timeout.ms", (timeout_ms / 3).clamp(1000, 9_000).to_string())
        .set("socket.timeout.ms", (timeout_ms / 3).clamp(1000, 10_000).to_string())
        // The same partition for a key as Java's clients choose.
        .set("partitioner", "murmur2_random")
        // One partition at a time: larger batches (`rest-speed`: a third of the broker's CPU).
        .set("sticky.partitioning.linger.ms", STICKY_MS.to_string())
        // That a topic exists was asked before.
        .set("topic.metadata.propagation.max.ms", "3000")
        .set("queue.buffering.max.kbytes", "131072")
        .set("queue.buffering.max.messages", "1000000");
    config
}

/// What a consumer instance is created with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConsumerWishes {
    pub(crate) group: String,
    pub(crate) auto_commit: bool,
    pub(crate) earliest: bool,
    pub(crate) fetch_min_bytes: u32,
    /// Whether records of open and aborted transactions are left out.
    pub(crate) read_committed: bool,
}

impl ConsumerWishes {
    fn isolation_level(&self) -> &'static str {
        if self.read_committed { "read_committed" } else { "read_uncommitted" }
    }
}

/// The configuration of a consumer of `owner`.
pub(crate) fn consumer(
    settings: &RestSettings,
    owner: &Owner,
    wishes: &ConsumerWishes,
) -> ClientConfig {
    let mut config = common(settings, owner);
    config
        .set("group.id", &wishes.group)
        .set("enable.auto.commit", wishes.auto_commit.to_string())
        .set("auto.commit.interval.ms", "1000")
        // What is committed is what was handed out, not what librdkafka has read ahead.
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", if wishes.earliest { "earliest" } else { "latest" })
        .set("fetch.min.bytes", wishes.fetch_min_bytes.to_string())
        .set("isolation.level", wishes.isolation_level())
        .set("session.timeout.ms", "10000")
        .set("heartbeat.interval.ms", "2000")
        // A coordinator that died is given up after this time.
        .set("socket.timeout.ms", "10000")
        // Only eager strategies: the rebalance callback relies on it.
        .set("partition.assignment.strategy", "range,roundrobin")
        // A topic or a match of a pattern that appears is found within this time.
        .set("topic.metadata.refresh.interval.ms", "30000")
        // Read ahead little and go on quickly (`rest-speed`, section 6).
        .set("queued.max.messages.kbytes", "4096")
        .set("fetch.queue.backoff.ms", "1");
    config
}

/// How `owner` asks for metadata.
pub(crate) fn admin(
    settings: &RestSettings,
    owner: &Owner,
    proof: &Proof,
    timeout: Duration,
) -> AdminConfig {
    let credential = match (owner, proof) {
        (_, Proof::Token(token)) => Credential::OauthBearer { token: token.text.clone() },
        (Owner::User { username }, Proof::Password(password)) => Credential::Scram {
            mechanism: mechanism(settings),
            username: username.to_string(),
            password: password.text.clone(),
        },
        _ => Credential::Plain {
            username: settings.own_identity.username.clone(),
            password: settings.own_identity.password.clone(),
        },
    };
    AdminConfig {
        bootstrap: bootstrap(settings, owner).to_vec(),
        credential,
        client_id: CLIENT_ID.to_owned(),
        timeout,
    }
}

fn bootstrap<'a>(settings: &'a RestSettings, owner: &Owner) -> &'a [String] {
    match owner {
        Owner::Proxy => &settings.bootstrap_internal,
        Owner::Oidc { .. } | Owner::User { .. } => &settings.bootstrap_client,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn the_proxys_own_name_is_not_left_to_the_configuration_which_cuts_its_space() {
        let settings = testing::settings("127.0.0.1:1");
        let mut config = common(&settings, &Owner::Proxy);
        assert_eq!(config.get("bootstrap.servers"), None, "no login before the right name");
        assert_eq!(login(&settings, &Owner::Proxy, &Proof::Own).unwrap().username, " rest-proxy");
        config.set("sasl.username", " rest-proxy");
        let native = config.create_native_config().unwrap();
        assert_eq!(native.get("sasl.username").unwrap().trim_end_matches('\0'), "rest-proxy");
    }

    #[test]
    fn a_producer_is_idempotent_whatever_acks_are_asked_for() {
        for acks in ["all", "-1", "1", "0"] {
            let mut settings = testing::settings("127.0.0.1:1");
            settings.producer.acks = acks.to_owned();
            let config =
                producer(&settings, &Owner::Proxy, Duration::ZERO, Duration::from_secs(28));
            assert_eq!(config.get("enable.idempotence"), Some("true"), "acks={acks}");
            config.create_native_config().unwrap();
        }
    }

    #[test]
    fn a_refused_login_is_looked_into_once_and_after_the_grace() {
        let health = Health::default();
        health.note(RDKafkaErrorCode::Authentication);
        let now = Timestamp::now();
        let grace = Duration::from_secs(1);
        assert!(!health.take_refusal(now, grace));
        assert!(health.take_refusal(now.plus_ms(1_500), grace));
        assert!(!health.take_refusal(now.plus_ms(3_000), grace));
    }
}
