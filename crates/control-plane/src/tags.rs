//! `/v1/project/{project}/service/{service}/tags`: not kept yet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{OfService, Operate, ServicePath};
use crate::error::ApiError;
use crate::extract::Json;
use crate::services::Message;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_tags, update_tags, replace_tags))
}

/// Tags by name.
#[derive(Serialize, ToSchema)]
struct Tags {
    tags: BTreeMap<String, String>,
}

/// Tags by name; `null` removes.
#[derive(Deserialize, ToSchema)]
struct ChangeTags {
    tags: BTreeMap<String, Option<String>>,
}

/// Removing what was never there is done at once.
fn change(body: &ChangeTags) -> Result<Json<Message>, ApiError> {
    if body.tags.values().all(Option::is_none) {
        return Ok(Json(Message { message: "tags updated" }));
    }
    Err(ApiError::NotOffered("Tags of services are not offered yet".into()))
}

/// List tags of a service
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/tags",
    params(ServicePath),
    responses((status = 200, body = Tags)),
    tag = "services"
)]
async fn list_tags(_: OfService) -> Json<Tags> {
    Json(Tags { tags: BTreeMap::new() })
}

/// Change tags of a service
#[utoipa::path(
    patch,
    path = "/v1/project/{project}/service/{service}/tags",
    params(ServicePath),
    request_body = ChangeTags,
    responses((status = 200, body = Message)),
    tag = "services"
)]
async fn update_tags(
    _: OfService<Operate>,
    Json(body): Json<ChangeTags>,
) -> Result<Json<Message>, ApiError> {
    change(&body)
}

/// Replace tags of a service
#[utoipa::path(
    put,
    path = "/v1/project/{project}/service/{service}/tags",
    params(ServicePath),
    request_body = ChangeTags,
    responses((status = 200, body = Message)),
    tag = "services"
)]
async fn replace_tags(
    _: OfService<Operate>,
    Json(body): Json<ChangeTags>,
) -> Result<Json<Message>, ApiError> {
    change(&body)
}
