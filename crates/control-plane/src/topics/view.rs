//! Topics as they are in Kafka, and as they shall be.

use std::collections::BTreeMap;

use kafka::{Admin, ConfigEntry, ConfigResource, ConfigSource, ErrorCode, OffsetSpec, Topic};
use model::TopicName;
use serde::Serialize;
use serde_json::Value;
use service_config::TOPIC_OPTIONS;
use store::DesiredTopic;
use tracing::debug;
use utoipa::ToSchema;
use web::chain;

use super::options::{
    CLEANUP_POLICY, MIN_IN_SYNC, MS_PER_HOUR, RETENTION_BYTES, RETENTION_MS, Tag,
};
use crate::error::ApiError;

/// A topic.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopicSummary {
    pub(crate) topic_name: String,
    pub(crate) partitions: usize,
    pub(crate) replication: usize,
    pub(crate) min_insync_replicas: Option<i64>,
    pub(crate) retention_bytes: Option<i64>,
    /// -1 for no limit.
    pub(crate) retention_hours: Option<i64>,
    pub(crate) cleanup_policy: Option<String>,
    pub(crate) remote_storage_enable: bool,
    pub(crate) diskless_enable: bool,
    /// `ACTIVE`, `CONFIGURING` or `DELETING`.
    pub(crate) state: &'static str,
    pub(crate) tags: Vec<Tag>,
    pub(crate) tidegate: TopicExtras,
}

/// What Aiven's API has no place for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopicExtras {
    /// Why Kafka does not have the topic as it should be.
    pub(crate) problem: Option<String>,
}

/// A topic with everything that Kafka knows of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopicDetails {
    pub(crate) topic_name: String,
    pub(crate) partitions: Vec<PartitionView>,
    pub(crate) replication: usize,
    pub(crate) min_insync_replicas: Option<i64>,
    pub(crate) retention_bytes: Option<i64>,
    /// -1 for no limit.
    pub(crate) retention_hours: Option<i64>,
    pub(crate) cleanup_policy: Option<String>,
    pub(crate) state: &'static str,
    pub(crate) tags: Vec<Tag>,
    pub(crate) config: BTreeMap<String, OptionView>,
    pub(crate) tidegate: DetailsExtras,
}

