//! `/v1/project/{project}/alerts`, and alerts and backups of a service: there are none.
//!
//! Clients ask for them wherever they show a service. What the platform has to say of a service is
//! in its `service_notifications` and events; records are kept by Kafka's replicas and nowhere else.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{InProject, OfService, ProjectPath, ServicePath};
use crate::extract::Json;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_project_alerts))
        .routes(routes!(list_service_alerts))
        .routes(routes!(list_backups))
}

#[derive(Serialize, ToSchema)]
struct Alerts {
    alerts: [String; 0],
}

#[derive(Serialize, ToSchema)]
struct Backups {
    backups: [String; 0],
}

/// List alerts of a project: none are raised
#[utoipa::path(
    get,
    path = "/v1/project/{project}/alerts",
    params(ProjectPath),
    responses((status = 200, body = Alerts)),
    tag = "alerts"
)]
async fn list_project_alerts(_: InProject) -> Json<Alerts> {
    Json(Alerts { alerts: [] })
}

/// List alerts of a service: none are raised
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/alerts",
    params(ServicePath),
    responses((status = 200, body = Alerts)),
    tag = "alerts"
)]
async fn list_service_alerts(_: OfService) -> Json<Alerts> {
    Json(Alerts { alerts: [] })
}

/// List backups of a service: none are made
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/backups",
    params(ServicePath),
    responses((status = 200, body = Backups)),
    tag = "alerts"
)]
async fn list_backups(_: OfService) -> Json<Backups> {
    Json(Backups { backups: [] })
}
