//! `/console/.../live`: tells a page that its service has changed (server-sent events).
//!
//! The event says nothing but that: the page asks again for what it shows, as it was asked for first.
//! It comes when what pages show of the service is not what it was at the last look, or when the page
//! was made (`known` in the address, so nothing is lost in between). Looked is at each
//! alarm (`wake.rs`) and every two seconds, since what is seen of nodes rings no alarm; the session and
//! its role are looked at as well, and when they end the stream ends.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};
use serde::Deserialize;
use store::Service;

use super::on_page::OnPage;
use super::show::Failed;
use crate::App;
use crate::access::{Need as _, View};
use crate::error::ApiError;
use crate::services::{ServiceLook, look};
use crate::wake::Wake;

/// Browsers have six connections for a host; one session leaves some for pages.
const MOST: usize = 4;
/// How often it is looked without an alarm.
const POLL: Duration = Duration::from_secs(2);
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

/// What a stream knows.
struct Watch {
    app: App,
    on: OnPage,
    wake: Wake,
    known: String,
    /// Whether there is nobody to tell any more.
    is_over: bool,
    _place: Place,
}

/// What the page knows that asks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    known: String,
}

pub(super) async fn stream(
    State(app): State<App>,
    on: OnPage,
    Query(asked): Query<Asked>,
) -> Result<Response, Failed> {
    let place = app.console.streams.take(on.visitor.secret.hash()).ok_or_else(|| {
        ApiError::Conflict(format!("There are {MOST} live pages in this session already"))
    })?;
    let wake = app.wake.clone();
    let watch = Watch { app, on, wake, known: asked.known, is_over: false, _place: place };
    let events = stream::unfold(watch, async |mut watch| Some((watch.next().await?, watch)));
    let events = events.map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

impl Watch {
    /// The next change; `None` when there is nobody to tell any more. That is told first: the page then
    /// asks, and is told why.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.is_over {
                return None;
            }
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
            if self.wake.stopped() {
                return None;
            }
            self.wake.wait(POLL).await;
        }
    }

    /// What pages show of the service now; `None` if the session has ended. That somebody looks on
    /// is no use of the session.
    async fn look(&self) -> Result<Option<String>, ApiError> {
        let (store, limits) = (&self.app.store, self.app.settings.console.limits);
        let hash = self.on.visitor.secret.hash();
        let Some(session) = store.sessions.get(&hash, limits).await? else { return Ok(None) };
        let service = self.on.service();
        let role = session.grants.role_in(&service.project).ok_or(ApiError::NotFound("Project"))?;
        if role < View::ROLE {
            return Err(ApiError::weak_role(role, View::ROLE));
        }
        let service = store.services.get(&service.project, &service.name).await?;
        let service = service.ok_or(ApiError::NotFound("Service"))?;
        Ok(Some(known(&service, &look(&self.app, &service).await?)))
    }
}

/// Browsers pass over an event without data (HTML, 9.2.6).
fn changed() -> Event {
    Event::default().event("changed").data("now")
}

/// Names what pages show of a service.
pub(crate) fn known(service: &Service, look: &ServiceLook) -> String {
    let mut hasher = DefaultHasher::new();
    (service.generation, service.updated_at.0).hash(&mut hasher);
    format!("{look:?}").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
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
