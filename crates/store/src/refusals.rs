//! What Kafka refuses, and goes on refusing, of what services shall have.

use std::collections::BTreeMap;

use model::{ServiceId, Timestamp};
use sqlx::PgPool;

use crate::events::{By, Entry};
use crate::{StoreError, events};

/// What Kafka refuses of what services shall have; [`crate::Service::refusals`] has those of a service.
#[derive(Clone, Debug)]
pub struct Refusals {
    pub(crate) pool: PgPool,
}

/// What something is that a service shall have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aggregate {
    /// Credentials of a service user.
    User,
    /// A topic.
    Topic,
    /// An ACL binding.
    Acl,
    /// Client quotas of an entity.
    Quota,
    /// Dynamic configuration of the brokers.
    DynamicConfig,
}

impl Aggregate {
    const ALL: [Self; 5] = [Self::User, Self::Topic, Self::Acl, Self::Quota, Self::DynamicConfig];

    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Topic => "topic",
            Self::Acl => "acl",
            Self::Quota => "quota",
            Self::DynamicConfig => "dynamic_config",
        }
    }

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// Something that a service shall have, and that Kafka refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it is.
    pub aggregate: Aggregate,
    /// Which of them: a topic, a user, an entity or a binding in words; `all` if Kafka says of none.
    pub name: String,
    /// Why, in Kafka's words.
    pub message: String,
    /// When it was refused first.
    pub since: Timestamp,
}

/// Aggregate, name, message, and since when in Unix milliseconds.
pub(crate) type Row = (String, String, String, i64);

/// Those in these rows; what a newer version wrote down and this one does not know is left out.
pub(crate) fn read(rows: Vec<Row>) -> Vec<Refusal> {
    let refusal = |(aggregate, name, message, since): Row| {
        let aggregate = Aggregate::named(&aggregate)?;
        Some(Refusal { aggregate, name, message, since: Timestamp(since) })
    };
    rows.into_iter().filter_map(refusal).collect()
}

impl Refusals {
    /// Makes what is written down of one kind be `refused`: why, by name. What is new among it is an
    /// event, once.
    pub async fn replace(
        &self,
        service: ServiceId,
        aggregate: Aggregate,
        refused: &BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        let (names, messages): (Vec<String>, Vec<String>) =
            refused.iter().map(|(name, message)| (name.clone(), message.clone())).unzip();
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "delete from desired_refusal
             where service_id = $1 and aggregate = $2 and name <> all($3)",
            service.0,
            aggregate.as_str(),
            &names
        )
        .execute(&mut *tx)
        .await?;
        // A service that is gone in the meantime has none.
        let new = sqlx::query!(
            r#"insert into desired_refusal (service_id, aggregate, name, message)
               select service_id, $2, name, message
               from service, unnest($3::text[], $4::text[]) as refused (name, message)
               where service_id = $1
               on conflict (service_id, aggregate, name) do update set message = excluded.message
               returning name, message, xmax = 0 as "is_new!""#,
            service.0,
            aggregate.as_str(),
            &names,
            &messages
        )
        .fetch_all(&mut *tx)
        .await?;
        for row in new.iter().filter(|it| it.is_new) {
            let what = aggregate.as_str();
            let text = format!("Kafka refuses {what} {}: {}", row.name, row.message);
            let entry = Entry::new("kafka_refused", &text);
            events::record(&mut tx, service, &By::orchestrator(), &entry).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
