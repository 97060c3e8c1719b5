//! `/console/.../live`: tells a page that what it shows has changed (server-sent events).
//!
//! The event says nothing but that: the page asks again for what it shows, as it was asked for first.
//! It comes when what the page shows (`known.rs`) is not what it was at the last look, or when the page
//! was made (`known` in the address, so nothing is lost in between). Looked is at each alarm
//! (`wake.rs`), but not more often than once a second, and every two seconds, since what is seen of
//! nodes rings no alarm; the session and its role are looked at as well, and when they end the stream
//! ends.

mod known;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};
use model::{Grants, ProjectName, Role, ServiceName};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

pub(super) use self::known::{Of, latest, name, of_look, of_topics, since_all, since_project};
use super::cookie::CookieSecret;
use super::on_page::{InPath, OnPage, Signed};
use super::show::Failed;
use crate::App;
use crate::access::{Need as _, View};
use crate::error::ApiError;
use crate::extract::Path;
use crate::wake::Wake;

/// Browsers have six connections for a host; one session leaves some for pages.
const MOST: usize = 4;
/// How often it is looked without an alarm.
const POLL: Duration = Duration::from_secs(2);
/// How long it is not looked again, whatever rings: other services ring too.
const PAUSE: Duration = Duration::from_secs(1);
/// So that nobody in between takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How many streams each session has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams(Arc<Mutex<BTreeMap<[u8; 32], usize>>>);

/// A stream's place, given back when it is dropped.
#[derive(Debug)]
struct Place {
    of: [u8; 32],
    streams: Streams,
}

impl Streams {
    fn take(&self, session: [u8; 32]) -> Option<Place> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(session).or_default();
        if *taken >= MOST {
            return None;
        }
        *taken += 1;
        Some(Place { of: session, streams: self.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.of) {
            *taken -= 1;
            if *taken == 0 {
                all.remove(&self.of);
            }
        }
    }
}

/// What a page is about.
#[derive(Clone, Debug)]
enum About {
    /// A service.
    Service(ProjectName, ServiceName, Of),
    /// The events of a project.
    Project(ProjectName),
    /// The services of a project, or all that somebody may see.
    Services(Option<String>),
}

/// What a stream knows.
struct Watch {
    app: App,
    secret: CookieSecret,
    about: About,
    wake: Wake,
    known: String,
    /// Whether there is nobody to tell any more.
    is_over: bool,
    /// When it may be looked.
    not_before: Instant,
    _place: Place,
}

/// What the page knows that asks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    of: Of,
    known: String,
    project: Option<String>,
}

pub(super) async fn of_service(
    State(app): State<App>,
    on: OnPage,
    Query(asked): Query<Asked>,
) -> Result<Response, Failed> {
    let service = on.service();
    let about = About::Service(service.project.clone(), service.name.clone(), asked.of);
    stream_of(app, on.visitor.secret, about, asked.known)
}

pub(super) async fn of_project(
    State(app): State<App>,
    who: Signed,
    Path(project): Path<InPath>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failed> {
    let project = project.name()?;
    who.caller.role_in(&project, Role::Admin)?;
    stream_of(app, who.0.secret, About::Project(project), asked.known)
}

pub(super) async fn of_all(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<Asked>,
) -> Result<Response, Failed> {
    stream_of(app, who.0.secret, About::Services(asked.project), asked.known)
}

fn stream_of(
    app: App,
    secret: CookieSecret,
    about: About,
    known: String,
) -> Result<Response, Failed> {
    let place = app.console.streams.take(secret.hash()).ok_or_else(|| {
        ApiError::Conflict(format!("There are {MOST} live pages in this session already"))
    })?;
    let wake = app.wake.clone();
    let not_before = Instant::now();
    let is_over = false;
    let watch = Watch { app, secret, about, wake, known, is_over, not_before, _place: place };
    let events = stream::unfold(watch, async |mut watch| Some((watch.next().await?, watch)));
    let events = events.map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

impl Watch {
    /// The next change; `None` when there is nobody to tell any more. That is told first: the page then
    /// asks, and is told why.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.is_over || self.wake.stopped() {
                return None;
            }
            sleep_until(self.not_before).await;
            self.not_before = Instant::now() + PAUSE;
            self.wake.hear();
            match self.look().await {
                Ok(Some(now)) if now == self.known => {}
                Ok(Some(now)) => {
                    self.known = now;
                    return Some(changed());
                }
                // A database that is away is waited for.
                Err(error) if error.status().is_server_error() => error.log(),
                Ok(None) | Err(_) => {
                    self.is_over = true;
                    return Some(changed());
                }
            }
            self.wake.wait(POLL).await;
        }
    }

    /// What the page shows now; `None` if the session has ended. That somebody looks on is no use of
    /// the session.
    async fn look(&self) -> Result<Option<String>, ApiError> {
        let (store, limits) = (&self.app.store, self.app.settings.console.limits);
        let Some(session) = store.sessions.get(&self.secret.hash(), limits).await? else {
            return Ok(None);
        };
        let grants = &session.grants;
        let known = match &self.about {
            About::Service(project, name, of) => {
                need(grants, project, View::ROLE)?;
                let service = store.services.get(project, name).await?;
                let service = service.ok_or(ApiError::NotFound("Service"))?;
                of.known(&self.app, &service).await?
            }
            About::Project(project) => {
                need(grants, project, Role::Admin)?;
                latest(&self.app, project, None).await?
            }
            About::Services(project) => {
                known::of_all(&self.app, grants, project.as_deref()).await?
            }
        };
        Ok(Some(known))
    }
}

fn need(grants: &Grants, project: &ProjectName, need: Role) -> Result<(), ApiError> {
    let role = grants.role_in(project).ok_or(ApiError::NotFound("Project"))?;
    if role < need { Err(ApiError::weak_role(role, need)) } else { Ok(()) }
}

/// Browsers pass over an event without data (HTML, 9.2.6).
fn changed() -> Event {
    Event::default().event("changed").data("now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_a_few_streams_and_gets_their_places_back() {
        let streams = Streams::default();
        let take = |of: u8| streams.take([of; 32]);
        let mut places: Vec<_> = (0..MOST).map(|_| take(1).unwrap()).collect();
        assert!(take(1).is_none());
        assert!(take(2).is_some(), "another session");
        places.pop();
        assert!(take(1).is_some());
        drop(places);
        assert!(streams.0.lock().unwrap().is_empty());
    }
}
