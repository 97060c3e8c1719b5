//! `/v1/project/{project}/service/{service}/user`: service users, and their passwords.

use axum::extract::State;
use model::{Role, Secret, Username};
use serde::{Deserialize, Serialize};
use store::{By, Service, ServiceUser, UserType};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Develop, OfService, ServicePath};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path, Query};
use crate::losses::{Asked, LossQuery, Losses, access_of, losses};
use crate::services::{ServiceAnswer, UserView, show, users_of};
use crate::{App, random};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_users, create_user))
        .routes(routes!(get_user, update_user, delete_user))
        .routes(routes!(reset_user_credentials))
        .routes(routes!(reset_user_credentials_by_its_documented_name))
        .routes(routes!(reset_service_credentials))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct UserPath {
    /// Name of the service user.
    pub(crate) user: String,
}

#[derive(Deserialize, ToSchema)]
struct CreateUser {
    username: String,
}

/// What to do with a user.
#[derive(Deserialize, ToSchema)]
struct UpdateUser {
    operation: Operation,
    /// 8-256 printable characters; without it, one is made.
    #[schema(value_type = Option<String>)]
    new_password: Option<Secret>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Operation {
    ResetCredentials,
    AcknowledgeRenewal,
}

#[derive(Serialize, ToSchema)]
struct UserAnswer {
    user: UserView,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

/// That a user is deleted, and who loses access.
#[derive(Serialize, ToSchema)]
struct UserDeleted {
    message: String,
    #[serde(flatten)]
    losses: Losses,
}

#[derive(Serialize, ToSchema)]
struct Users {
    users: Vec<UserView>,
}

/// The user of that name. A name that breaks the rules is nobody's.
pub(crate) async fn find(
    app: &App,
    service: &Service,
    name: &str,
) -> Result<ServiceUser, ApiError> {
    let users = users_of(app, service.id).await?;
    let found = users.into_iter().find(|it| it.username.as_str() == name);
    found.ok_or(ApiError::NotFound("Service user"))
}

/// Refuses what SCRAM would prepare differently in different clients.
fn check(password: &Secret) -> Result<(), ApiError> {
    let text = password.expose();
    if (8..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    // The value is a secret.
    let rule = "it must be 8-256 printable ASCII characters without spaces";
    Err(ApiError::Invalid(format!("Invalid 'new_password': {rule}")))
}

/// Gives a user that password, or one at random.
pub(crate) async fn reset(
    app: &App,
    service: &Service,
    username: &Username,
    password: Option<Secret>,
    by: &By,
) -> Result<(), ApiError> {
    let password = password.map_or_else(random::user_password, Ok)?;
    if app.store.users.set_password(service.id, username, &password, by).await? {
        Ok(())
    } else {
        Err(ApiError::NotFound("Service user"))
    }
}

async fn updated(
    app: &App,
    service: &Service,
    role: Role,
) -> Result<Json<ServiceAnswer>, ApiError> {
    let service = show(app, service, role).await?;
    Ok(Json(ServiceAnswer { service, message: Some("updated") }))
}

/// Makes a user with a password at random.
pub(crate) async fn create(
    app: &App,
    service: &Service,
    username: &str,
    by: &By,
) -> Result<Username, ApiError> {
    let username: Username = username.parse()?;
    app.store.users.create(service.id, &username, &random::user_password()?, by).await?;
    Ok(username)
}

/// Deletes a user, or says what that would take away.
pub(crate) async fn delete(
    app: &App,
    service: &Service,
    username: &str,
    by: &By,
    asked: Asked,
) -> Result<Losses, ApiError> {
    let user = find(app, service, username).await?;
    if user.kind == UserType::Primary {
        let name = user.username;
        return Err(ApiError::Forbidden(format!("Service user '{name}' cannot be deleted")));
    }
    let before = access_of(app, service).await?;
    let mut after = before.clone();
    after.users.remove(&user.username);
    let losses = losses(app, service, (before, after), asked.days).await?;
    if !asked.dry_run && !app.store.users.delete(service.id, &user.username, by).await? {
        return Err(ApiError::NotFound("Service user"));
    }
    Ok(losses)
}

/// List service users
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/user",
    params(ServicePath),
    responses((status = 200, body = Users)),
    tag = "users"
)]
async fn list_users(
    State(app): State<App>,
    OfService { service, role, .. }: OfService,
) -> Result<Json<Users>, ApiError> {
    let users = users_of(&app, service.id).await?;
    Ok(Json(Users { users: users.into_iter().map(|it| UserView::of(it, role)).collect() }))
}

/// Make a service user
///
/// The password is made at random, and is in the answer. Kafka knows it within seconds.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/user",
    params(ServicePath),
    request_body = CreateUser,
    responses((status = 200, body = UserAnswer), (status = 409, body = ErrorBody)),
    tag = "users"
)]
async fn create_user(
    State(app): State<App>,
    OfService { service, role, by, .. }: OfService<Develop>,
    Json(body): Json<CreateUser>,
) -> Result<Json<UserAnswer>, ApiError> {
    let username = create(&app, &service, &body.username, &by).await?;
    let user = find(&app, &service, username.as_str()).await?;
    Ok(Json(UserAnswer { user: UserView::of(user, role), message: Some("created") }))
}

