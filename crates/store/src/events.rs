//! What happened, for people, and who did it: append-only, by the database's own rule.

mod search;

use model::{ProjectName, ServiceId, Timestamp};
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;

use crate::StoreError;
use crate::changes::CHANNEL;

/// What happened.
#[derive(Clone, Debug)]
pub struct Events {
    pub(crate) pool: PgPool,
}

/// Who does something, and in which request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct By {
    /// A person, or a part of the platform such as `orchestrator`.
    pub actor: String,
    /// The id of the HTTP request, as it is in the logs.
    pub request_id: Option<String>,
}

impl By {
    pub(crate) fn orchestrator() -> Self {
        Self::from("orchestrator")
    }
}

impl From<&str> for By {
    /// Somebody outside of any request.
    fn from(actor: &str) -> Self {
        Self { actor: actor.to_owned(), request_id: None }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Grows with time.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// In which request.
    pub request_id: Option<String>,
    /// What kind, such as `service_update` or `node_restart`.
    pub event_type: String,
    /// In which project; `None` for the whole installation.
    pub project: Option<String>,
    /// To which service.
    pub service_name: Option<String>,
    /// In words, without secrets.
    pub description: String,
    /// What was there before, without secrets.
    pub before: Option<Value>,
    /// What is there since, without secrets.
    pub after: Option<Value>,
}

/// Which events are wanted. `None`: any.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// In this project.
    pub project: Option<ProjectName>,
    /// Of the service of this name.
    pub service_name: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// Of this kind.
    pub event_type: Option<String>,
    /// Older than this one.
    pub before_id: Option<i64>,
    /// Newer than this one.
    pub after_id: Option<i64>,
    /// With this text in its description, in any case. Every character of it is itself.
    pub text: Option<String>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// An event to be written down.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) event_type: &'a str,
    pub(crate) description: &'a str,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

impl<'a> Entry<'a> {
    pub(crate) const fn new(event_type: &'a str, description: &'a str) -> Self {
        Self { event_type, description, before: None, after: None }
    }

    /// With what was there before.
    pub(crate) fn before(self, before: Value) -> Self {
        Self { before: Some(before), ..self }
    }

    /// With what is there since.
    pub(crate) fn after(self, after: Value) -> Self {
        Self { after: Some(after), ..self }
    }
}

/// Adds one about a service within a transaction.
pub(crate) async fn record(
    connection: &mut PgConnection,
    service: ServiceId,
    by: &By,
    entry: &Entry<'_>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into event (project_name, service_name, actor, request_id, event_type, description,
                            before, after)
         select project_name, service_name, $2, $3, $4, $5, $6, $7
         from service where service_id = $1",
        service.0,
        by.actor,
        by.request_id,
        entry.event_type,
        entry.description,
        entry.before,
        entry.after
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The same, and tells listeners that the service has changed, when and if the transaction commits.
/// One statement, since every change ends so.
pub(crate) async fn record_change(
    connection: &mut PgConnection,
    service: ServiceId,
    by: &By,
    entry: &Entry<'_>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "with recorded as (
             insert into event (project_name, service_name, actor, request_id, event_type,
                                description, before, after)
             select project_name, service_name, $2, $3, $4, $5, $6, $7
             from service where service_id = $1
         )
         select pg_notify($8, $9) as done",
        service.0,
        by.actor,
        by.request_id,
        entry.event_type,
        entry.description,
        entry.before,
        entry.after,
        CHANNEL,
        service.to_string()
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// Adds warnings about a service within a transaction.
pub(crate) async fn warn(
    connection: &mut PgConnection,
    service: ServiceId,
    by: &By,
    warnings: &[String],
) -> Result<(), StoreError> {
    for text in warnings {
        record(&mut *connection, service, by, &Entry::new("service_warning", text)).await?;
    }
    Ok(())
}

/// Adds one about a project, or about the whole installation, within a transaction.
pub(crate) async fn record_of_project(
    connection: &mut PgConnection,
    project: Option<&ProjectName>,
    by: &By,
    entry: &Entry<'_>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into event (project_name, actor, request_id, event_type, description, before, after)
         values ($1, $2, $3, $4, $5, $6, $7)",
        project.map(ProjectName::as_str),
        by.actor,
        by.request_id,
        entry.event_type,
        entry.description,
        entry.before,
        entry.after
    )
    .execute(connection)
    .await?;
    Ok(())
}
