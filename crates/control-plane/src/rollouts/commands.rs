//! `.../rollouts/{rollout}/pause` and the like: what people tell a rollout that is under way.

use axum::extract::State;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use store::{By, RecordError, RolloutCommand, RolloutRecord, Service};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::start::{GiveConsent, name, reason};
use super::{OfRollout, RolloutAnswer, RolloutPath, reread, view};
use crate::App;
use crate::access::{Operate, ServicePath};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Json;
use crate::preconditions::{IfMatch, IfMatchHeader, etag};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(pause_rollout))
        .routes(routes!(resume_rollout))
        .routes(routes!(abort_rollout))
        .routes(routes!(roll_back_rollout))
        .routes(routes!(consent_to_rollout))
        .routes(routes!(start_rollout_now))
}

/// A rollout that has heard.
type Told = (StatusCode, [(HeaderName, HeaderValue); 1], Json<RolloutAnswer>);

/// Why a rollout shall touch no further node.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PauseRollout {
    /// Why, in their words.
    reason: String,
    /// Who says so, if not the token's owner.
    name: Option<String>,
}

/// Pause a rollout
///
/// Takes effect at the next node: one that is being restarted comes back first.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/rollouts/{rollout}/pause",
    params(ServicePath, RolloutPath, IfMatchHeader),
    request_body = PauseRollout,
    responses((status = 202, body = RolloutAnswer), (status = 409, body = ErrorBody), (status = 412, body = ErrorBody)),
    tag = "rollouts"
)]
async fn pause_rollout(
    State(app): State<App>,
    of: OfRollout<Operate>,
    seen: IfMatch,
    Json(body): Json<PauseRollout>,
) -> Result<Told, ApiError> {
    let name = body.name.as_deref().map_or_else(|| Ok(of.by.actor.clone()), name)?;
    let command = RolloutCommand::Pause { name, reason: reason(&body.reason)? };
    tell(&app, of, seen, &command).await
}

/// Let a rollout go on
///
/// After a pause, after a node failed, or instead of ending early.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/rollouts/{rollout}/resume",
    params(ServicePath, RolloutPath, IfMatchHeader),
    responses((status = 202, body = RolloutAnswer), (status = 409, body = ErrorBody), (status = 412, body = ErrorBody)),
    tag = "rollouts"
)]
async fn resume_rollout(
    State(app): State<App>,
    of: OfRollout<Operate>,
    seen: IfMatch,
) -> Result<Told, ApiError> {
    tell(&app, of, seen, &RolloutCommand::Resume).await
}

/// End a rollout early
///
/// Nodes are left as they are, so that they may run different configurations. Takes effect at the
/// next node: one that is being restarted comes back first.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/rollouts/{rollout}/abort",
    params(ServicePath, RolloutPath, IfMatchHeader),
    responses((status = 202, body = RolloutAnswer), (status = 409, body = ErrorBody), (status = 412, body = ErrorBody)),
    tag = "rollouts"
)]
async fn abort_rollout(
    State(app): State<App>,
    of: OfRollout<Operate>,
    seen: IfMatch,
) -> Result<Told, ApiError> {
    tell(&app, of, seen, &RolloutCommand::Abort).await
}

/// Bring every node back to the configuration that was good last
///
/// The service's own configuration goes back too, unless it was changed further meanwhile.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/rollouts/{rollout}/rollback",
    params(ServicePath, RolloutPath, IfMatchHeader),
    responses((status = 202, body = RolloutAnswer), (status = 409, body = ErrorBody), (status = 412, body = ErrorBody)),
    tag = "rollouts"
)]
async fn roll_back_rollout(
    State(app): State<App>,
    of: OfRollout<Operate>,
    seen: IfMatch,
) -> Result<Told, ApiError> {
    tell(&app, of, seen, &RolloutCommand::RollBack).await
}

/// Agree to what a rollout makes unavailable
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/rollouts/{rollout}/consent",
    params(ServicePath, RolloutPath, IfMatchHeader),
    request_body = GiveConsent,
    responses((status = 202, body = RolloutAnswer), (status = 409, body = ErrorBody), (status = 412, body = ErrorBody)),
    tag = "rollouts"
)]
async fn consent_to_rollout(
    State(app): State<App>,
    of: OfRollout<Operate>,
    seen: IfMatch,
    Json(body): Json<GiveConsent>,
) -> Result<Told, ApiError> {
    let command = RolloutCommand::Consent(body.read()?);
    tell(&app, of, seen, &command).await
}

