//! `.../rollouts/{rollout}/events`: what happened in a rollout, as a list or as it happens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{Stream, unfold};
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use store::{RolloutEvent, RolloutRecord, Service, StoreError};
use tracing::warn;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::chain;

use super::{OfRollout, RolloutPath};
use crate::App;
use crate::access::ServicePath;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::time::rfc3339;
use crate::wake::Wake;

/// How often is looked although nobody was woken: phases of nodes notify nobody.
const POLL: Duration = Duration::from_secs(1);
/// How often something is sent although nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How many events are read at once.
const PAGE: u32 = 200;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_rollout_events))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// The id of an event: those after it are given. From the first if not given.
    after: Option<i64>,
    /// How many at most, 100 if not given, 1000 at most. A stream gives all.
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
struct RolloutEvents {
    /// Oldest first.
    events: Vec<RolloutEventView>,
}

/// Something that happened in a rollout.
#[derive(Serialize, ToSchema)]
struct RolloutEventView {
    /// Grows with time.
    id: i64,
    time: String,
    /// To which node, if to one.
    node: Option<i32>,
    /// Stable, for programs: `started`, `ordered`, `phase`, `blocked`, `failed`, `done`, ...
    kind: String,
    /// In words; of a `phase`, its name.
    detail: String,
}

impl From<RolloutEvent> for RolloutEventView {
    fn from(event: RolloutEvent) -> Self {
        Self {
            id: event.id,
            time: rfc3339(event.at),
            node: event.node.map(|it| it.0),
            kind: event.kind,
            detail: event.detail,
        }
    }
}

/// List what happened in a rollout, or follow it
///
/// With `Accept: text/event-stream` a stream of server-sent events: `event` is the kind, `id` the
/// id, `data` the same object as in the list. `Last-Event-ID`, or `after`, says where to go on. It
/// ends when the rollout has ended and all was sent; asking for more is 204 then.
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/rollouts/{rollout}/events",
    params(
        ServicePath, RolloutPath, EventsQuery,
        ("last-event-id" = Option<i64>, Header, description = "The event that was received last; goes before `after`"),
    ),
    responses(
        (status = 200, content(
            (RolloutEvents = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = 204, description = "The rollout has ended, and a stream would give nothing more"),
    ),
    tag = "rollouts"
)]
async fn list_rollout_events(
    State(app): State<App>,
    of: OfRollout,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<Response, ApiError> {
    let received = last_event_id(&headers)?;
    if wants_stream(&headers) {
        let after = received.or(query.after).unwrap_or_default();
        return Ok(follow(app, of, after).await?);
    }
    let limit = query.limit.unwrap_or(100).clamp(1, 1000);
    let after = query.after.unwrap_or_default();
    let events = app.store.rollouts.events_after(of.rollout.id, after, limit).await?;
    Ok(Json(RolloutEvents { events: events.into_iter().map(Into::into).collect() }).into_response())
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    accept
        .split(',')
        .any(|it| it.split(';').next().is_some_and(|it| it.trim() == "text/event-stream"))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let id = value.to_str().ok().and_then(|it| it.trim().parse().ok());
    let strange = || ApiError::invalid("Invalid 'Last-Event-ID': it is no number");
    id.map(Some).ok_or_else(strange)
}

async fn follow(app: App, of: OfRollout, after: i64) -> Result<Response, StoreError> {
    let mut following = Following::new(app, of, after);
    following.look().await?;
    if following.has_ended && following.queue.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let heartbeat = KeepAlive::new().interval(HEARTBEAT);
    Ok(Sse::new(following.events()).keep_alive(heartbeat).into_response())
}

/// Somebody who follows a rollout.
struct Following {
    app: App,
    service: Service,
    rollout: RolloutRecord,
    /// The last event that was read.
    after: i64,
    queue: VecDeque<RolloutEvent>,
    /// Whether nothing more comes than what is in the queue.
    has_ended: bool,
    wake: Wake,
}

impl Following {
    fn new(app: App, OfRollout { service, rollout, .. }: OfRollout, after: i64) -> Self {
        let wake = app.wake.clone();
        Self { app, service, rollout, after, queue: VecDeque::new(), has_ended: false, wake }
    }

    /// Reads what has happened since.
    async fn look(&mut self) -> Result<(), StoreError> {
        let rollouts = &self.app.store.rollouts;
        // First, so that what is written together with the end is read after it.
        let rollout = rollouts.get(self.service.id, self.rollout.id).await?;
        let ended = rollout.is_none_or(|it| it.ended_at.is_some());
        let events = rollouts.events_after(self.rollout.id, self.after, PAGE).await?;
        self.has_ended = ended && events.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        self.after = events.last().map_or(self.after, |it| it.id);
        self.queue.extend(events);
        Ok(())
    }

    /// The next event, as soon as there is one; `None` when there is none any more. A database that
    /// is away in between is waited for.
    async fn next(&mut self) -> Option<RolloutEvent> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            if self.has_ended || self.wake.stopped() {
                return None;
            }
            self.wake.hear();
            if let Err(error) = self.look().await {
                warn!(rollout.id = %self.rollout.id, error = %chain(&error), "cannot follow a rollout");
            }
            if self.queue.is_empty() && !self.has_ended {
                self.wake.wait(POLL).await;
            }
        }
    }

    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(self, async |mut following| {
            let event = following.next().await?;
            Some((Ok(server_sent(event)), following))
        })
    }
}

fn server_sent(event: RolloutEvent) -> Event {
    let view = RolloutEventView::from(event);
    let sent = Event::default().id(view.id.to_string()).event(&view.kind);
    // Numbers and text always are JSON.
    sent.json_data(&view).unwrap_or_else(|_| Event::default().comment("cannot be shown"))
}
