//! `/v1/project/{project}/service/{service}/rollouts`: rolling restarts, asked for, looked at and
//! told what to do.

mod commands;
mod events;
mod forecast;
mod start;
mod view;

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, State};
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use model::RolloutId;
use serde::{Deserialize, Serialize};
use store::{By, RolloutRecord, Service, Store};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) use self::commands::order;
use self::forecast::ForecastAnswer;
pub(crate) use self::forecast::{ForecastView, NodeForecastView, forecast};
pub(crate) use self::start::{GiveConsent, RemedyWord, StartRollout, reason, start};
use self::view::RolloutView;
pub(crate) use self::view::{RolloutBrief, RolloutLook, WindowView, look, opens_at, short, window};
use crate::App;
use crate::access::{Need, OfService, Operate, ServicePath, View};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::preconditions::{IdempotencyKey, IdempotencyKeyHeader, IfMatch, IfMatchHeader, etag};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_rollouts, start_rollout))
        .routes(routes!(forecast_rollout))
        .routes(routes!(get_rollout))
        .merge(commands::routes())
        .merge(events::routes())
}

/// The rollout in the path, of the service in the path, for a caller with the role that is needed.
#[derive(Clone, Debug)]
struct OfRollout<N = View> {
    service: Service,
    rollout: RolloutRecord,
    by: By,
    need: PhantomData<N>,
}

/// The rollout in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct RolloutPath {
    /// Id of the rollout.
    rollout: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RolloutsQuery {
    /// How many at most, 20 if not given, 100 at most.
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
struct Rollouts {
    /// Newest first.
    rollouts: Vec<RolloutView>,
}

/// A rollout, with what was done to it in words.
#[derive(Serialize, ToSchema)]
struct RolloutAnswer {
    rollout: RolloutView,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl<N: Need> FromRequestParts<App> for OfRollout<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let OfService { service, by, .. } = OfService::<N>::from_request_parts(parts, app).await?;
        let Path(path) = Path::<RolloutPath>::from_request_parts(parts, app).await?;
        let rollout = find(app, &service, &path.rollout).await?;
        Ok(Self { service, rollout, by, need: PhantomData })
    }
}

/// The rollout of a service with that id.
pub(crate) async fn find(
    app: &App,
    service: &Service,
    id: &str,
) -> Result<RolloutRecord, ApiError> {
    let missing = || ApiError::NotFound("Rollout");
    let id = RolloutId(Uuid::parse_str(id).map_err(|_| missing())?);
    app.store.rollouts.get(service.id, id).await?.ok_or_else(missing)
}

/// The rollout of a service that has not ended, if there is one.
pub(crate) async fn under_way(
    store: &Store,
    service: &Service,
) -> Result<Option<RolloutRecord>, ApiError> {
    let latest = store.rollouts.latest(service.id, 1).await?.pop();
    Ok(latest.filter(|it| it.ended_at.is_none()))
}

