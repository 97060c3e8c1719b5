//! What Kafka says of its topics to a caller: metadata under the caller's own credentials.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use kafka::{
    Admin, AdminConfig, Broker, ConfigEntry, ConfigResource, KafkaError, OffsetSpec, Topic,
};
use model::TopicName;

/// Metadata as one credential may see it. A trait, because the mock cluster of the tests knows no
/// login.
pub(crate) trait Directory: Send + Sync {
    /// The given topics, or all.
    fn topics(
        &self,
        names: Option<Vec<TopicName>>,
    ) -> BoxFuture<'_, Result<Vec<Topic>, KafkaError>>;

    /// The configuration of a topic.
    fn configs(&self, topic: TopicName) -> BoxFuture<'_, Result<Vec<ConfigEntry>, KafkaError>>;

    /// Who is in the cluster.
    fn brokers(&self) -> BoxFuture<'_, Result<Vec<Broker>, KafkaError>>;

    /// Offsets of partitions of a topic; one that has no such offset is left out.
    fn offsets(
        &self,
        topic: TopicName,
        partitions: Vec<i32>,
        spec: OffsetSpec,
    ) -> BoxFuture<'_, Result<BTreeMap<i32, i64>, KafkaError>>;

    /// Whether Kafka answers, and lets us in.
    fn probe(&self) -> BoxFuture<'_, Result<(), KafkaError>>;
}

/// Makes a directory for a credential. No I/O.
pub(crate) type Directories = Box<dyn Fn(AdminConfig) -> Box<dyn Directory> + Send + Sync>;

impl Directory for Admin {
    fn topics(
        &self,
        names: Option<Vec<TopicName>>,
    ) -> BoxFuture<'_, Result<Vec<Topic>, KafkaError>> {
        async move { self.describe_topics(names.as_deref()).await }.boxed()
    }

    fn configs(&self, topic: TopicName) -> BoxFuture<'_, Result<Vec<ConfigEntry>, KafkaError>> {
        async move { self.describe_configs(&ConfigResource::Topic(topic), None).await }.boxed()
    }

    fn brokers(&self) -> BoxFuture<'_, Result<Vec<Broker>, KafkaError>> {
        async move { Ok(self.describe_cluster().await?.brokers) }.boxed()
    }

    fn offsets(
        &self,
        topic: TopicName,
        partitions: Vec<i32>,
        spec: OffsetSpec,
    ) -> BoxFuture<'_, Result<BTreeMap<i32, i64>, KafkaError>> {
        async move { self.list_offsets(&topic, &partitions, spec).await }.boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), KafkaError>> {
        async move { self.describe_cluster().await.map(|_| ()) }.boxed()
    }
}

/// The real one.
pub(crate) fn real() -> Directories {
    Box::new(|config| Box::new(Admin::new(config)))
}