/// Start a rollout that waits for the maintenance window
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/rollouts/{rollout}/start-now",
    params(ServicePath, RolloutPath, IfMatchHeader),
    responses((status = 202, body = RolloutAnswer), (status = 409, body = ErrorBody), (status = 412, body = ErrorBody)),
    tag = "rollouts"
)]
async fn start_rollout_now(
    State(app): State<App>,
    of: OfRollout<Operate>,
    seen: IfMatch,
) -> Result<Told, ApiError> {
    tell(&app, of, seen, &RolloutCommand::StartNow).await
}

const PAUSING: &str =
    "pausing: no further node is touched; one that is being restarted comes back first";
const ABORTING: &str = "ending: no further node is touched and nodes stay as they are; one that \
                        is being restarted comes back first";
const ROLLING_BACK: &str = "going back: nodes that were restarted are restarted again, into the \
                            configuration that was good last; one that is under way comes back \
                            first";

/// Tells a rollout, unless it knows already or cannot.
async fn tell(
    app: &App,
    OfRollout { service, rollout, by, .. }: OfRollout<Operate>,
    IfMatch(seen): IfMatch,
    command: &RolloutCommand,
) -> Result<Told, ApiError> {
    let (rollout, message) = order(app, &service, rollout, seen, command, &by).await?;
    let tag = etag(rollout.version);
    let rollout = view::show(app, &service, rollout).await?;
    let message = Some(message.to_owned());
    Ok((StatusCode::ACCEPTED, [tag], Json(RolloutAnswer { rollout, message })))
}

/// Tells a rollout, unless it knows already or cannot; with `seen`, only if it has that version
/// still. Returns how it is then, and what was done in words.
pub(crate) async fn order(
    app: &App,
    service: &Service,
    rollout: RolloutRecord,
    seen: Option<i64>,
    command: &RolloutCommand,
    by: &By,
) -> Result<(RolloutRecord, &'static str), ApiError> {
    refuse(&rollout, seen)?;
    if let Some(message) = knows(&rollout, command) {
        return Ok((rollout, message));
    }
    let heard = app.store.rollouts.tell(service.id, rollout.id, seen, by, command).await;
    let rollout = reread(app, service, rollout.id).await?;
    match heard {
        Ok(()) => Ok((rollout, done(command))),
        Err(RecordError::Store(error)) => Err(error.into()),
        Err(RecordError::Stale) => {
            refuse(&rollout, seen)?;
            Err(ApiError::Conflict("Rollout has no other configuration to go back to".into()))
        }
    }
}

/// What was done by a command.
const fn done(command: &RolloutCommand) -> &'static str {
    match command {
        RolloutCommand::Pause { .. } => PAUSING,
        RolloutCommand::Resume => "resumed: it goes on",
        RolloutCommand::Abort => ABORTING,
        RolloutCommand::RollBack => ROLLING_BACK,
        RolloutCommand::Consent(_) => "consent is written down",
        RolloutCommand::StartNow => "it waits for no window any more",
    }
}

fn refuse(rollout: &RolloutRecord, seen: Option<i64>) -> Result<(), ApiError> {
    if rollout.ended_at.is_some() {
        let how = rollout.outcome.as_deref().unwrap_or("ended").replace('_', " ");
        return Err(ApiError::Conflict(format!("Rollout has ended: {how}")));
    }
    match seen {
        Some(seen) if seen != rollout.version => {
            Err(ApiError::Precondition("Rollout has changed since it was looked at".into()))
        }
        _ => Ok(()),
    }
}

/// What a rollout says that does already what it is told.
fn knows(rollout: &RolloutRecord, command: &RolloutCommand) -> Option<&'static str> {
    let stopped = rollout.paused.is_some() || rollout.is_halted || rollout.is_aborting;
    match command {
        RolloutCommand::Resume if !stopped => Some("it was going on already"),
        RolloutCommand::Abort if rollout.is_aborting && rollout.paused.is_none() => {
            Some("it was ending already")
        }
        RolloutCommand::RollBack if rollout.direction == "back" => Some("it goes back already"),
        RolloutCommand::StartNow if rollout.window.is_none() => Some("it waits for no window"),
        _ => None,
    }
}