/// Get a service user
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/user/{user}",
    params(ServicePath, UserPath),
    responses((status = 200, body = UserAnswer)),
    tag = "users"
)]
async fn get_user(
    State(app): State<App>,
    OfService { service, role, .. }: OfService,
    Path(path): Path<UserPath>,
) -> Result<Json<UserAnswer>, ApiError> {
    let user = find(&app, &service, &path.user).await?;
    Ok(Json(UserAnswer { user: UserView::of(user, role), message: None }))
}

/// Reset a service user's password, or acknowledge that its certificate was renewed
///
/// There are no certificates yet, so the latter does nothing.
#[utoipa::path(
    put,
    path = "/v1/project/{project}/service/{service}/user/{user}",
    params(ServicePath, UserPath),
    request_body = UpdateUser,
    responses((status = 200, body = ServiceAnswer)),
    tag = "users"
)]
async fn update_user(
    State(app): State<App>,
    OfService { service, role, by, .. }: OfService<Develop>,
    Path(path): Path<UserPath>,
    Json(body): Json<UpdateUser>,
) -> Result<Json<ServiceAnswer>, ApiError> {
    let user = find(&app, &service, &path.user).await?;
    if matches!(body.operation, Operation::ResetCredentials) {
        body.new_password.as_ref().map_or(Ok(()), check)?;
        reset(&app, &service, &user.username, body.new_password, &by).await?;
    }
    updated(&app, &service, role).await
}

/// Reset a service user's password
#[utoipa::path(
    put,
    path = "/v1/project/{project}/service/{service}/user/{user}/credentials/reset",
    params(ServicePath, UserPath),
    responses((status = 200, body = ServiceAnswer)),
    tag = "users"
)]
async fn reset_user_credentials(
    State(app): State<App>,
    OfService { service, role, by, .. }: OfService<Develop>,
    Path(path): Path<UserPath>,
) -> Result<Json<ServiceAnswer>, ApiError> {
    reset_one(&app, &service, role, &path.user, &by).await
}

/// Reset a service user's password, as Aiven's documentation asks for it
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/user/{user}/reset-credentials",
    params(ServicePath, UserPath),
    responses((status = 200, body = ServiceAnswer)),
    tag = "users"
)]
async fn reset_user_credentials_by_its_documented_name(
    State(app): State<App>,
    OfService { service, role, by, .. }: OfService<Develop>,
    Path(path): Path<UserPath>,
) -> Result<Json<ServiceAnswer>, ApiError> {
    reset_one(&app, &service, role, &path.user, &by).await
}

async fn reset_one(
    app: &App,
    service: &Service,
    role: Role,
    username: &str,
    by: &By,
) -> Result<Json<ServiceAnswer>, ApiError> {
    let user = find(app, service, username).await?;
    reset(app, service, &user.username, None, by).await?;
    updated(app, service, role).await
}

/// Reset the password of the service's primary user
#[utoipa::path(
    put,
    path = "/v1/project/{project}/service/{service}/credentials/reset",
    params(ServicePath),
    responses((status = 200, body = ServiceAnswer)),
    tag = "users"
)]
async fn reset_service_credentials(
    State(app): State<App>,
    OfService { service, role, by, .. }: OfService<Develop>,
) -> Result<Json<ServiceAnswer>, ApiError> {
    let users = users_of(&app, service.id).await?;
    for user in users.iter().filter(|it| it.kind == UserType::Primary) {
        reset(&app, &service, &user.username, None, &by).await?;
    }
    updated(&app, &service, role).await
}

/// Delete a service user
///
/// The answer names what it was seen to do and is refused from now on; whoever comes by a token of that
/// name keeps what Kafka-native entries allow. With `?dry_run=true` nothing is changed.
#[utoipa::path(
    delete,
    path = "/v1/project/{project}/service/{service}/user/{user}",
    params(ServicePath, UserPath, LossQuery),
    responses((status = 200, body = UserDeleted)),
    tag = "users"
)]
async fn delete_user(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Develop>,
    Path(path): Path<UserPath>,
    Query(query): Query<LossQuery>,
) -> Result<Json<UserDeleted>, ApiError> {
    let asked = query.asked()?;
    let losses = delete(&app, &service, &path.user, &by, asked).await?;
    Ok(Json(UserDeleted { message: asked.message("deleted", &losses), losses }))
}
