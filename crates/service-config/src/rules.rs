//! What depends on several options at once.
//!
//! The limits between Kafka's own options were found by giving random values that the schema
//! allows to `kafka.server.KafkaConfig` of 4.3.1: with these rules it refuses none of them.

use model::IdpUrl;
use serde_json::Value;

use crate::effective::{Oidc, Rules, boolean, integer, set, text};
use crate::{ConfigError, UserConfig};

const JWKS_URL: &str = "kafka.sasl_oauthbearer_jwks_endpoint_url";
const ISSUER: &str = "kafka.sasl_oauthbearer_expected_issuer";
const AUDIENCE: &str = "kafka.sasl_oauthbearer_expected_audience";
const SUB_CLAIM_NAME: &str = "kafka.sasl_oauthbearer_sub_claim_name";
const SASL: &str = "kafka_authentication_methods.sasl";
const REPLICATION: &str = "kafka.default_replication_factor";
const MIN_IN_SYNC: &str = "kafka.min_insync_replicas";

/// The mechanisms that are options of their own, and Kafka's names of them.
pub(crate) const MECHANISMS: [(&str, &str); 2] = [
    ("kafka_sasl_mechanisms.scram_sha_256", "SCRAM-SHA-256"),
    ("kafka_sasl_mechanisms.scram_sha_512", "SCRAM-SHA-512"),
];

/// How two options have to be ordered.
#[derive(Clone, Copy)]
enum Order {
    AtMost,
    Below,
}

/// Pairs of options of `kafka`: the first has to be at most, or below, the second.
const ORDERED: [(&str, Order, &str); 13] = [
    ("group_min_session_timeout_ms", Order::AtMost, "group_max_session_timeout_ms"),
    ("group_share_heartbeat_interval_ms", Order::AtMost, "group_share_max_heartbeat_interval_ms"),
    ("group_share_heartbeat_interval_ms", Order::Below, "group_share_session_timeout_ms"),
    ("group_share_min_heartbeat_interval_ms", Order::AtMost, "group_share_heartbeat_interval_ms"),
    (
        "group_share_min_heartbeat_interval_ms",
        Order::AtMost,
        "group_share_max_heartbeat_interval_ms",
    ),
    ("group_share_session_timeout_ms", Order::AtMost, "group_share_max_session_timeout_ms"),
    ("group_share_min_session_timeout_ms", Order::AtMost, "group_share_session_timeout_ms"),
    ("group_share_min_session_timeout_ms", Order::AtMost, "group_share_max_session_timeout_ms"),
    (
        "group_share_record_lock_duration_ms",
        Order::AtMost,
        "group_share_max_record_lock_duration_ms",
    ),
    (
        "group_share_min_record_lock_duration_ms",
        Order::AtMost,
        "group_share_record_lock_duration_ms",
    ),
    (
        "group_share_min_record_lock_duration_ms",
        Order::AtMost,
        "group_share_max_record_lock_duration_ms",
    ),
    ("log_cleaner_min_compaction_lag_ms", Order::AtMost, "log_cleaner_max_compaction_lag_ms"),
    ("min_insync_replicas", Order::AtMost, "default_replication_factor"),
];

/// Reads the four OIDC options. `None` if OIDC is off, or if something is wrong with it.
pub(crate) fn oidc(
    config: &UserConfig,
    rules: Rules,
    errors: &mut Vec<ConfigError>,
) -> Option<Oidc> {
    let audiences = audiences(config, errors);
    let url = set(config, JWKS_URL)?.as_str().filter(|url| !url.is_empty())?;
    let jwks_url = IdpUrl::parse(url, rules.url_policy)
        .map_err(|rule| errors.push(error(config, JWKS_URL, rule.to_string())));
    let issuer = text(config, ISSUER);
    if issuer.is_none() {
        // Kafka's check would be off, and any token signed by one of the keys be accepted.
        errors.push(error(config, ISSUER, format!("is no issuer: required with {JWKS_URL}")));
    }
    if audiences.is_empty() {
        errors.push(error(config, AUDIENCE, format!("is no audience: required with {JWKS_URL}")));
    }
    if !boolean(config, SASL) {
        errors.push(error(config, JWKS_URL, format!("requires {SASL}=true")));
    }
    Some(Oidc {
        jwks_url: jwks_url.ok()?,
        issuer: issuer?.to_owned(),
        audiences,
        sub_claim_name: text(config, SUB_CLAIM_NAME)?.to_owned(),
    })
}