/// What Aiven's API has no place for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DetailsExtras {
    /// Why Kafka does not have the topic as it should be.
    pub(crate) problem: Option<String>,
    /// Whether every broker told its consumer groups. One that is being restarted does not.
    pub(crate) consumer_groups_complete: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartitionView {
    pub(crate) partition: i32,
    /// How many replicas are in sync.
    pub(crate) isr: usize,
    /// Not measured.
    pub(crate) size: Option<i64>,
    pub(crate) earliest_offset: Option<i64>,
    pub(crate) latest_offset: Option<i64>,
    pub(crate) consumer_groups: Vec<GroupView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupView {
    pub(crate) group_name: String,
    pub(crate) offset: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OptionView {
    #[schema(value_type = Value)]
    pub(crate) value: Value,
    pub(crate) source: &'static str,
    pub(crate) synonyms: [String; 0],
}

fn number(config: &BTreeMap<&str, &str>, name: &str) -> Option<i64> {
    config.get(name)?.parse().ok()
}

fn hours(config: &BTreeMap<&str, &str>) -> Option<i64> {
    number(config, RETENTION_MS).map(|ms| if ms < 0 { -1 } else { ms / MS_PER_HOUR })
}

fn tags(desired: Option<&DesiredTopic>) -> Vec<Tag> {
    let tags = desired.into_iter().flat_map(|it| it.tags.clone());
    tags.map(|(key, value)| Tag { key, value }).collect()
}

fn state(in_kafka: bool, desired: Option<&DesiredTopic>) -> &'static str {
    match desired {
        Some(it) if it.deleting => "DELETING",
        _ if in_kafka => "ACTIVE",
        _ => "CONFIGURING",
    }
}

fn extras(desired: Option<&DesiredTopic>) -> TopicExtras {
    TopicExtras { problem: desired.and_then(|it| it.problem.clone()) }
}

fn values(entries: &[ConfigEntry]) -> BTreeMap<&str, &str> {
    let set = entries.iter().filter_map(|it| Some((it.name.as_str(), it.value.as_deref()?)));
    set.collect()
}

pub(super) fn replication(topic: &Topic) -> usize {
    topic.partitions.first().map_or(0, |it| it.replicas.len())
}

/// Every topic that is there or shall be there, Kafka's own not among them.
pub(super) async fn list(
    admin: &Admin,
    desired: Vec<DesiredTopic>,
) -> Result<Vec<TopicSummary>, ApiError> {
    let mut desired: BTreeMap<String, DesiredTopic> =
        desired.into_iter().map(|it| (it.name.to_string(), it)).collect();
    let mut topics = admin.describe_topics(None).await?;
    topics.retain(|it| !it.internal);
    let names: Vec<TopicName> = topics.iter().filter_map(|it| it.name.parse().ok()).collect();
    let keys = [CLEANUP_POLICY, MIN_IN_SYNC, RETENTION_BYTES, RETENTION_MS];
    let configs = admin.describe_topic_configs(&names, &keys).await?;
    let real = topics.iter().map(|topic| {
        let entries = configs.get(&topic.name).map(Vec::as_slice).unwrap_or_default();
        let desired = desired.remove(&topic.name);
        let shape = (topic.partitions.len(), replication(topic));
        summary(&topic.name, shape, &values(entries), true, desired.as_ref())
    });
    let mut found: Vec<TopicSummary> = real.collect();
    // A topic that is to be deleted and is gone needs no mention.
    for topic in desired.into_values().filter(|it| !it.deleting) {
        let config = topic.config.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let shape = (
            usize::try_from(topic.partitions).unwrap_or_default(),
            usize::try_from(topic.replication).unwrap_or_default(),
        );
        found.push(summary(topic.name.as_str(), shape, &config.collect(), false, Some(&topic)));
    }
    found.sort_by(|a, b| a.topic_name.cmp(&b.topic_name));
    Ok(found)
}

fn summary(
    name: &str,
    (partitions, replication): (usize, usize),
    config: &BTreeMap<&str, &str>,
    in_kafka: bool,
    desired: Option<&DesiredTopic>,
) -> TopicSummary {
    TopicSummary {
        topic_name: name.to_owned(),
        partitions,
        replication,
        min_insync_replicas: number(config, MIN_IN_SYNC),
        retention_bytes: number(config, RETENTION_BYTES),
        retention_hours: hours(config),
        cleanup_policy: config.get(CLEANUP_POLICY).map(|it| (*it).to_owned()),
        remote_storage_enable: false,
        diskless_enable: false,
        state: state(in_kafka, desired),
        tags: tags(desired),
        tidegate: extras(desired),
    }
}

/// A topic as Kafka has it; `None` if it has none of that name.
pub(super) async fn find(admin: &Admin, name: &TopicName) -> Result<Option<Topic>, ApiError> {
    let found = admin.describe_topics(Some(std::slice::from_ref(name))).await?;
    let Some(topic) = found.into_iter().find(|it| it.name == name.as_str()) else {
        return Ok(None);
    };
    match topic.error {
        None => Ok(Some(topic)),
        Some(ErrorCode::UnknownTopicOrPartition) => Ok(None),
        Some(code) => Err(kafka::KafkaError::Broker { code, message: None }.into()),
    }
}

/// Everything that Kafka knows of a topic.
pub(super) async fn details(
    admin: &Admin,
    name: &TopicName,
    topic: &Topic,
    desired: Option<&DesiredTopic>,
) -> Result<TopicDetails, ApiError> {
    let entries = admin.describe_configs(&ConfigResource::Topic(name.clone()), None).await?;
    let config = values(&entries);
    let committed = committed(admin, name).await?;
    Ok(TopicDetails {
        topic_name: name.to_string(),
        partitions: partitions(admin, name, topic, committed.as_ref()).await?,
        replication: replication(topic),
        min_insync_replicas: number(&config, MIN_IN_SYNC),
        retention_bytes: number(&config, RETENTION_BYTES),
        retention_hours: hours(&config),
        cleanup_policy: config.get(CLEANUP_POLICY).map(|it| (*it).to_owned()),
        state: state(true, desired),
        tags: tags(desired),
        config: options(&entries),
        tidegate: DetailsExtras {
            problem: desired.and_then(|it| it.problem.clone()),
            consumer_groups_complete: committed.is_some()
                && led(topic).len() == topic.partitions.len(),
        },
    })
}

/// By group and partition.
type Committed = BTreeMap<(String, i32), i64>;

/// What groups have committed; `None` if some broker is away and would have to be asked.
async fn committed(admin: &Admin, name: &TopicName) -> Result<Option<Committed>, ApiError> {
    match admin.committed_offsets(name).await.map_err(ApiError::from) {
        Ok(committed) => Ok(Some(committed)),
        Err(ApiError::Unavailable(_, cause)) => {
            debug!(error = %chain(&*cause), "consumer groups are not known");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The partitions that have a leader: of the others nobody could tell an offset.
fn led(topic: &Topic) -> Vec<i32> {
    topic.partitions.iter().filter(|it| it.leader.is_some()).map(|it| it.index).collect()
}

async fn partitions(
    admin: &Admin,
    name: &TopicName,
    topic: &Topic,
    committed: Option<&Committed>,
) -> Result<Vec<PartitionView>, ApiError> {
    let led = led(topic);
    let (earliest, latest) = tokio::try_join!(
        admin.list_offsets(name, &led, OffsetSpec::Earliest),
        admin.list_offsets(name, &led, OffsetSpec::Latest),
    )?;
    let groups = |partition: i32| {
        let all = committed.into_iter().flatten();
        // `avn` subtracts these from the latest offset, and crashes if there is none.
        let known = latest.contains_key(&partition);
        let of_it = all.filter(move |((_, it), _)| known && *it == partition);
        of_it.map(|((group, _), offset)| GroupView { group_name: group.clone(), offset: *offset })
    };
    let view = |it: &kafka::Partition| PartitionView {
        partition: it.index,
        isr: it.in_sync.len(),
        size: None,
        earliest_offset: earliest.get(&it.index).copied(),
        latest_offset: latest.get(&it.index).copied(),
        consumer_groups: groups(it.index).collect(),
    };
    Ok(topic.partitions.iter().map(view).collect())
}

fn options(entries: &[ConfigEntry]) -> BTreeMap<String, OptionView> {
    let known = entries.iter().filter(|it| TOPIC_OPTIONS.contains(&it.name.as_str()));
    let view = |it: &ConfigEntry| OptionView {
        value: typed(it.value.as_deref()),
        source: source(it.source),
        synonyms: [],
    };
    known.map(|it| (it.name.replace('.', "_"), view(it))).collect()
}

/// Kafka's text as the number or boolean that it stands for.
fn typed(text: Option<&str>) -> Value {
    let Some(text) = text else { return Value::Null };
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        _ => Value::from(text),
    }
}

const fn source(source: ConfigSource) -> &'static str {
    match source {
        ConfigSource::Topic => "topic_config",
        ConfigSource::DynamicBroker => "dynamic_broker_config",
        ConfigSource::DynamicDefaultBroker => "dynamic_default_broker_config",
        ConfigSource::StaticBroker => "static_broker_config",
        ConfigSource::Default => "default_config",
        _ => "unknown_config",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_get_their_type_back() {
        assert_eq!(typed(Some("604800000")), 604_800_000);
        assert_eq!(typed(Some("0.5")), 0.5);
        assert_eq!(typed(Some("false")), false);
        assert_eq!(typed(Some("compact")), "compact");
        assert_eq!(typed(None), Value::Null);
    }
}
