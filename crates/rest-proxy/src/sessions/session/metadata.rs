//! What a session asks Kafka beside records, as its owner.

use std::sync::Arc;

use kafka::{ErrorCode, KafkaError, Topic};
use model::{Timestamp, TopicName};

use super::{Known, Session};
use crate::directory::Directory;
use crate::error::{ApiError, KAFKA_AWAY, is_denial};
use crate::shared::locked;

/// How long it is believed that a topic is there. Kafka itself says so with each record.
const TOPIC_KEPT_MS: i64 = 30_000;

impl Session {
    /// How many partitions a topic has, by what was heard within the last seconds; asked again if
    /// `highest`, the highest partition that a request names, is beyond.
    pub(crate) async fn partitions(
        &self,
        topic: &TopicName,
        highest: Option<i32>,
    ) -> Result<i32, ApiError> {
        let known = locked(&self.topics).get(topic).copied();
        match known.filter(|known| highest.is_none_or(|it| it < known.partitions)) {
            Some(known) if known.until > Timestamp::now() => Ok(known.partitions),
            Some(known) => match self.partitions_now(topic).await {
                // Old news are good enough while a broker restarts: records find their own way.
                Err(ApiError::Unavailable(_)) => Ok(known.partitions),
                other => other,
            },
            None => self.partitions_now(topic).await,
        }
    }

    /// How many partitions a topic has, by asking.
    async fn partitions_now(&self, topic: &TopicName) -> Result<i32, ApiError> {
        let count = match self.describe(topic).await {
            Ok(topic) => i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX),
            Err(error) => {
                if !matches!(error, ApiError::Unavailable(_)) {
                    locked(&self.topics).remove(topic);
                }
                return Err(error);
            }
        };
        let until = Timestamp::now().plus_ms(TOPIC_KEPT_MS);
        locked(&self.topics).insert(topic.clone(), Known { partitions: count, until });
        Ok(count)
    }

    /// A topic, as the session's owner may see it.
    pub(crate) async fn describe(&self, topic: &TopicName) -> Result<Topic, ApiError> {
        let asked = || Some(vec![topic.clone()]);
        let topics = self.ask(|it| {
            let asked = asked();
            async move { it.topics(asked).await }
        });
        let topics = topics.await?;
        let not_found = || ApiError::TopicNotFound(topic.to_string());
        let found = topics.into_iter().next().ok_or_else(not_found)?;
        match found.error {
            Some(ErrorCode::UnknownTopicOrPartition | ErrorCode::InvalidTopicException) => {
                Err(not_found())
            }
            Some(code) if is_denial(code) => Err(ApiError::Forbidden),
            Some(_) if found.partitions.is_empty() => Err(ApiError::Unavailable(KAFKA_AWAY)),
            _ => Ok(found),
        }
    }

    /// Asks Kafka as the session's owner. A refused login is tried once more after a second, for
    /// brokers that have not heard of a new key yet.
    pub(crate) async fn ask<T, F>(
        &self,
        question: impl Fn(Arc<Box<dyn Directory>>) -> F,
    ) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, KafkaError>>,
    {
        match question(self.directory.load_full()).await {
            Err(KafkaError::Authentication { .. }) => {}
            other => return Ok(other?),
        }
        tokio::select! {
            () = tokio::time::sleep(self.tools.limits.refusal_retry()) => {}
            () = self.ended() => return Err(self.ended_error()),
        }
        let answer = question(Arc::new(self.fresh_directory())).await;
        if let Err(KafkaError::Authentication { .. }) = answer {
            self.refused();
            return Err(self.refusal());
        }
        Ok(answer?)
    }
}