/// What it would do to restart every node of a service, as a change of its configuration does;
/// `None` while Kafka cannot be asked.
pub(crate) async fn forecast_of_change(
    app: &App,
    service: &Service,
) -> Result<Option<ForecastView>, ApiError> {
    let all = StartRollout { all_nodes: true, ..StartRollout::default() };
    match forecast(app, service, &all).await {
        Ok(forecast) => Ok(Some(forecast)),
        Err(ApiError::Unavailable("Kafka", _)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn reread(app: &App, service: &Service, id: RolloutId) -> Result<RolloutRecord, ApiError> {
    app.store.rollouts.get(service.id, id).await?.ok_or(ApiError::NotFound("Rollout"))
}

/// List rollouts of a service, newest first
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/rollouts",
    params(ServicePath, RolloutsQuery),
    responses((status = 200, body = Rollouts)),
    tag = "rollouts"
)]
async fn list_rollouts(
    State(app): State<App>,
    OfService { service, .. }: OfService,
    Query(query): Query<RolloutsQuery>,
) -> Result<Json<Rollouts>, ApiError> {
    let limit = query.limit.unwrap_or(20).clamp(1, 100);
    let records = app.store.rollouts.latest(service.id, limit).await?;
    Ok(Json(Rollouts { rollouts: view::show_all(&app, &service, records).await? }))
}

/// Get a rollout
///
/// `ETag` is its version, which each order, failure and word of a person raises; what is merely
/// seen of it does not.
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/rollouts/{rollout}",
    params(ServicePath, RolloutPath),
    responses((status = 200, body = RolloutAnswer), (status = 404, body = crate::error::ErrorBody)),
    tag = "rollouts"
)]
async fn get_rollout(
    State(app): State<App>,
    OfRollout { service, rollout, .. }: OfRollout,
) -> Result<([(HeaderName, HeaderValue); 1], Json<RolloutAnswer>), ApiError> {
    let tag = etag(rollout.version);
    let rollout = view::show(&app, &service, rollout).await?;
    Ok(([tag], Json(RolloutAnswer { rollout, message: None })))
}

/// Start a rollout
///
/// Restarts every node that does not run the service's configuration, or with `all_nodes` each of
/// them. `If-Match` is the service's generation (`service.tidegate.generation`). Refused with the
/// forecast if a restart makes partitions unavailable and nobody has agreed to it. While Kafka
/// cannot be asked nothing can be forecast: then the rollout starts, and waits by itself.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/rollouts",
    params(ServicePath, IdempotencyKeyHeader, IfMatchHeader),
    request_body = StartRollout,
    responses(
        (status = 201, body = RolloutAnswer, headers(("location" = String), ("etag" = String))),
        (status = 400, body = crate::error::ErrorBody),
        (status = 409, description = "One is under way", body = crate::error::ErrorBody),
        (status = 412, description = "The service has changed", body = crate::error::ErrorBody),
        (status = 422, description = "It needs consent", body = crate::error::ErrorBody),
    ),
    tag = "rollouts"
)]
async fn start_rollout(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Operate>,
    IdempotencyKey(key): IdempotencyKey,
    IfMatch(generation): IfMatch,
    Json(body): Json<StartRollout>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 2], Json<RolloutAnswer>), ApiError> {
    let (rollout, message) = start(&app, &service, key, generation, body, &by).await?;
    let headers = [location(&service, rollout.id)?, etag(rollout.version)];
    let rollout = view::show(&app, &service, rollout).await?;
    Ok((StatusCode::CREATED, headers, Json(RolloutAnswer { rollout, message: Some(message) })))
}

/// Forecast a rollout, and change nothing
///
/// What the rollout that the same body would start does to partitions and to the controller quorum,
/// node by node, as the cluster is now; or the rest of the rollout that is under way.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/rollouts/forecast",
    params(ServicePath),
    request_body = StartRollout,
    responses(
        (status = 200, body = ForecastAnswer),
        (status = 400, body = crate::error::ErrorBody),
        (status = 503, description = "Kafka cannot be asked", body = crate::error::ErrorBody),
    ),
    tag = "rollouts"
)]
async fn forecast_rollout(
    State(app): State<App>,
    OfService { service, .. }: OfService,
    Json(body): Json<StartRollout>,
) -> Result<Json<ForecastAnswer>, ApiError> {
    body.check(&service)?;
    Ok(Json(ForecastAnswer { forecast: forecast(&app, &service, &body).await? }))
}

fn location(service: &Service, rollout: RolloutId) -> Result<(HeaderName, HeaderValue), ApiError> {
    let (project, name) = (&service.project, &service.name);
    let path = format!("/v1/project/{project}/service/{name}/rollouts/{rollout}");
    let value = HeaderValue::from_str(&path).map_err(|it| ApiError::Internal(it.into()))?;
    Ok((LOCATION, value))
}
