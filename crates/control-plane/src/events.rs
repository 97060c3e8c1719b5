//! `/v1/project/{project}/events`: what happened. `/v1/project/{project}/audit`: the same with who
//! did it in which request, and what was there before and after. `/v1/audit`: of the installation.

use std::sync::Arc;

use axum::extract::State;
use model::Role;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Event, EventFilter, Store};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Administer, Caller, InProject, ProjectPath};
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::time::rfc3339;

/// How many of them at most.
const MOST: u32 = 1000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_events))
        .routes(routes!(list_project_audit))
        .routes(routes!(list_audit))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// How many at most, 100 if not given, 1000 at most.
    limit: Option<u32>,
}

/// Which entries of the audit log. What is not given is not asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// How many at most, 100 if not given, 1000 at most.
    limit: Option<u32>,
    /// Older than the entry with this id: the last one of the page before.
    before_id: Option<i64>,
    /// Of the service of this name.
    service: Option<String>,
    /// By this actor.
    actor: Option<String>,
    /// Of this kind, such as `service_update`.
    event_type: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Events {
    events: Vec<EventView>,
}

#[derive(Serialize, ToSchema)]
struct EventView {
    id: String,
    time: String,
    actor: String,
    event_type: String,
    service_name: Option<String>,
    event_desc: String,
}

#[derive(Serialize, ToSchema)]
struct Audit {
    /// Newest first.
    audit: Vec<AuditView>,
}

/// Who did what. Passwords and tokens are in none of it.
#[derive(Serialize, ToSchema)]
struct AuditView {
    /// Grows with time.
    id: i64,
    time: String,
    /// Whose token it was, a person of the identity provider (`oidc:NAME`), or a part of the
    /// platform.
    actor: String,
    /// `x-request-id` of the request, as in the access log.
    request_id: Option<String>,
    event_type: String,
    project: Option<String>,
    service_name: Option<String>,
    description: String,
    /// What was there before, where that is known.
    #[schema(value_type = Value)]
    before: Option<Value>,
    /// What is there since.
    #[schema(value_type = Value)]
    after: Option<Value>,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            id: event.id.to_string(),
            time: rfc3339(event.at),
            actor: event.actor,
            event_type: event.event_type,
            service_name: event.service_name,
            event_desc: event.description,
        }
    }
}

impl From<Event> for AuditView {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            time: rfc3339(event.at),
            actor: event.actor,
            request_id: event.request_id,
            event_type: event.event_type,
            project: event.project,
            service_name: event.service_name,
            description: event.description,
            before: event.before,
            after: event.after,
        }
    }
}

impl AuditQuery {
    fn limit(&self) -> u32 {
        self.limit.unwrap_or(100).clamp(1, MOST)
    }

    fn filter(self) -> EventFilter {
        EventFilter {
            project: None,
            service_name: self.service,
            actor: self.actor,
            event_type: self.event_type,
            before_id: self.before_id,
            ..EventFilter::default()
        }
    }
}

/// List what happened in a project, newest first
#[utoipa::path(
    get,
    path = "/v1/project/{project}/events",
    params(ProjectPath, EventsQuery),
    responses((status = 200, body = Events)),
    tag = "events"
)]
async fn list_events(
    State(store): State<Arc<Store>>,
    InProject { project, .. }: InProject,
    Query(query): Query<EventsQuery>,
) -> Result<Json<Events>, ApiError> {
    let limit = query.limit.unwrap_or(100).clamp(1, MOST);
    let filter = EventFilter { project: Some(project), ..EventFilter::default() };
    let events = store.events.latest(&filter, limit).await?;
    Ok(Json(Events { events: events.into_iter().map(Into::into).collect() }))
}

/// List who did what in a project, newest first: for its admins
#[utoipa::path(
    get,
    path = "/v1/project/{project}/audit",
    params(ProjectPath, AuditQuery),
    responses((status = 200, body = Audit)),
    tag = "events"
)]
async fn list_project_audit(
    State(store): State<Arc<Store>>,
    InProject { project, .. }: InProject<Administer>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Audit>, ApiError> {
    let limit = query.limit();
    let filter = EventFilter { project: Some(project), ..query.filter() };
    let events = store.events.latest(&filter, limit).await?;
    Ok(Json(Audit { audit: events.into_iter().map(Into::into).collect() }))
}

/// List who did what in any project and to the installation, newest first: for its admins
#[utoipa::path(
    get,
    path = "/v1/audit",
    params(AuditQuery),
    responses((status = 200, body = Audit)),
    tag = "events"
)]
async fn list_audit(
    State(store): State<Arc<Store>>,
    caller: Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Audit>, ApiError> {
    caller.everywhere(Role::Admin)?;
    let limit = query.limit();
    let events = store.events.latest(&query.filter(), limit).await?;
    Ok(Json(Audit { audit: events.into_iter().map(Into::into).collect() }))
}
