//! `/v1/project/{project}/service/{service}/maintenance/start`

use std::sync::Arc;

use axum::extract::State;
use store::{By, RecordError, RolloutCommand, Service, Store};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{OfService, Operate, ServicePath};
use crate::error::ApiError;
use crate::extract::Json;
use crate::rollouts::under_way;
use crate::services::Message;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(start_maintenance))
}

/// Start what waits for the maintenance window
#[utoipa::path(
    put,
    path = "/v1/project/{project}/service/{service}/maintenance/start",
    params(ServicePath),
    responses((status = 200, body = Message)),
    tag = "services"
)]
async fn start_maintenance(
    State(store): State<Arc<Store>>,
    OfService { service, by, .. }: OfService<Operate>,
) -> Result<Json<Message>, ApiError> {
    let started = lift_window(&store, &service, &by).await?;
    let nothing = "service is up to date, maintenance not required";
    Ok(Json(Message { message: if started { "maintenance started" } else { nothing } }))
}

/// Takes the window from the rollout that waits for it. Returns whether there was one.
async fn lift_window(store: &Store, service: &Service, by: &By) -> Result<bool, ApiError> {
    let Some(rollout) = under_way(store, service).await?.filter(|it| it.window.is_some()) else {
        return Ok(false);
    };
    let now = RolloutCommand::StartNow;
    match store.rollouts.tell(service.id, rollout.id, None, by, &now).await {
        Ok(()) => Ok(true),
        // It has ended in the meantime.
        Err(RecordError::Stale) => Ok(false),
        Err(RecordError::Store(error)) => Err(error.into()),
    }
}
