//! What may be said of a topic, and the rules that keep it writable while nodes restart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service_config::TOPIC_OPTIONS;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::extract::objects;

pub(super) const CLEANUP_POLICY: &str = "cleanup.policy";
pub(super) const MIN_IN_SYNC: &str = "min.insync.replicas";
pub(super) const RETENTION_BYTES: &str = "retention.bytes";
pub(super) const RETENTION_MS: &str = "retention.ms";

pub(super) const MS_PER_HOUR: i64 = 3_600_000;
const MAX_PARTITIONS: i32 = 10_000;

/// What is said of a topic. `null` is the same as nothing.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct TopicFields {
    /// 1-10000.
    pub(crate) partitions: Option<i32>,
    /// From 2 to the number of nodes.
    pub(crate) replication: Option<i16>,
    /// Less than `replication`.
    pub(crate) min_insync_replicas: Option<i64>,
    /// -1 for no limit.
    pub(crate) retention_bytes: Option<i64>,
    /// -1 for no limit.
    pub(crate) retention_hours: Option<i64>,
    /// `delete`, `compact`, or `compact,delete`.
    pub(crate) cleanup_policy: Option<String>,
    /// Other options by Kafka's names with `_` for each `.`; `null` goes back to the default.
    #[schema(value_type = Option<Object>)]
    pub(crate) config: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "objects")]
    pub(crate) tags: Option<Vec<Tag>>,
    /// What is not offered may be there as long as it asks for nothing.
    #[serde(flatten)]
    #[schema(ignore)]
    pub(crate) other: Map<String, Value>,
}

/// A label.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl TopicFields {
    /// Puts what is said over `config`.
    pub(super) fn apply_to(&self, config: &mut BTreeMap<String, String>) -> Result<(), ApiError> {
        for (name, value) in self.config.iter().flatten() {
            let option = option(name)?;
            match text(name, value)? {
                Some(text) => config.insert(option, text),
                None => config.remove(&option),
            };
        }
        let retention_ms = self.retention_hours.map(retention_ms).transpose()?;
        let named = [
            (MIN_IN_SYNC, self.min_insync_replicas.map(|it| it.to_string())),
            (RETENTION_BYTES, self.retention_bytes.map(|it| it.to_string())),
            (RETENTION_MS, retention_ms.map(|it| it.to_string())),
            (CLEANUP_POLICY, self.cleanup_policy.clone()),
        ];
        for (option, value) in named {
            if let Some(value) = value {
                config.insert(option.to_owned(), value);
            }
        }
        Ok(())
    }

    /// The labels in the order that they were given.
    pub(super) fn tags(&self) -> Option<Vec<(String, String)>> {
        let tags = self.tags.as_ref()?;
        Some(tags.iter().map(|it| (it.key.clone(), it.value.clone())).collect())
    }
}

/// Kafka's name of an option of the API.
fn option(name: &str) -> Result<String, ApiError> {
    let kafka = name.replace('_', ".");
    if TOPIC_OPTIONS.contains(&kafka.as_str()) {
        return Ok(kafka);
    }
    let shown: String = name.escape_debug().take(64).collect();
    Err(ApiError::Invalid(format!(
        "Invalid input for config 'Kafka topic configuration': '{shown}' is not offered"
    )))
}

/// A value as Kafka wants it; `None` to go back to the default.
fn text(name: &str, value: &Value) -> Result<Option<String>, ApiError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(_) | Value::Bool(_) => Ok(Some(value.to_string())),
        _ => Err(ApiError::Invalid(format!(
            "Invalid input for config '{name}': it is no text, number or boolean"
        ))),
    }
}

fn retention_ms(hours: i64) -> Result<i64, ApiError> {
    let ms = if hours == -1 { Some(-1) } else { hours.checked_mul(MS_PER_HOUR) };
    ms.filter(|it| *it >= -1).ok_or_else(|| {
        ApiError::Invalid(format!(
            "Invalid 'retention_hours': {hours} is neither -1 nor a number of hours"
        ))
    })
}

/// Checks the number of partitions.
pub(super) fn check_partitions(partitions: i32) -> Result<(), ApiError> {
    if (1..=MAX_PARTITIONS).contains(&partitions) {
        return Ok(());
    }
    Err(ApiError::Invalid(format!(
        "Invalid 'partitions': {partitions} is not in the range of 1 to {MAX_PARTITIONS}"
    )))
}

