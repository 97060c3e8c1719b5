//! `/v1/clouds`: there is one, the operator's own hosts.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Caller, InProject, ProjectPath};
use crate::error::ApiError;
use crate::extract::Json;

/// The name of the only cloud.
pub(crate) const CLOUD: &str = "self-hosted";

/// What people read instead.
pub(crate) const CLOUD_DESCRIPTION: &str = "Hosts of this installation";

/// Refuses another cloud than the only one.
pub(crate) fn check(asked: Option<&str>) -> Result<(), ApiError> {
    if asked.is_some_and(|it| it != CLOUD) {
        return Err(ApiError::Invalid(format!("Invalid 'cloud': only {CLOUD} is offered")));
    }
    Ok(())
}

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_clouds))
        .routes(routes!(list_project_clouds))
        .routes(routes!(list_vpcs))
}

#[derive(Serialize, ToSchema)]
struct Clouds {
    clouds: [CloudView; 1],
}

#[derive(Serialize, ToSchema)]
struct CloudView {
    cloud_name: &'static str,
    cloud_description: &'static str,
    geo_region: &'static str,
    geo_latitude: Option<f64>,
    geo_longitude: Option<f64>,
}

#[derive(Serialize, ToSchema)]
struct Vpcs {
    vpcs: [String; 0],
}

fn clouds() -> Json<Clouds> {
    Json(Clouds {
        clouds: [CloudView {
            cloud_name: CLOUD,
            cloud_description: CLOUD_DESCRIPTION,
            geo_region: "",
            geo_latitude: None,
            geo_longitude: None,
        }],
    })
}

/// List clouds
#[utoipa::path(get, path = "/v1/clouds", responses((status = 200, body = Clouds)), tag = "clouds")]
async fn list_clouds(_: Caller) -> Json<Clouds> {
    clouds()
}

/// List clouds that a project may use
#[utoipa::path(
    get,
    path = "/v1/project/{project}/clouds",
    params(ProjectPath),
    responses((status = 200, body = Clouds)),
    tag = "clouds"
)]
async fn list_project_clouds(_: InProject) -> Json<Clouds> {
    clouds()
}

/// List VPCs: there are none
#[utoipa::path(
    get,
    path = "/v1/project/{project}/vpcs",
    params(ProjectPath),
    responses((status = 200, body = Vpcs)),
    tag = "clouds"
)]
async fn list_vpcs(_: InProject) -> Json<Vpcs> {
    Json(Vpcs { vpcs: [] })
}
