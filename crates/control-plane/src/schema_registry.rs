//! `/v1/project/{project}/service/{service}/kafka/schema-registry/acl`: there is no schema registry.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Develop, OfService, ServicePath};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_schema_registry_acl, add_schema_registry_acl))
        .routes(routes!(delete_schema_registry_acl))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AclPath {
    /// Id of the entry.
    #[expect(dead_code, reason = "there is none")]
    acl: String,
}

#[derive(Serialize, ToSchema)]
struct SchemaRegistryAcl {
    acl: [String; 0],
}

/// An entry to be added.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "for the document")]
struct AddSchemaRegistryAcl {
    permission: String,
    resource: String,
    username: String,
}

/// List ACL entries of the schema registry: there is no schema registry
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/kafka/schema-registry/acl",
    params(ServicePath),
    responses((status = 200, body = SchemaRegistryAcl)),
    tag = "acl"
)]
async fn list_schema_registry_acl(_: OfService) -> Json<SchemaRegistryAcl> {
    Json(SchemaRegistryAcl { acl: [] })
}

/// Add an ACL entry of the schema registry: refused, there is no schema registry
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/kafka/schema-registry/acl",
    params(ServicePath),
    request_body = AddSchemaRegistryAcl,
    responses((status = 409, body = ErrorBody)),
    tag = "acl"
)]
async fn add_schema_registry_acl(_: OfService<Develop>, _: Json<AddSchemaRegistryAcl>) -> ApiError {
    ApiError::Conflict("The service has no schema registry: none is offered".into())
}

/// Delete an ACL entry of the schema registry: there is none
#[utoipa::path(
    delete,
    path = "/v1/project/{project}/service/{service}/kafka/schema-registry/acl/{acl}",
    params(ServicePath, AclPath),
    responses((status = 404, body = ErrorBody)),
    tag = "acl"
)]
async fn delete_schema_registry_acl(_: OfService<Develop>, _: Path<AclPath>) -> ApiError {
    ApiError::NotFound("Schema registry ACL")
}
