//! `/v1/project/{project}/events`: what happened.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{Event, Store};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::caller::{InProject, ProjectPath};
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::time::rfc3339;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_events))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// How many at most, 100 if not given, 1000 at most.
    limit: Option<u32>,
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

/// List what happened in a project, newest first
#[utoipa::path(
    get,
    path = "/v1/project/{project}/events",
    params(ProjectPath, EventsQuery),
    responses((status = 200, body = Events)),
    tag = "events"
)]
async fn list_events(
    State(store): State<Store>,
    InProject(project): InProject,
    Query(query): Query<EventsQuery>,
) -> Result<Json<Events>, ApiError> {
    let limit = query.limit.unwrap_or(100).clamp(1, 1000);
    let events = store.events.latest(&project, limit).await?;
    Ok(Json(Events { events: events.into_iter().map(Into::into).collect() }))
}