/// Checks the number of replicas: with one, a topic would be away whenever its node restarts.
pub(super) fn check_replication(replication: i16, nodes: usize) -> Result<(), ApiError> {
    let rule = if replication < 2 {
        "is less than the minimum of 2: a topic with one replica is away while its node restarts"
            .to_owned()
    } else if usize::try_from(replication).is_ok_and(|it| it > nodes) {
        format!("is more than the {nodes} nodes of the service")
    } else {
        return Ok(());
    };
    Err(ApiError::Invalid(format!("Invalid 'replication': {replication} {rule}")))
}

/// Checks how many replicas have to confirm a record: all of them would block writers whenever a
/// node restarts. A default of the cluster that is too high for this topic is lowered for it.
pub(super) fn settle_min_in_sync(
    config: &mut BTreeMap<String, String>,
    replication: i16,
    inherited: i64,
) -> Result<(), ApiError> {
    let most = i64::from(replication) - 1;
    match config.get(MIN_IN_SYNC) {
        None if inherited > most => {
            config.insert(MIN_IN_SYNC.to_owned(), most.max(1).to_string());
            Ok(())
        }
        None => Ok(()),
        Some(text) if text.parse().is_ok_and(|it: i64| (1..=most).contains(&it)) => Ok(()),
        Some(text) => Err(ApiError::Invalid(format!(
            "Invalid 'min_insync_replicas': {text} is not in the range of 1 to {most}, one less than \
             'replication': otherwise nothing can be written while a node restarts"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(fields: Value) -> TopicFields {
        serde_json::from_value(fields).unwrap()
    }

    fn applied(given: Value) -> Result<BTreeMap<String, String>, String> {
        let mut config = BTreeMap::from([("flush.ms".to_owned(), "7".to_owned())]);
        fields(given).apply_to(&mut config).map_err(|it| it.to_string())?;
        Ok(config)
    }

    #[test]
    fn aivens_names_become_kafkas_and_null_goes_back_to_the_default() {
        let config = applied(json!({
            "retention_hours": 2, "cleanup_policy": "compact", "min_insync_replicas": null,
            "config": { "max_message_bytes": 1000, "preallocate": true, "flush_ms": null },
        }));
        let expected = [
            ("cleanup.policy", "compact"),
            ("max.message.bytes", "1000"),
            ("preallocate", "true"),
            ("retention.ms", "7200000"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(config, Ok(BTreeMap::from(expected)));
        assert_eq!(applied(json!({ "retention_hours": -1 })).unwrap()["retention.ms"], "-1");
    }

    #[test]
    fn what_is_not_offered_is_refused() {
        let error = applied(json!({ "config": { "remote_storage_enable": true } })).unwrap_err();
        assert_eq!(
            error,
            "Invalid input for config 'Kafka topic configuration': 'remote_storage_enable' is not offered"
        );
        assert!(applied(json!({ "retention_hours": i64::MAX })).is_err());
        assert!(applied(json!({ "retention_hours": -2 })).is_err());
        assert!(applied(json!({ "config": { "flush_ms": [1] } })).is_err());
    }

    #[test]
    fn a_topic_stays_writable_while_one_node_is_away() {
        let settled = |given: Option<&str>, replication, inherited| {
            let mut config: BTreeMap<_, _> =
                given.map(|it| (MIN_IN_SYNC.to_owned(), it.to_owned())).into_iter().collect();
            settle_min_in_sync(&mut config, replication, inherited)
                .map(|()| config.remove(MIN_IN_SYNC))
        };
        assert_eq!(settled(None, 3, 2).unwrap(), None);
        assert_eq!(settled(None, 2, 2).unwrap(), Some("1".into()));
        assert_eq!(settled(Some("2"), 3, 1).unwrap(), Some("2".into()));
        for (given, replication) in [("3", 3), ("2", 2), ("0", 3), ("x", 3)] {
            assert!(settled(Some(given), replication, 2).is_err(), "{given} of {replication}");
        }
        assert!(check_replication(1, 3).is_err());
        assert!(check_replication(4, 3).is_err());
        assert!(check_replication(2, 3).is_ok());
    }
}
