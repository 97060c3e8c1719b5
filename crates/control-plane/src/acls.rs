//! `/v1/project/{project}/service/{service}/acl`: Aiven's ACL entries.

mod delete;

use std::sync::Arc;

use axum::extract::State;
use model::{AclEntry, AclPattern, AclPermission, ServiceId};
use serde::{Deserialize, Serialize};
use store::{By, Store};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::delete::{AclKind, delete};
use crate::access::{Develop, OfService, ServicePath};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path, Query};
use crate::losses::{LossQuery, Losses};
use crate::services::AclView;
use crate::{App, random};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_acl, add_acl)).routes(routes!(delete_acl))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AclPath {
    /// Id of the entry.
    acl: String,
}

/// An entry to be added.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AddAcl {
    /// `admin`, `read`, `readwrite` or `write`.
    pub(crate) permission: String,
    /// Topics; `*` is any run of characters, `?` exactly one.
    #[serde(alias = "resource")]
    pub(crate) topic: String,
    /// Service users; `*` is any run of characters, `?` exactly one.
    pub(crate) username: String,
}

/// Every entry of the service.
#[derive(Serialize, ToSchema)]
struct Acl {
    acl: Vec<AclView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

/// Every entry that is left, and who loses access.
#[derive(Serialize, ToSchema)]
struct AclDeleted {
    acl: Vec<AclView>,
    message: String,
    #[serde(flatten)]
    losses: Losses,
}

/// Every Aiven entry of a service, oldest first.
pub(crate) async fn entries(store: &Store, service: ServiceId) -> Result<Vec<AclView>, ApiError> {
    Ok(store.acls.list(service).await?.into_iter().map(Into::into).collect())
}

fn parse(body: &AddAcl) -> Result<AclEntry, ApiError> {
    Ok(AclEntry {
        id: random::acl_id()?,
        permission: body.permission.parse::<AclPermission>().map_err(ApiError::invalid)?,
        topic: AclPattern::topic(&body.topic).map_err(ApiError::invalid)?,
        username: AclPattern::username(&body.username).map_err(ApiError::invalid)?,
    })
}

/// Adds an entry.
pub(crate) async fn add(
    store: &Store,
    service: ServiceId,
    body: &AddAcl,
    by: &By,
) -> Result<(), ApiError> {
    Ok(store.acls.add(service, &parse(body)?, by).await?)
}

/// List ACL entries
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/acl",
    params(ServicePath),
    responses((status = 200, body = Acl)),
    tag = "acl"
)]
async fn list_acl(
    State(store): State<Arc<Store>>,
    OfService { service, .. }: OfService,
) -> Result<Json<Acl>, ApiError> {
    Ok(Json(Acl { acl: entries(&store, service.id).await?, message: None }))
}

/// Add an ACL entry
///
/// It applies to service users that match, and so to OIDC principals that are named like one.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/acl",
    params(ServicePath),
    request_body = AddAcl,
    responses((status = 200, body = Acl), (status = 409, body = ErrorBody)),
    tag = "acl"
)]
async fn add_acl(
    State(store): State<Arc<Store>>,
    OfService { service, by, .. }: OfService<Develop>,
    Json(body): Json<AddAcl>,
) -> Result<Json<Acl>, ApiError> {
    add(&store, service.id, &body, &by).await?;
    Ok(Json(Acl { acl: entries(&store, service.id).await?, message: Some("added") }))
}

/// Delete an ACL entry
///
/// The answer names who was seen and loses access by it. With `?dry_run=true` nothing is changed.
#[utoipa::path(
    delete,
    path = "/v1/project/{project}/service/{service}/acl/{acl}",
    params(ServicePath, AclPath, LossQuery),
    responses((status = 200, body = AclDeleted)),
    tag = "acl"
)]
async fn delete_acl(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Develop>,
    Path(path): Path<AclPath>,
    Query(query): Query<LossQuery>,
) -> Result<Json<AclDeleted>, ApiError> {
    let asked = query.asked()?;
    let losses = delete(&app, &service, (AclKind::Aiven, &path.acl), &by, asked).await?;
    let acl = entries(&app.store, service.id).await?;
    Ok(Json(AclDeleted { acl, message: asked.message("deleted", &losses), losses }))
}
