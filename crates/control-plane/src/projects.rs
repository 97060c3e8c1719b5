//! `/v1/project`, and the project's CA.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use model::{ProjectName, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Project, Store};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Administer, Caller, InProject, ProjectPath};
use crate::clouds::{self, CLOUD};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Json;
use crate::services::refuse_unknown;
use crate::time::rfc3339;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_projects, create_project))
        .routes(routes!(get_project, update_project))
        .routes(routes!(get_project_ca))
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
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct Projects {
    projects: Vec<ProjectView>,
    /// The caller's role in each of them.
    #[schema(value_type = Object)]
    project_membership: Map<String, Value>,
}

/// A project to be made.
#[derive(Debug, Deserialize, ToSchema)]
struct CreateProject {
    /// 1-63 of a-z, 0-9 and `-`, the first a letter.
    project: String,
    cloud: Option<String>,
    /// Billing and the like may be there: nothing is billed.
    #[serde(flatten)]
    #[schema(ignore)]
    #[expect(dead_code, reason = "clients send it")]
    other: Map<String, Value>,
}

/// What shall be different in a project. There is nothing that could be: what is there already may be
/// repeated.
#[derive(Debug, Deserialize, ToSchema)]
struct UpdateProject {
    project_name: Option<String>,
    cloud: Option<String>,
    /// What is not offered may be there as long as it asks for nothing.
    #[serde(flatten)]
    #[schema(ignore)]
    other: Map<String, Value>,
}

impl From<Project> for ProjectView {
    fn from(project: Project) -> Self {
        Self {
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
        }
    }
}

async fn find(store: &Store, name: &ProjectName) -> Result<ProjectView, ApiError> {
    Ok(store.projects.get(name).await?.ok_or(ApiError::NotFound("Project"))?.into())
}

/// List projects in which the caller has a role
#[utoipa::path(
    get,
    path = "/v1/project",
    responses((status = 200, body = Projects)),
    tag = "projects"
)]
async fn list_projects(
    State(store): State<Arc<Store>>,
    caller: Caller,
) -> Result<Json<Projects>, ApiError> {
    let projects = store.projects.list(&caller.grants).await?;
    let role = |it: &Project| caller.grants.role_in(&it.name).map(|role| role.as_str().into());
    let membership = projects.iter().filter_map(|it| Some((it.name.to_string(), role(it)?)));
    let project_membership = membership.collect();
    let projects = projects.into_iter().map(Into::into).collect();
    Ok(Json(Projects { projects, project_membership }))
}

/// Make a project: for admins of every project
#[utoipa::path(
    post,
    path = "/v1/project",
    request_body = CreateProject,
    responses(
        (status = 201, body = ProjectAnswer),
        (status = 400, body = ErrorBody),
        (status = 409, body = ErrorBody),
    ),
    tag = "projects"
)]
async fn create_project(
    State(store): State<Arc<Store>>,
    caller: Caller,
    Json(body): Json<CreateProject>,
) -> Result<(StatusCode, Json<ProjectAnswer>), ApiError> {
    caller.everywhere(Role::Admin)?;
    let name: ProjectName = body.project.parse()?;
    clouds::check(body.cloud.as_deref())?;
    if !store.projects.ensure(&name, &caller.by).await? {
        return Err(ApiError::Conflict("Project already exists".into()));
    }
    let project = find(&store, &name).await?;
    Ok((StatusCode::CREATED, Json(ProjectAnswer { project, message: Some("created") })))
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
    State(store): State<Arc<Store>>,
    InProject { project, .. }: InProject,
) -> Result<Json<ProjectAnswer>, ApiError> {
    Ok(Json(ProjectAnswer { project: find(&store, &project).await?, message: None }))
}

/// Change a project: what it has may be repeated, and nothing else is offered
#[utoipa::path(
    put,
    path = "/v1/project/{project}",
    params(ProjectPath),
    request_body = UpdateProject,
    responses((status = 200, body = ProjectAnswer)),
    tag = "projects"
)]
async fn update_project(
    State(store): State<Arc<Store>>,
    InProject { project, .. }: InProject<Administer>,
    Json(body): Json<UpdateProject>,
) -> Result<Json<ProjectAnswer>, ApiError> {
    refuse_unknown(&body.other)?;
    clouds::check(body.cloud.as_deref())?;
    if body.project_name.is_some_and(|it| it != project.as_str()) {
        return Err(ApiError::Invalid(format!(
            "Invalid 'project_name': a project cannot be renamed, and this one is {project}"
        )));
    }
    let project = find(&store, &project).await?;
    Ok(Json(ProjectAnswer { project, message: Some("updated") }))
}

/// Get the project's CA: there is none while listeners have no TLS
#[utoipa::path(
    get,
    path = "/v1/project/{project}/kms/ca",
    params(ProjectPath),
    responses((status = 404, body = ErrorBody)),
    tag = "projects"
)]
async fn get_project_ca(_: InProject) -> ApiError {
    ApiError::NotFound("Project CA")
}
