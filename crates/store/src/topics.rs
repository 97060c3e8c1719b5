//! Topics that services shall have.

use std::collections::BTreeMap;

use model::{ServiceId, TopicName};
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::types::Json;

use crate::events::{By, Entry};
use crate::{StoreError, changes, constraint, decode};

/// Topics that services shall have.
#[derive(Clone, Debug)]
pub struct Topics {
    pub(crate) pool: PgPool,
}

/// A topic that a service shall have, or shall have no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredTopic {
    /// Its name.
    pub name: TopicName,
    /// How many partitions.
    pub partitions: i32,
    /// How many replicas each.
    pub replication: i16,
    /// Topic configuration by Kafka's own names.
    pub config: BTreeMap<String, String>,
    /// Free labels: key and value.
    pub tags: Vec<(String, String)>,
    /// Whether it is to be removed from Kafka and then from here.
    pub deleting: bool,
    /// Why Kafka does not have it as it should be.
    pub problem: Option<String>,
}

impl DesiredTopic {
    /// What the audit log says of it.
    fn told(&self) -> Value {
        json!({
            "partitions": self.partitions, "replication": self.replication, "config": self.config,
            "tags": self.tags,
        })
    }
}

/// Why a topic was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateTopicError {
    /// There is one of that name.
    #[error("a topic of that name exists")]
    Exists,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CreateTopicError {
    fn from(error: sqlx::Error) -> Self {
        match constraint(&error) {
            Some("topic_pkey") => Self::Exists,
            _ => Self::Store(error.into()),
        }
    }
}

impl Topics {
    /// Every topic of a service, those to be removed included, by name.
    pub async fn list(&self, service: ServiceId) -> Result<Vec<DesiredTopic>, StoreError> {
        self.select(service, None).await
    }

    /// One topic, also one that is to be removed.
    pub async fn get(
        &self,
        service: ServiceId,
        name: &TopicName,
    ) -> Result<Option<DesiredTopic>, StoreError> {
        Ok(self.select(service, Some(name)).await?.pop())
    }

    async fn select(
        &self,
        service: ServiceId,
        name: Option<&TopicName>,
    ) -> Result<Vec<DesiredTopic>, StoreError> {
        sqlx::query!(
            r#"select topic_name, partitions, replication,
                      config as "config: Json<BTreeMap<String, String>>",
                      tags as "tags: Json<Vec<(String, String)>>", deleting, problem
               from topic where service_id = $1 and ($2::text is null or topic_name = $2)
               order by topic_name"#,
            service.0,
            name.map(TopicName::as_str)
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            Ok(DesiredTopic {
                name: TopicName::try_from(row.topic_name).map_err(decode)?,
                partitions: row.partitions,
                replication: i16::try_from(row.replication).map_err(decode)?,
                config: row.config.0,
                tags: row.tags.0,
                deleting: row.deleting,
                problem: row.problem,
            })
        })
        .collect()
    }

    /// Makes a topic.
    pub async fn create(
        &self,
        service: ServiceId,
        topic: &DesiredTopic,
        by: &By,
    ) -> Result<(), CreateTopicError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "insert into topic (service_id, topic_name, partitions, replication, config, tags)
             values ($1, $2, $3, $4, $5, $6)",
            service.0,
            topic.name.as_str(),
            topic.partitions,
            i32::from(topic.replication),
            Json(&topic.config) as _,
            Json(&topic.tags) as _
        )
        .execute(&mut *tx)
        .await?;
        let text = format!("topic {} created", topic.name);
        let done = Entry::new("service_topic_create", &text).after(topic.told());
        changes::commit(tx, service, by, &done).await?;
        Ok(())
    }

    /// Changes a topic to what is given, or takes one over that Kafka has and we do not know.
    pub async fn put(
        &self,
        service: ServiceId,
        topic: &DesiredTopic,
        by: &By,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        let before = sqlx::query!(
            "select partitions, replication, config, tags from topic
             where service_id = $1 and topic_name = $2 for update",
            service.0,
            topic.name.as_str()
        )
        .fetch_optional(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into topic (service_id, topic_name, partitions, replication, config, tags,
                                deleting)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (service_id, topic_name) do update
             set partitions = excluded.partitions, replication = excluded.replication,
                 config = excluded.config, tags = excluded.tags, deleting = excluded.deleting,
                 problem = null",
            service.0,
            topic.name.as_str(),
            topic.partitions,
            i32::from(topic.replication),
            Json(&topic.config) as _,
            Json(&topic.tags) as _,
            topic.deleting
        )
        .execute(&mut *tx)
        .await?;
        let (kind, what) = if topic.deleting {
            ("service_topic_delete", "deleted")
        } else {
            ("service_topic_update", "updated")
        };
        let text = format!("topic {} {what}", topic.name);
        let mut done = Entry::new(kind, &text);
        if let Some(it) = before {
            done = done.before(json!({
                "partitions": it.partitions, "replication": it.replication, "config": it.config,
                "tags": it.tags,
            }));
        }
        if !topic.deleting {
            done = done.after(topic.told());
        }
        changes::commit(tx, service, by, &done).await?;
        Ok(())
    }

    /// Notes why Kafka does not have a topic as it should be, or that it does now.
    pub async fn set_problem(
        &self,
        service: ServiceId,
        name: &TopicName,
        problem: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update topic set problem = $3
             where service_id = $1 and topic_name = $2 and problem is distinct from $3",
            service.0,
            name.as_str(),
            problem
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Forgets a topic that is gone from Kafka.
    pub async fn forget(&self, service: ServiceId, name: &TopicName) -> Result<(), StoreError> {
        sqlx::query!(
            "delete from topic where service_id = $1 and topic_name = $2 and deleting",
            service.0,
            name.as_str()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
