//! What the forms of topics ask, and the API's fields that their answers are.

use std::collections::BTreeMap;

use console::pages::form::{Input, Question};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::refused::number;
use crate::error::ApiError;
use crate::topics::{CreateTopic, TopicFields};

/// Kafka's names of the options that have a field of their own, and the API's names.
const NAMED: [(&str, &str); 4] = [
    ("min.insync.replicas", "min_insync_replicas"),
    ("retention.ms", "retention_ms"),
    ("retention.bytes", "retention_bytes"),
    ("cleanup.policy", "cleanup_policy"),
];
const MS_PER_HOUR: i64 = 3_600_000;

/// What was filled in. An empty text is nothing.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub(in crate::console) struct TopicForm {
    pub(super) topic_name: String,
    pub(super) partitions: String,
    pub(super) replication: String,
    pub(super) min_insync_replicas: String,
    pub(super) retention_hours: String,
    pub(super) retention_bytes: String,
    pub(super) cleanup_policy: String,
    /// Other options, a line each: `max_message_bytes=1000`.
    pub(super) config: String,
    /// What the topic has set of its own when the form was made, in the form of `config`: what was
    /// there and is not any more goes back to the service's, and what stayed as it was is not sent.
    pub(super) was: String,
}

impl TopicForm {
    /// What a topic has set of its own, to be changed.
    pub(super) fn of(partitions: usize, own: &BTreeMap<String, String>) -> Self {
        let text = |name: &str| own.get(name).cloned().unwrap_or_default();
        let is_named = |it: &str| NAMED.iter().any(|(name, _)| *name == it);
        let line =
            |(name, value): (&String, &String)| format!("{}={value}", name.replace('.', "_"));
        let lines = |all: bool| {
            let wanted = own.iter().filter(|(name, _)| all || !is_named(name));
            wanted.map(line).collect::<Vec<_>>().join("\n")
        };
        let hours = |ms: String| match ms.parse::<i64>() {
            Ok(ms) if ms < 0 => "-1".to_owned(),
            Ok(ms) => (ms / MS_PER_HOUR).to_string(),
            Err(_) => ms,
        };
        Self {
            partitions: partitions.to_string(),
            min_insync_replicas: text("min.insync.replicas"),
            retention_hours: hours(text("retention.ms")),
            retention_bytes: text("retention.bytes"),
            cleanup_policy: text("cleanup.policy"),
            config: lines(false),
            was: lines(true),
            ..Self::default()
        }
    }

    /// The questions about options, `empty` being what it means to leave one out.
    pub(super) fn options(&self, empty: &str) -> Vec<Question> {
        let line = |name, label, help: &str, value: &str| {
            Question::line(name, label, format!("{help} {empty}").trim().to_owned()).with(value)
        };
        let in_sync = "How many replicas confirm a record, less than the replication.";
        let config = "One in a line, such as max_message_bytes=1000000.";
        let words = ["", "delete", "compact", "compact,delete"];
        vec![
            line("min_insync_replicas", "Minimum in sync", in_sync, &self.min_insync_replicas),
            line("retention_hours", "Retention, hours", "-1: for ever.", &self.retention_hours),
            line("retention_bytes", "Retention, bytes", "-1: no limit.", &self.retention_bytes),
            Question::line("cleanup_policy", "Cleanup", "What becomes of old records.")
                .with(self.cleanup_policy.as_str())
                .of(words),
            Question {
                input: Input::Lines,
                ..line("config", "Other options", config, &self.config)
            },
        ]
    }

    /// A topic to be made.
    pub(super) fn create(&self) -> Result<CreateTopic, ApiError> {
        let fields = TopicFields {
            partitions: number("partitions", &self.partitions)?,
            replication: number("replication", &self.replication)?,
            ..self.fields()?
        };
        Ok(CreateTopic { topic_name: self.topic_name.trim().to_owned(), fields })
    }

    /// What was changed in the form since it was made. What somebody else changed meanwhile stays.
    pub(super) fn update(&self) -> Result<TopicFields, ApiError> {
        let was: BTreeMap<String, String> =
            lines(&self.was)?.into_iter().map(|(name, it)| (name.replace('_', "."), it)).collect();
        let before = Self::of(0, &was);
        let stays = |now: &str, before: &str| now.trim() == before;
        let mut fields = self.fields()?;
        let mut config = fields.config.take().unwrap_or_default();
        let had = lines(&before.config)?;
        config.retain(|name, value| had.get(name).map(String::as_str) != value.as_str());
        let given = lines(&self.config)?;
        let gone = had.into_keys().filter(|it| !given.contains_key(it));
        config.extend(gone.map(|it| (it, Value::Null)));
        // A field that was emptied goes back to the service's.
        let mut settle = |now: &str, then: &str, name: &str| {
            if now.trim().is_empty() && !then.is_empty() {
                config.insert(name.to_owned(), Value::Null);
            }
            stays(now, then)
        };
        if settle(&self.min_insync_replicas, &before.min_insync_replicas, "min_insync_replicas") {
            fields.min_insync_replicas = None;
        }
        if settle(&self.retention_hours, &before.retention_hours, "retention_ms") {
            fields.retention_hours = None;
        }
        if settle(&self.retention_bytes, &before.retention_bytes, "retention_bytes") {
            fields.retention_bytes = None;
        }
        if settle(&self.cleanup_policy, &before.cleanup_policy, "cleanup_policy") {
            fields.cleanup_policy = None;
        }
        fields.config = Some(config);
        fields.partitions = number("partitions", &self.partitions)?;
        Ok(fields)
    }

    fn fields(&self) -> Result<TopicFields, ApiError> {
        let policy = self.cleanup_policy.trim();
        let config = lines(&self.config)?.into_iter().map(|(name, it)| (name, Value::String(it)));
        Ok(TopicFields {
            min_insync_replicas: number("min_insync_replicas", &self.min_insync_replicas)?,
            retention_hours: number("retention_hours", &self.retention_hours)?,
            retention_bytes: number("retention_bytes", &self.retention_bytes)?,
            cleanup_policy: (!policy.is_empty()).then(|| policy.to_owned()),
            config: Some(config.collect::<Map<String, Value>>()),
            ..TopicFields::default()
        })
    }
}

/// `name=value` in each line, by the API's name. Kafka's name will do too.
fn lines(text: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
    let pair = |line: &str| {
        let (name, value) = line.split_once('=').ok_or_else(|| {
            let shown: String = line.escape_debug().take(64).collect();
            ApiError::Invalid(format!("Invalid 'config' '{shown}': it is not NAME=VALUE"))
        })?;
        Ok((name.trim().replace('.', "_"), value.trim().to_owned()))
    };
    lines.map(pair).collect()
}

#[cfg(test)]
mod tests;