/// Splits as Kafka splits a list, each audience once.
fn audiences(config: &UserConfig, errors: &mut Vec<ConfigError>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let Some(text) = text(config, AUDIENCE) else { return found };
    for item in text.split(',').map(|it| it.trim_matches(' ')) {
        if item.is_empty() {
            errors.push(error(config, AUDIENCE, "has an empty item between its commas"));
            break;
        }
        if !found.iter().any(|it| it == item) {
            found.push(item.to_owned());
        }
    }
    found
}

/// There has to be a way in.
pub(crate) fn authentication(config: &UserConfig, errors: &mut Vec<ConfigError>) {
    if !boolean(config, SASL) {
        let rule = "leaves no way in: kafka_authentication_methods.certificate is false too";
        errors.push(error(config, SASL, rule));
        return;
    }
    let oauthbearer =
        set(config, JWKS_URL).and_then(Value::as_str).is_some_and(|it| !it.is_empty());
    if !oauthbearer && MECHANISMS.iter().all(|(option, _)| !boolean(config, option)) {
        let rule = format!(
            "leaves no SASL mechanism: one of scram_sha_256 and scram_sha_512, or {JWKS_URL}, is needed"
        );
        errors.push(error(config, "kafka_sasl_mechanisms", rule));
    }
}

/// What Kafka itself asks of its options, beyond their ranges.
pub(crate) fn broker(config: &UserConfig, errors: &mut Vec<ConfigError>) {
    for key in ["kafka.log_retention_hours", "kafka.log_retention_ms"] {
        if integer(config, key) == Some(0) {
            errors.push(error(config, key, "is neither -1 (unlimited) nor 1 or more"));
        }
    }
    for (lower, order, upper) in ORDERED {
        let (lower, upper) = (format!("kafka.{lower}"), format!("kafka.{upper}"));
        let (Some(low), Some(high)) = (number(config, &lower), number(config, &upper)) else {
            continue;
        };
        let kept = match order {
            Order::AtMost => low <= high,
            Order::Below => low < high,
        };
        if !kept {
            errors.push(out_of_order(config, order, (&lower, low), (&upper, high)));
        }
    }
}

/// What cannot be met by so many nodes.
pub(crate) fn nodes(config: &UserConfig, node_count: usize) -> Vec<ConfigError> {
    let most = i64::try_from(node_count).unwrap_or(i64::MAX);
    [REPLICATION, MIN_IN_SYNC]
        .into_iter()
        .filter(|key| integer(config, key).is_some_and(|it| it > most))
        .map(|key| {
            error(config, key, format!("is more than the {node_count} nodes of the service"))
        })
        .collect()
}

/// The value that an option has if nothing is set; the default of the replication factor is the
/// only one that the schema cannot hold, since it depends on the nodes.
fn number(config: &UserConfig, key: &str) -> Option<i64> {
    integer(config, key).or((key == REPLICATION).then_some(3))
}

/// Names the option that is set; if both are, the second.
fn out_of_order(
    config: &UserConfig,
    order: Order,
    (lower, low): (&str, i64),
    (upper, high): (&str, i64),
) -> ConfigError {
    let (too_high, too_low) = match order {
        Order::AtMost => ("is more than", "is less than"),
        Order::Below => ("is not less than", "is not more than"),
    };
    if set(config, lower).is_some() && set(config, upper).is_none() {
        error(config, lower, format!("{too_high} {upper} ({high})"))
    } else {
        error(config, upper, format!("{too_low} {lower} ({low})"))
    }
}

fn error(config: &UserConfig, key: &str, rule: impl Into<String>) -> ConfigError {
    ConfigError::new(key, set(config, key).unwrap_or(&Value::Null), rule)
}
