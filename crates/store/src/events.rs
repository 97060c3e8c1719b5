//! What happened, for people: append-only.

use model::{ProjectName, ServiceId, Timestamp};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;

use crate::{StoreError, timestamp};

/// What happened.
#[derive(Clone, Debug)]
pub struct Events {
    pub(crate) pool: PgPool,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Grows with time.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who did it: `api` or `orchestrator`.
    pub actor: String,
    /// What kind, such as `service_update` or `node_restart`.
    pub event_type: String,
    /// To which service.
    pub service_name: Option<String>,
    /// In words, without secrets.
    pub description: String,
}

impl Events {
    /// Adds one about a service.
    pub async fn add(
        &self,
        service: ServiceId,
        actor: &str,
        event_type: &str,
        description: &str,
    ) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?;
        record(&mut connection, service, actor, event_type, description).await
    }

    /// The latest `limit` of a project, newest first.
    pub async fn latest(
        &self,
        project: &ProjectName,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query!(
            "select event_id, at, actor, event_type, service_name, description
             from event where project_name = $1 order by event_id desc limit $2",
            project.as_str(),
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Event {
                id: row.event_id,
                at: timestamp(row.at),
                actor: row.actor,
                event_type: row.event_type,
                service_name: row.service_name,
                description: row.description,
            })
            .collect())
    }
}

/// Adds one within a transaction.
pub(crate) async fn record(
    connection: &mut PgConnection,
    service: ServiceId,
    actor: &str,
    event_type: &str,
    description: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into event (project_name, service_name, actor, event_type, description)
         select project_name, service_name, $2, $3, $4 from service where service_id = $1",
        service.0,
        actor,
        event_type,
        description
    )
    .execute(connection)
    .await?;
    Ok(())
}
