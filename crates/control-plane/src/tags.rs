//! `/v1/project/{project}/service/{service}/tags`: what people write on a service.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{OfService, Operate, ServicePath};
use crate::error::ApiError;
use crate::extract::Json;
use crate::services::Message;

/// The most tags that a service has.
const MOST: usize = 50;
/// The most characters of a key or a value.
const LONGEST: usize = 128;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_tags, update_tags, replace_tags))
}

/// Tags by key.
#[derive(Serialize, ToSchema)]
struct Tags {
    tags: BTreeMap<String, String>,
}

/// Tags by key; `null` removes.
#[derive(Deserialize, ToSchema)]
struct ChangeTags {
    tags: BTreeMap<String, Option<String>>,
}

/// Refuses keys and values that terminals and databases cannot bear.
fn check(change: &ChangeTags, there: usize) -> Result<(), ApiError> {
    let fits = |text: &str| text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
    let shown = |text: &str| text.escape_debug().take(64).collect::<String>();
    for (key, value) in &change.tags {
        if key.is_empty() || !fits(key) {
            let rule = format!("a key is 1-{LONGEST} characters without control characters");
            return Err(ApiError::Invalid(format!("Invalid 'tags': '{}': {rule}", shown(key))));
        }
        if let Some(value) = value.as_ref().filter(|it| !fits(it)) {
            let rule = format!("a value is up to {LONGEST} characters without control characters");
            let (key, value) = (shown(key), shown(value));
            return Err(ApiError::Invalid(format!("Invalid 'tags.{key}': '{value}': {rule}")));
        }
    }
    let new = change.tags.values().filter(|it| it.is_some()).count();
    if there + new > MOST {
        return Err(ApiError::Invalid(format!("Invalid 'tags': a service has {MOST} at most")));
    }
    Ok(())
}

/// List tags of a service
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/tags",
    params(ServicePath),
    responses((status = 200, body = Tags)),
    tag = "services"
)]
async fn list_tags(OfService { service, .. }: OfService) -> Json<Tags> {
    Json(Tags { tags: service.tags })
}

/// Change tags of a service: those that are not named stay
#[utoipa::path(
    patch,
    path = "/v1/project/{project}/service/{service}/tags",
    params(ServicePath),
    request_body = ChangeTags,
    responses((status = 200, body = Message)),
    tag = "services"
)]
async fn update_tags(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Operate>,
    Json(body): Json<ChangeTags>,
) -> Result<Json<Message>, ApiError> {
    let stay = service.tags.keys().filter(|it| !body.tags.contains_key(*it)).count();
    check(&body, stay)?;
    app.store.services.set_tags(service.id, &body.tags, false, &by).await?;
    Ok(Json(Message { message: "tags updated" }))
}

/// Replace all tags of a service
#[utoipa::path(
    put,
    path = "/v1/project/{project}/service/{service}/tags",
    params(ServicePath),
    request_body = ChangeTags,
    responses((status = 200, body = Message)),
    tag = "services"
)]
async fn replace_tags(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Operate>,
    Json(body): Json<ChangeTags>,
) -> Result<Json<Message>, ApiError> {
    check(&body, 0)?;
    app.store.services.set_tags(service.id, &body.tags, true, &by).await?;
    Ok(Json(Message { message: "tags updated" }))
}
