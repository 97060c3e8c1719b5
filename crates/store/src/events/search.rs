//! Looking for events.

use model::ProjectName;
use serde_json::Value;
use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::{Event, EventFilter, Events};
use crate::paging::postgres_text;
use crate::{StoreError, moment, timestamp};

/// An event as it is kept.
struct Row {
    event_id: i64,
    at: OffsetDateTime,
    actor: String,
    request_id: Option<String>,
    event_type: String,
    project_name: Option<String>,
    service_name: Option<String>,
    description: String,
    before: Option<Value>,
    after: Option<Value>,
}

impl From<Row> for Event {
    fn from(row: Row) -> Self {
        Self {
            id: row.event_id,
            at: timestamp(row.at),
            actor: row.actor,
            request_id: row.request_id,
            event_type: row.event_type,
            project: row.project_name,
            service_name: row.service_name,
            description: row.description,
            before: row.before,
            after: row.after,
        }
    }
}

/// From which end events are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Newest,
    Oldest,
}

impl Events {
    /// The latest `limit` that match, newest first.
    pub async fn latest(&self, filter: &EventFilter, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.found(filter, limit, First::Newest).await
    }

    /// The first `limit` that match, oldest first.
    pub async fn earliest(
        &self,
        filter: &EventFilter,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.found(filter, limit, First::Oldest).await
    }

    async fn found(
        &self,
        filter: &EventFilter,
        limit: u32,
        first: First,
    ) -> Result<Vec<Event>, StoreError> {
        if filter.text.is_none() {
            return found(&self.pool, filter, limit, first).await;
        }
        let mut tx = self.pool.begin().await?;
        planned_anew(&mut *tx).await?;
        let found = found(&mut *tx, filter, limit, first).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// The id of the latest in a project, or of the service of that name there; `None` if there is
    /// none. Read from an index alone: it is asked for all the time.
    pub async fn last(
        &self,
        project: &ProjectName,
        service: Option<&str>,
    ) -> Result<Option<i64>, StoreError> {
        let last = match service {
            Some(service) => {
                sqlx::query_scalar!(
                    "select max(event_id) from event
                     where project_name = $1 and service_name = $2",
                    project.as_str(),
                    service
                )
                .fetch_one(&self.pool)
                .await?
            }
            None => {
                sqlx::query_scalar!(
                    "select max(event_id) from event where project_name = $1",
                    project.as_str()
                )
                .fetch_one(&self.pool)
                .await?
            }
        };
        Ok(last)
    }
}

/// Whether the index of texts helps depends on the text: with a plan for any of them, Postgres would
/// read every event of a service to find what only a few have in them.
async fn planned_anew(from: impl PgExecutor<'_>) -> Result<(), StoreError> {
    sqlx::query!("select set_config('plan_cache_mode', 'force_custom_plan', true)")
        .fetch_one(from)
        .await?;
    Ok(())
}

/// The statement, in that order: sqlx wants it as text in the call.
macro_rules! events {
    ($order:literal, $filter:expr, $limit:expr) => {
        sqlx::query_as!(
            Row,
            "select event_id, at, actor, request_id, event_type, project_name, service_name,
                    description, before, after
             from event
             where ($1::text is null or project_name = $1)
               and ($2::text is null or service_name = $2)
               and ($3::text is null or actor = $3)
               and ($4::text is null or event_type = $4)
               and ($5::bigint is null or event_id < $5)
               and ($7::text is null or description ilike $7)
               and ($8::timestamptz is null or at >= $8)
               and ($9::timestamptz is null or at < $9)
               and ($10::bigint is null or event_id > $10)
             order by event_id "
                + $order
                + " limit $6",
            $filter.project.as_ref().map(ProjectName::as_str),
            $filter.service_name,
            $filter.actor,
            $filter.event_type,
            $filter.before_id,
            i64::from($limit),
            $filter.text.as_deref().map(anywhere),
            $filter.since.map(moment).transpose()?,
            $filter.until.map(moment).transpose()?,
            $filter.after_id
        )
    };
}

async fn found(
    from: impl PgExecutor<'_>,
    filter: &EventFilter,
    limit: u32,
    first: First,
) -> Result<Vec<Event>, StoreError> {
    let rows = match first {
        First::Newest => events!("desc", filter, limit).fetch_all(from).await?,
        First::Oldest => events!("asc", filter, limit).fetch_all(from).await?,
    };
    Ok(rows.into_iter().map(Event::from).collect())
}

/// The pattern of what has the text in it, in which no character means anything but itself.
fn anywhere(text: &str) -> String {
    let mut pattern = String::from("%");
    for it in postgres_text(text).chars() {
        if matches!(it, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(it);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_of_a_text_is_a_wildcard() {
        assert_eq!(anywhere("ab"), "%ab%");
        assert_eq!(anywhere(r"100%_\"), r"%100\%\_\\%");
    }
}
