//! `/v1/project/{project}/service`

mod create;
mod update;
mod view;
mod wire;

use axum::extract::State;
use http::StatusCode;
use model::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use service_config::UserConfig;
use store::{By, Contents, RolloutRecord, Service};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::create::CreateService;
pub(crate) use self::update::{Difference, at, changed_keys, rendered_as_stored, reread};
use self::update::{ImpactView, UpdateService, Updated};
pub(crate) use self::view::{NodeLook, ServiceLook, look, show, state_of, users_of};
use self::view::{show_all, show_with};
pub(crate) use self::wire::{AclView, ServiceView, UserView};
use crate::App;
use crate::access::{InProject, OfService, Operate, ProjectPath, ServicePath};
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::losses::{Asked, LossQuery, Losses};
use crate::rollouts::{self, ForecastView, RolloutBrief};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_services, create_service)).routes(routes!(
        get_service,
        update_service,
        terminate_service
    ))
}

#[derive(Serialize, ToSchema)]
struct Services {
    services: Vec<ServiceView>,
}

/// A service, with what was done to it in words.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServiceAnswer {
    pub(crate) service: ServiceView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct ServiceUpdated {
    service: ServiceView,
    message: &'static str,
    tidegate: Consequences,
}

/// What follows from an update. Empty lists: nothing.
#[derive(Serialize, ToSchema)]
pub(crate) struct Consequences {
    /// Whether nothing was changed, and this is what would follow.
    dry_run: bool,
    /// What is different from before.
    pub(crate) diff: Vec<Difference>,
    pub(crate) impact: ImpactView,
    /// What to know before it is done.
    pub(crate) warnings: Vec<String>,
    #[serde(flatten)]
    pub(crate) losses: Losses,
    /// The rollout that makes it real, if there has to be one: `opens_at` if it waits for the
    /// maintenance window.
    pub(crate) rollout: Option<RolloutBrief>,
    /// Of a dry run that would restart nodes: what that does to partitions and quorum as the cluster
    /// is now. Null also while Kafka cannot be asked.
    pub(crate) forecast: Option<ForecastView>,
}

/// Nothing but words.
#[derive(Serialize, ToSchema)]
pub(crate) struct Message {
    pub(crate) message: &'static str,
}

/// Refuses fields that ask for what is not offered. Those that ask for nothing are sent by every
/// client.
pub(crate) fn refuse_unknown(fields: &Map<String, Value>) -> Result<(), ApiError> {
    let asks = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    };
    match fields.iter().find(|(_, value)| asks(value)) {
        None => Ok(()),
        Some((name, _)) => {
            let name: String = name.escape_debug().take(64).collect();
            Err(ApiError::Invalid(format!("Invalid input: '{name}' is not offered")))
        }
    }
}

/// Puts a partial update over what is stored. A group without options says nothing, so it is
/// not there.
fn merged(current: &UserConfig, patch: &UserConfig) -> UserConfig {
    let mut merged = service_config::merge(current, patch);
    merged.retain(|_, value| value.as_object().is_none_or(|group| !group.is_empty()));
    merged
}

async fn consequences(
    app: &App,
    service: &Service,
    updated: Updated,
    dry_run: bool,
) -> Result<Consequences, ApiError> {
    let Updated { diff, warnings, losses, impact, rollout, .. } = updated;
    let forecast = if dry_run && !impact.rolling_restart.is_empty() && service.powered {
        rollouts::forecast_of_change(app, service).await?
    } else {
        None
    };
    let rollout = match rollout {
        Some(id) => app.store.rollouts.get(service.id, id).await?,
        None => None,
    };
    let brief = |it: &RolloutRecord| RolloutBrief::of(it, service, Timestamp::now());
    Ok(Consequences {
        dry_run,
        diff,
        impact: impact.into(),
        warnings,
        losses,
        rollout: rollout.as_ref().map(brief),
        forecast,
    })
}

/// Changes options of a service, or says what would follow. Returns the service as it is then.
pub(crate) async fn change_options(
    app: &App,
    service: Service,
    patch: UserConfig,
    by: &By,
    asked: Asked,
) -> Result<(Service, Consequences), ApiError> {
    let body = UpdateService::options(patch);
    // On the heap: it is large, and within others.
    let (service, _, consequences) = Box::pin(change(app, service, &body, by, asked)).await?;
    Ok((service, consequences))
}

