//! Configs and where they come from, as `kafka.admin.ConfigCommand` names them.

use kafka::{ConfigChange, ConfigEntry, ConfigResource, ConfigSource, ErrorCode};
use model::TopicName;

use crate::stage::Stage;
use crate::topics::new_topic;

const COMMAND: &str = "kafka.admin.ConfigCommand";

fn set(name: &str, value: &str) -> ConfigChange {
    ConfigChange::Set { name: name.to_owned(), value: value.to_owned() }
}

fn delete(name: &str) -> ConfigChange {
    ConfigChange::Delete { name: name.to_owned() }
}

/// The one entry that was asked for.
async fn entry(stage: &Stage, resource: &ConfigResource, key: &str) -> Option<ConfigEntry> {
    stage.admin.describe_configs(resource, Some(&[key])).await.unwrap().pop()
}

/// A broker that has not heard of a new topic yet says that it does not exist.
async fn until_source(stage: &Stage, resource: &ConfigResource, key: &str, source: ConfigSource) {
    let arrived = async || match stage.admin.describe_configs(resource, Some(&[key])).await {
        Ok(entries) => entries.iter().any(|it| it.source == source),
        Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => false,
        Err(error) => panic!("{error}"),
    };
    stage.until("the change arrived", arrived).await;
}

#[tokio::test]
async fn a_config_of_a_topic_is_what_java_describes() {
    let stage = Stage::new("config");
    let name: TopicName = stage.prefix.parse().unwrap();
    stage.admin.create_topic(&new_topic(&name, 1), false).await.unwrap();
    let resource = ConfigResource::Topic(name.clone());
    until_source(&stage, &resource, "retention.ms", ConfigSource::Topic).await;

    let change = [set("max.message.bytes", "54321"), delete("retention.ms")];
    stage.admin.alter_configs(&resource, &change, true).await.unwrap();
    let retention = entry(&stage, &resource, "retention.ms").await.unwrap();
    assert_eq!(
        (retention.value.as_deref(), retention.source),
        (Some("123456"), ConfigSource::Topic)
    );
    stage.admin.alter_configs(&resource, &change, false).await.unwrap();
    until_source(&stage, &resource, "max.message.bytes", ConfigSource::Topic).await;
    let own = ["--describe", "--entity-type", "topics", "--entity-name", name.as_str()];
    let described = stage.tool(COMMAND, &own).await;
    assert!(described.contains("max.message.bytes=54321"), "{described}");
    assert!(described.contains("DYNAMIC_TOPIC_CONFIG:max.message.bytes=54321"), "{described}");
    assert!(!described.contains("retention.ms"), "{described}");

    let no = [set("retention.ms", "yesterday")];
    let error = stage.admin.alter_configs(&resource, &no, false).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::InvalidConfig));
    let missing: TopicName = "real-there-is-no-such-topic".parse().unwrap();
    let configs = stage
        .admin
        .describe_topic_configs(&[name.clone(), missing], &["retention.ms", "max.message.bytes"])
        .await
        .unwrap();
    assert_eq!(configs.len(), 1);
    assert_eq!(configs[name.as_str()].len(), 2);
    stage.admin.delete_topic(&name).await.unwrap();
}

#[tokio::test]
async fn configs_of_one_broker_and_of_all_are_what_java_describes() {
    // Harmless ones that nothing else in the tests sets.
    const ONE: &str = "log.cleaner.backoff.ms";
    const ALL: &str = "log.cleaner.io.buffer.load.factor";

    let stage = Stage::new("broker-config");
    let id = stage.admin.describe_cluster().await.unwrap().brokers[0].id;
    let broker = ConfigResource::Broker(id);
    let everyone = ConfigResource::ClusterDefault;
    stage.admin.alter_configs(&broker, &[set(ONE, "15001")], false).await.unwrap();
    stage.admin.alter_configs(&everyone, &[set(ALL, "0.87")], false).await.unwrap();
    until_source(&stage, &broker, ONE, ConfigSource::DynamicBroker).await;
    until_source(&stage, &broker, ALL, ConfigSource::DynamicDefaultBroker).await;
    until_source(&stage, &everyone, ALL, ConfigSource::DynamicDefaultBroker).await;
    assert_eq!(entry(&stage, &broker, "node.id").await.unwrap().source, ConfigSource::StaticBroker);
    assert!(entry(&stage, &broker, "node.id").await.unwrap().read_only);
    let idle = entry(&stage, &broker, "connections.max.idle.ms").await.unwrap();
    assert_eq!(idle.source, ConfigSource::Default);

    let brokers = ["--describe", "--entity-type", "brokers"];
    let number = id.to_string();
    let own = stage.tool(COMMAND, &[&brokers[..], &["--entity-name", &number]].concat()).await;
    assert!(own.contains(&format!("DYNAMIC_BROKER_CONFIG:{ONE}=15001")), "{own}");
    let default = stage.tool(COMMAND, &[&brokers[..], &["--entity-default"]].concat()).await;
    assert!(default.contains(&format!("DYNAMIC_DEFAULT_BROKER_CONFIG:{ALL}=0.87")), "{default}");

    stage.admin.alter_configs(&broker, &[delete(ONE)], false).await.unwrap();
    stage.admin.alter_configs(&everyone, &[delete(ALL)], false).await.unwrap();
    until_source(&stage, &broker, ONE, ConfigSource::Default).await;
    until_source(&stage, &broker, ALL, ConfigSource::Default).await;
    let secrets = stage.admin.describe_configs(&broker, None).await.unwrap();
    assert!(secrets.iter().filter(|it| it.sensitive).all(|it| it.value.is_none()));
}
