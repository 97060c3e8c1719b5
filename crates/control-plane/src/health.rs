//! `/health`, and the document of the API: what needs no token.

use std::sync::Arc;
use std::sync::LazyLock;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use serde::Serialize;
use store::Store;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::extract::Json;
use crate::{App, api};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_health)).routes(routes!(get_document))
}

#[derive(Serialize, ToSchema)]
struct Health {
    status: &'static str,
}

/// Tell whether requests can be served
#[utoipa::path(
    get,
    path = "/health",
    responses((status = 200, body = Health), (
            status = 503, description = "The database cannot be reached", body = crate::error::ErrorBody,
            headers(("retry-after" = String, description = "Seconds after which to try again")),
        )),
    security(()),
    tag = "health"
)]
async fn get_health(State(store): State<Arc<Store>>) -> Result<Json<Health>, ApiError> {
    store.ping().await?;
    Ok(Json(Health { status: "ok" }))
}

/// Describe this API
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    responses((status = 200, description = "An OpenAPI document", content_type = "application/json")),
    security(()),
    tag = "health"
)]
async fn get_document() -> Result<Response, ApiError> {
    static DOCUMENT: LazyLock<Result<String, String>> =
        LazyLock::new(|| api().1.to_json().map_err(|error| error.to_string()));
    match &*DOCUMENT {
        Ok(text) => Ok(([(CONTENT_TYPE, "application/json")], text.as_str()).into_response()),
        Err(error) => Err(ApiError::Internal(error.as_str().into())),
    }
}
