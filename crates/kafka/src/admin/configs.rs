//! Configs of topics and brokers.

use std::collections::BTreeMap;

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};
use model::{NodeId, TopicName};

use crate::admin::Admin;
use crate::call::Call;
use crate::codes::{
    ConfigOperation, ConfigResourceType, ConfigSource, config_operation, config_resource,
    config_source, text,
};
use crate::error::{KafkaError, items, refused};

/// What a config belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigResource {
    /// A topic.
    Topic(TopicName),
    /// One broker. It is asked itself, since only it knows what it was started with.
    Broker(NodeId),
    /// All brokers: what is set dynamically for the cluster.
    ClusterDefault,
}

impl ConfigResource {
    fn wire(&self) -> (i8, String) {
        let (kind, name) = match self {
            Self::Topic(name) => (ConfigResourceType::Topic, name.to_string()),
            Self::Broker(id) => (ConfigResourceType::Broker, id.to_string()),
            // `ConfigResource.isDefault` of Kafka: a broker without a name.
            Self::ClusterDefault => (ConfigResourceType::Broker, String::new()),
        };
        (config_resource::code(kind), name)
    }
}

/// A config and where its value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Its name.
    pub name: String,
    /// Its value; never told of a sensitive one.
    pub value: Option<String>,
    /// Where it comes from.
    pub source: ConfigSource,
    /// Whether it cannot be changed without a restart.
    pub read_only: bool,
    /// Whether it is a secret.
    pub sensitive: bool,
    /// What it would be without anything set dynamically: the file's value, or Kafka's own default.
    /// Told of a broker's configs only.
    pub at_start: Option<String>,
}

/// A change to one config. The others stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigChange {
    /// Sets it.
    Set {
        /// Its name.
        name: String,
        /// Its new value.
        value: String,
    },
    /// Takes away what was set here, so that the next source counts.
    Delete {
        /// Its name.
        name: String,
    },
}

impl Admin {
    /// The configs of a resource: the given ones, or all.
    pub async fn describe_configs(
        &self,
        resource: &ConfigResource,
        keys: Option<&[&str]>,
    ) -> Result<Vec<ConfigEntry>, KafkaError> {
        let (kind, name) = resource.wire();
        let asked = DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(keys.map(|it| it.iter().map(|&it| text(it)).collect()));
        let request = DescribeConfigsRequest::default()
            .with_resources(vec![asked])
            .with_include_synonyms(true);
        let call = match resource {
            ConfigResource::Broker(id) => Call::node(*id, &request),
            ConfigResource::Topic(_) | ConfigResource::ClusterDefault => Call::any(&request),
        };
        let response = self
            .ask(call, self.deadline(), |it| {
                let mut results = it.results.iter();
                results.try_for_each(|it| refused(it.error_code, it.error_message.as_deref()))
            })
            .await?;
        Ok(response.results.iter().flat_map(entries).collect())
    }

    /// The given configs of the given topics, by topic, in one request. Topics that do not exist
    /// are not in the answer.
    pub async fn describe_topic_configs(
        &self,
        topics: &[TopicName],
        keys: &[&str],
    ) -> Result<BTreeMap<String, Vec<ConfigEntry>>, KafkaError> {
        if topics.is_empty() {
            return Ok(BTreeMap::new());
        }
        let asked = topics.iter().map(|topic| {
            let (kind, name) = ConfigResource::Topic(topic.clone()).wire();
            DescribeConfigsResource::default()
                .with_resource_type(kind)
                .with_resource_name(text(name))
                .with_configuration_keys(Some(keys.iter().map(|&it| text(it)).collect()))
        });
        let request = DescribeConfigsRequest::default().with_resources(asked.collect());
        let missing = crate::error::ErrorCode::UnknownTopicOrPartition.code();
        let response = self
            .ask(Call::any(&request), self.deadline(), |it| {
                items(it.results.iter().filter(|it| it.error_code != missing).map(|it| {
                    let message = it.error_message.as_ref().map(ToString::to_string);
                    (it.resource_name.to_string(), it.error_code, message)
                }))
            })
            .await?;
        let found = response.results.iter().filter(|it| it.error_code == 0);
        Ok(found.map(|it| (it.resource_name.to_string(), entries(it).collect())).collect())
    }

    /// Changes the named configs of a resource, all or none, or only says whether it could.
    pub async fn alter_configs(
        &self,
        resource: &ConfigResource,
        changes: &[ConfigChange],
        validate_only: bool,
    ) -> Result<(), KafkaError> {
        if changes.is_empty() {
            return Ok(());
        }
        let (kind, name) = resource.wire();
        let altered = AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(changes.iter().map(alterable).collect());
        let request = IncrementalAlterConfigsRequest::default()
            .with_resources(vec![altered])
            .with_validate_only(validate_only);
        let call = match resource {
            ConfigResource::Broker(id) => Call::node(*id, &request),
            ConfigResource::Topic(_) | ConfigResource::ClusterDefault => Call::any(&request),
        };
        self.ask(call, self.deadline(), |it| {
            let mut results = it.responses.iter();
            results.try_for_each(|it| refused(it.error_code, it.error_message.as_deref()))
        })
        .await?;
        Ok(())
    }
}

fn alterable(change: &ConfigChange) -> AlterableConfig {
    let (name, operation, value) = match change {
        ConfigChange::Set { name, value } => (name, ConfigOperation::Set, Some(text(value))),
        ConfigChange::Delete { name } => (name, ConfigOperation::Delete, None),
    };
    AlterableConfig::default()
        .with_name(text(name))
        .with_config_operation(config_operation::code(operation))
        .with_value(value)
}

fn entries(result: &DescribeConfigsResult) -> impl Iterator<Item = ConfigEntry> + '_ {
    result.configs.iter().map(|it: &DescribeConfigsResourceResult| ConfigEntry {
        name: it.name.to_string(),
        value: it.value.as_ref().map(ToString::to_string),
        source: config_source::meaning(it.config_source).unwrap_or(ConfigSource::Unknown),
        read_only: it.read_only,
        sensitive: it.is_sensitive,
        at_start: at_start(it),
    })
}

/// Synonyms come in the order in which they count.
fn at_start(config: &DescribeConfigsResourceResult) -> Option<String> {
    let starts = |it: &&DescribeConfigsSynonym| {
        let source = config_source::meaning(it.source);
        matches!(source, Some(ConfigSource::StaticBroker | ConfigSource::Default))
    };
    config.synonyms.iter().find(starts)?.value.as_ref().map(ToString::to_string)
}
