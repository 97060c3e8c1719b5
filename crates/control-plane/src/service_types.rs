//! `/v1/project/{project}/service-types`: what can be made, with its options; and the versions.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Caller, InProject, ProjectPath};
use crate::clouds::CLOUD;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::plans::PLANS;

/// The only type of service.
pub(crate) const KAFKA: &str = "kafka";

/// What people read instead.
pub(crate) const KAFKA_DESCRIPTION: &str = "Kafka - High-Throughput Distributed Messaging System";

/// The only version of Kafka.
pub(crate) const KAFKA_VERSION: &str = "4.3";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_service_types))
        .routes(routes!(list_service_types_by_its_other_name))
        .routes(routes!(get_service_type))
        .routes(routes!(list_service_versions))
        .routes(routes!(list_account_service_versions))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ServiceTypePath {
    /// Type of service: `kafka`.
    service_type: String,
}

#[derive(Serialize, ToSchema)]
struct ServiceTypes {
    service_types: KnownTypes,
}

#[derive(Serialize, ToSchema)]
struct KnownTypes {
    kafka: ServiceType,
}

/// A type of service.
#[derive(Serialize, ToSchema)]
struct ServiceType {
    description: &'static str,
    default_version: &'static str,
    latest_available_version: &'static str,
    /// JSON schema of `user_config`.
    #[schema(value_type = Object)]
    user_config_schema: &'static Value,
    service_plans: Vec<PlanView>,
}

/// A size of service.
#[derive(Serialize, ToSchema)]
struct PlanView {
    service_type: &'static str,
    service_plan: &'static str,
    node_count: u16,
    #[schema(value_type = Object)]
    regions: Value,
}

#[derive(Serialize, ToSchema)]
struct ServiceVersions {
    service_versions: [ServiceVersion; 1],
}

/// A version of Kafka. No end is planned for it.
#[derive(Serialize, ToSchema)]
struct ServiceVersion {
    service_type: &'static str,
    major_version: &'static str,
    state: &'static str,
    availability_start_time: Option<String>,
    availability_end_time: Option<String>,
    aiven_end_of_life_time: Option<String>,
    upstream_end_of_life_time: Option<String>,
    termination_time: Option<String>,
    end_of_life_help_article_url: Option<String>,
}

fn kafka() -> ServiceType {
    let plans = PLANS.iter().map(|plan| PlanView {
        service_type: KAFKA,
        service_plan: plan.name,
        node_count: plan.nodes,
        regions: serde_json::json!({ CLOUD: {
            "price_usd": "0",
            "node_cpu_count": 1,
            "node_memory_mb": plan.memory_mb,
            // Disks are the operator's; no plan limits them.
            "disk_space_mb": 0,
            "disk_space_cap_mb": null,
            "disk_space_step_mb": null,
        }}),
    });
    ServiceType {
        description: KAFKA_DESCRIPTION,
        default_version: KAFKA_VERSION,
        latest_available_version: KAFKA_VERSION,
        user_config_schema: service_config::schema(),
        service_plans: plans.collect(),
    }
}

fn versions() -> Json<ServiceVersions> {
    Json(ServiceVersions {
        service_versions: [ServiceVersion {
            service_type: KAFKA,
            major_version: KAFKA_VERSION,
            state: "available",
            availability_start_time: None,
            availability_end_time: None,
            aiven_end_of_life_time: None,
            upstream_end_of_life_time: None,
            termination_time: None,
            end_of_life_help_article_url: None,
        }],
    })
}

fn types() -> Json<ServiceTypes> {
    Json(ServiceTypes { service_types: KnownTypes { kafka: kafka() } })
}

/// List types of services, as `avn` up to 4.15 asks for them
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service_types",
    params(ProjectPath),
    responses((status = 200, body = ServiceTypes)),
    tag = "service types"
)]
async fn list_service_types(_: InProject) -> Json<ServiceTypes> {
    types()
}

/// List types of services
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service-types",
    params(ProjectPath),
    responses((status = 200, body = ServiceTypes)),
    tag = "service types"
)]
async fn list_service_types_by_its_other_name(_: InProject) -> Json<ServiceTypes> {
    types()
}

/// Get a type of service with the schema of its options
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service-types/{service_type}",
    params(ProjectPath, ServiceTypePath),
    responses((status = 200, body = ServiceType)),
    tag = "service types"
)]
async fn get_service_type(
    _: InProject,
    Path(path): Path<ServiceTypePath>,
) -> Result<Json<ServiceType>, ApiError> {
    if path.service_type == KAFKA {
        Ok(Json(kafka()))
    } else {
        Err(ApiError::NotFound("Service type"))
    }
}

/// List versions
#[utoipa::path(
    get,
    path = "/v1/service_versions",
    responses((status = 200, body = ServiceVersions)),
    tag = "service types"
)]
async fn list_service_versions(_: Caller) -> Json<ServiceVersions> {
    versions()
}

/// List versions, for clients that know accounts
#[utoipa::path(
    get,
    path = "/v1/account/{account}/service_versions",
    params(("account" = String, Path, description = "Any: there are no accounts")),
    responses((status = 200, body = ServiceVersions)),
    tag = "service types"
)]
async fn list_account_service_versions(_: Caller) -> Json<ServiceVersions> {
    versions()
}
