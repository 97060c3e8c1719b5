//! Topics that the API was asked for. Topics that clients make by themselves are left alone.

use std::collections::BTreeMap;

use kafka::{
    Admin, ConfigChange, ConfigEntry, ConfigResource, ConfigSource, ErrorCode, KafkaError,
    NewTopic, Topic,
};
use model::{ServiceId, TopicName};
use service_config::TOPIC_OPTIONS;
use store::{DesiredTopic, Store};
use tracing::{info, warn};

use super::DesiredError;
use super::refusals::{Refused, is_final};

/// Creates, changes and deletes. What Kafka refuses for one topic is noted with it and keeps the
/// others from nothing. Returns what it refuses for good.
pub(super) async fn apply(
    store: &Store,
    admin: &Admin,
    service: ServiceId,
) -> Result<Refused, DesiredError> {
    let mut refused = Refused::new();
    let wanted = store.topics.list(service).await?;
    if wanted.is_empty() {
        return Ok(refused);
    }
    let actual = admin.describe_topics(None).await?;
    let actual: BTreeMap<&str, &Topic> = actual.iter().map(|it| (it.name.as_str(), it)).collect();
    let present: Vec<TopicName> = wanted
        .iter()
        .filter(|it| actual.contains_key(it.name.as_str()))
        .map(|it| it.name.clone())
        .collect();
    let configs = admin.describe_topic_configs(&present, &TOPIC_OPTIONS).await?;
    for topic in &wanted {
        let there = actual.get(topic.name.as_str()).copied();
        let config = configs.get(topic.name.as_str()).map(Vec::as_slice).unwrap_or_default();
        match make(store, admin, service, topic, there, config).await {
            Ok(()) if topic.problem.is_none() => {}
            Ok(()) => store.topics.set_problem(service, &topic.name, None).await?,
            Err(DesiredError::Kafka(error)) if error.code().is_some() => {
                let problem = error.to_string();
                if error.code().is_some_and(is_final) {
                    refused.insert(topic.name.to_string(), problem.clone());
                }
                warn!(topic.name = %topic.name, problem, "Kafka refuses a topic");
                store.topics.set_problem(service, &topic.name, Some(&problem)).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

async fn make(
    store: &Store,
    admin: &Admin,
    service: ServiceId,
    topic: &DesiredTopic,
    there: Option<&Topic>,
    config: &[ConfigEntry],
) -> Result<(), DesiredError> {
    match (topic.deleting, there) {
        // Also when this look did not show it: a broker that has just started knows little.
        (true, _) => {
            match admin.delete_topic(&topic.name).await {
                Ok(()) => info!(topic.name = %topic.name, "topic deleted"),
                Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => {}
                Err(error) => return Err(error.into()),
            }
            store.topics.forget(service, &topic.name).await?;
        }
        (false, None) => create(admin, topic).await?,
        (false, Some(there)) => change(admin, topic, there, config).await?,
    }
    Ok(())
}

async fn create(admin: &Admin, topic: &DesiredTopic) -> Result<(), KafkaError> {
    let new = NewTopic {
        name: topic.name.clone(),
        partitions: topic.partitions,
        replication: topic.replication,
        configs: topic.config.clone(),
    };
    match admin.create_topic(&new, false).await {
        Ok(()) => info!(topic.name = %topic.name, "topic created"),
        // Somebody was quicker: the next pass compares.
        Err(error) if error.code() == Some(ErrorCode::TopicAlreadyExists) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn change(
    admin: &Admin,
    topic: &DesiredTopic,
    there: &Topic,
    config: &[ConfigEntry],
) -> Result<(), KafkaError> {
    let partitions = i32::try_from(there.partitions.len()).unwrap_or(i32::MAX);
    if partitions < topic.partitions {
        admin.create_partitions(&topic.name, topic.partitions).await?;
        info!(topic.name = %topic.name, partitions = topic.partitions, "partitions added");
    }
    let changes = config_changes(&topic.config, config);
    if !changes.is_empty() {
        let resource = ConfigResource::Topic(topic.name.clone());
        admin.alter_configs(&resource, &changes, false).await?;
        info!(topic.name = %topic.name, options = changes.len(), "topic configuration changed");
    }
    Ok(())
}

fn config_changes(wanted: &BTreeMap<String, String>, actual: &[ConfigEntry]) -> Vec<ConfigChange> {
    let own: BTreeMap<&str, Option<&str>> = actual
        .iter()
        .filter(|it| it.source == ConfigSource::Topic)
        .map(|it| (it.name.as_str(), it.value.as_deref()))
        .collect();
    let set = wanted
        .iter()
        .filter(|(name, value)| own.get(name.as_str()) != Some(&Some(value.as_str())))
        .map(|(name, value)| ConfigChange::Set { name: name.clone(), value: value.clone() });
    let delete = own
        .keys()
        .filter(|name| !wanted.contains_key(**name))
        .map(|name| ConfigChange::Delete { name: (*name).to_owned() });
    set.chain(delete).collect()
}
