//! `/v1/project`, `/v1/me`, and the project's CA.

use axum::extract::State;
use model::{ProjectName, Timestamp};
use serde::Serialize;
use store::Store;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::caller::{InAnyProject, InProject, ProjectPath};
use crate::clouds::CLOUD;
use crate::error::ApiError;
use crate::extract::Json;
use crate::time::rfc3339;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_projects))
        .routes(routes!(get_project))
        .routes(routes!(get_project_ca))
        .routes(routes!(get_me))
}

/// A project. There is no billing, hence the empty fields: clients print them.
#[derive(Serialize, ToSchema)]
struct ProjectView {
    project_name: String,
    create_time: Option<String>,
    default_cloud: &'static str,
    account_id: Option<String>,
    billing_currency: Option<String>,
    billing_address: &'static str,
    billing_extra_text: Option<String>,
    country_code: &'static str,
    vat_id: &'static str,
    tech_emails: [String; 0],
}

#[derive(Serialize, ToSchema)]
struct ProjectAnswer {
    project: ProjectView,
}

#[derive(Serialize, ToSchema)]
struct Projects {
    projects: Vec<ProjectView>,
}

#[derive(Serialize, ToSchema)]
struct Me {
    user: MeUser,
}

#[derive(Serialize, ToSchema)]
struct MeUser {
    user: String,
    user_id: String,
    real_name: String,
    state: &'static str,
    token_validity_begin: String,
    projects: [String; 1],
    auth: [&'static str; 1],
}

async fn show(store: &Store, name: ProjectName) -> Result<ProjectView, ApiError> {
    let project = store.projects.get(&name).await?.ok_or(ApiError::NotFound("Project"))?;
    Ok(ProjectView {
        project_name: project.name.into(),
        create_time: Some(rfc3339(project.created_at)),
        default_cloud: CLOUD,
        account_id: None,
        billing_currency: None,
        billing_address: "",
        billing_extra_text: None,
        country_code: "",
        vat_id: "",
        tech_emails: [],
    })
}

/// List projects that the token opens
#[utoipa::path(
    get,
    path = "/v1/project",
    responses((status = 200, body = Projects)),
    tag = "projects"
)]
async fn list_projects(
    State(store): State<Store>,
    InAnyProject(name): InAnyProject,
) -> Result<Json<Projects>, ApiError> {
    Ok(Json(Projects { projects: vec![show(&store, name).await?] }))
}

/// Get a project
#[utoipa::path(
    get,
    path = "/v1/project/{project}",
    params(ProjectPath),
    responses((status = 200, body = ProjectAnswer)),
    tag = "projects"
)]
async fn get_project(
    State(store): State<Store>,
    InProject(name): InProject,
) -> Result<Json<ProjectAnswer>, ApiError> {
    Ok(Json(ProjectAnswer { project: show(&store, name).await? }))
}

/// Get the project's CA: there is none while listeners have no TLS
#[utoipa::path(
    get,
    path = "/v1/project/{project}/kms/ca",
    params(ProjectPath),
    responses((status = 404, body = crate::error::ErrorBody)),
    tag = "projects"
)]
async fn get_project_ca(_: InProject) -> ApiError {
    ApiError::NotFound("Project CA")
}

/// Tell whose token this is
#[utoipa::path(get, path = "/v1/me", responses((status = 200, body = Me)), tag = "projects")]
async fn get_me(InAnyProject(project): InAnyProject) -> Json<Me> {
    Json(Me {
        user: MeUser {
            user: format!("token of project {project}"),
            user_id: format!("project:{project}"),
            real_name: format!("Project {project}"),
            state: "active",
            token_validity_begin: rfc3339(Timestamp(0)),
            projects: [project.into()],
            auth: ["token"],
        },
    })
}