/// Changes a service, or says what would follow. Returns the service as it is then, and what is in it
/// if that was read on the way.
async fn change(
    app: &App,
    service: Service,
    body: &UpdateService,
    by: &By,
    asked: Asked,
) -> Result<(Service, Option<Contents>, Consequences), ApiError> {
    let (service, mut updated) = update::update(app, service, body, by, asked).await?;
    let contents = updated.contents.take();
    let consequences = consequences(app, &service, updated, asked.dry_run).await?;
    Ok((service, contents, consequences))
}

/// List services of a project
///
/// Users and ACL entries are not in the list: get the service, which has them.
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service",
    params(ProjectPath),
    responses((status = 200, body = Services)),
    tag = "services"
)]
async fn list_services(
    State(app): State<App>,
    InProject { project, role, .. }: InProject,
) -> Result<Json<Services>, ApiError> {
    let services = app.store.services.list(&project).await?;
    Ok(Json(Services { services: show_all(&app, &services, role).await? }))
}

/// Make a service
///
/// It is `REBUILDING` until its nodes have come up.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service",
    params(ProjectPath),
    request_body = CreateService,
    responses((status = 201, body = ServiceAnswer), (status = 409, body = crate::error::ErrorBody)),
    tag = "services"
)]
async fn create_service(
    State(app): State<App>,
    InProject { project, role, by, .. }: InProject<Operate>,
    Json(body): Json<CreateService>,
) -> Result<(StatusCode, Json<ServiceAnswer>), ApiError> {
    let service = create::create(&app, project, body, &by).await?;
    let service = show(&app, &service, role).await?;
    Ok((StatusCode::CREATED, Json(ServiceAnswer { service, message: Some("created") })))
}

/// Get a service
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}",
    params(ServicePath),
    responses((status = 200, body = ServiceAnswer)),
    tag = "services"
)]
async fn get_service(
    State(app): State<App>,
    OfService { service, role, .. }: OfService,
) -> Result<Json<ServiceAnswer>, ApiError> {
    Ok(Json(ServiceAnswer { service: show(&app, &service, role).await?, message: None }))
}

/// Change a service
///
/// Of `user_config` only what is to change needs to be there: objects are merged, `null` removes.
/// The answer says already `REBUILDING` if the change needs a rolling restart; an update that
/// changes nothing restarts nothing. With `?dry_run=true` nothing is changed: the answer says what
/// would follow. Either names who was seen and loses access by it.
///
/// For that, a `kafka.sasl_oauthbearer_sub_claim_name` that is asked about, in a dry run too, and is
/// none of those that are common is watched: what tokens say in it is kept for 30 days from then on,
/// for 10 such claims of a service at most. That is all that a dry run writes.
#[utoipa::path(
    put,
    path = "/v1/project/{project}/service/{service}",
    params(ServicePath, LossQuery),
    request_body = UpdateService,
    responses((status = 200, body = ServiceUpdated), (status = 409, body = crate::error::ErrorBody)),
    tag = "services"
)]
async fn update_service(
    State(app): State<App>,
    OfService { service, role, by, .. }: OfService<Operate>,
    Query(query): Query<LossQuery>,
    Json(body): Json<UpdateService>,
) -> Result<Json<ServiceUpdated>, ApiError> {
    let asked @ Asked { dry_run, .. } = query.asked()?;
    let changing = Box::pin(change(&app, service, &body, &by, asked));
    let (service, contents, tidegate) = changing.await?;
    let service = match contents {
        Some(contents) => show_with(&app, &service, contents, role).await?,
        None => show(&app, &service, role).await?,
    };
    let message = if dry_run { "nothing was changed: this was a dry run" } else { "updated" };
    Ok(Json(ServiceUpdated { service, message, tidegate }))
}

/// Terminate a service
///
/// It is not found any more from now on. Its nodes are stopped and **all of its data is deleted**.
#[utoipa::path(
    delete,
    path = "/v1/project/{project}/service/{service}",
    params(ServicePath),
    responses((status = 200, body = Message), (status = 403, body = crate::error::ErrorBody)),
    tag = "services"
)]
async fn terminate_service(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Operate>,
) -> Result<Json<Message>, ApiError> {
    app.store.services.terminate(service.id, &by).await?;
    Ok(Json(Message { message: "terminated" }))
}
