//! Kafka over HTTP, in the shape of Karapace's REST proxy, as whoever the caller proves to be.
//!
//! [`App`] is the entry: [`App::router`] answers requests, [`App::maintain`] closes what is over.
//! A request passes through `identity` (who asks), `sessions` (that caller's Kafka clients) and one
//! of `topics`, `produce` and `consumers`.
//!
//! **Invariant:** with authorization on, everything that a request does in Kafka is done with a
//! verified token of its caller: the proxy has no rights of its own that it could lend. Clients and
//! consumer instances of one caller are never seen by another.

mod admission;
mod answer;
mod brokers;
mod clients;
mod config;
mod consumers;
mod directory;
mod edge;
mod error;
mod finish;
mod formats;
mod health;
mod identity;
mod json;
mod librdkafka;
mod media;
mod metrics;
mod openapi;
mod owner;
mod partitions;
mod produce;
mod request_body;
mod routes;
mod seen;
mod sessions;
mod settings;
mod shared;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod topics;
mod trace;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::StatusCode;
use model::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceBuilder;
use tower::layer::layer_fn;
use tracing::warn;
use web::{AccessLog, ObserveLayer, Observer};

use crate::admission::Admission;
pub use crate::config::{Config, Limits, Observation};
use crate::consumers::Consumers;
use crate::directory::Directories;
pub use crate::edge::Edge;
use crate::finish::Finish;
use crate::identity::{Brake, Logins};
use crate::metrics::Metrics;
use crate::seen::Seen;
use crate::sessions::Sessions;
pub use crate::settings::{PollConfig, Settings, follow};

/// The longest time without looking for what is over: the wall clock may have been set.
const LONGEST_REST: Duration = Duration::from_mins(1);
/// The shortest, however much changes.
const SHORTEST_REST: Duration = Duration::from_millis(5);

/// The proxy. Cheap to clone, which axum does several times for each request.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What all requests share.
#[derive(Clone)]
pub struct Parts {
    settings: Settings,
    limits: Arc<Limits>,
    sessions: Sessions,
    consumers: Consumers,
    logins: Arc<Logins>,
    admission: Arc<Admission>,
    brake: Arc<Brake>,
    seen: Arc<Seen>,
    /// Told when something may be over earlier than it was thought.
    wake: Arc<Notify>,
    /// Cancelled when the process was asked to stop: whoever waits for records waits no longer.
    stopping: CancellationToken,
    tracker: TaskTracker,
    metrics: Metrics,
    access_log: Arc<AccessLog>,
    observation: Arc<Observation>,
    started: Timestamp,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens nothing yet. Works under `settings` as they are at each request.
    pub fn new(settings: Settings, limits: Limits, stopping: CancellationToken) -> Self {
        Self::with_directories(settings, limits, stopping, directory::real())
    }

    fn with_directories(
        settings: Settings,
        limits: Limits,
        stopping: CancellationToken,
        directories: Directories,
    ) -> Self {
        let tracker = TaskTracker::new();
        let (wake, logins) = (Arc::<Notify>::default(), Arc::new(Logins::new(&limits)));
        let metrics = Metrics::new();
        let parts = Parts {
            settings,
            sessions: Sessions::new(
                limits.clone(),
                directories,
                Arc::clone(&logins),
                tracker.clone(),
                Arc::clone(&wake),
                metrics.clone(),
            ),
            consumers: Consumers::new(limits.clone(), Arc::clone(&wake)),
            logins,
            admission: Arc::new(Admission::new(&limits)),
            brake: Arc::new(Brake::new(&limits)),
            seen: Arc::new(Seen::new(metrics.clone())),
            wake,
            limits: Arc::new(limits),
            stopping,
            tracker,
            metrics,
            access_log: Arc::default(),
            observation: Arc::default(),
            started: Timestamp::now(),
        };
        Self(Arc::new(parts)).observed(Observation::default())
    }

    /// Tells of requests as `observation` says.
    #[must_use]
    pub fn observed(mut self, observation: Observation) -> Self {
        let log = AccessLog::new(observation.access_log, observation.access_log_rate);
        let parts = Arc::make_mut(&mut self.0);
        parts.access_log = Arc::new(log);
        parts.observation = Arc::new(observation);
        self
    }

    /// All routes, each with and without a slash at its end.
    pub fn router(&self) -> Router {
        let routes = self.routes();
        let meter = Arc::new(self.metrics.http(routes.templates()));
        let served = routes
            .into_router()
            .fallback(|| async { (StatusCode::NOT_FOUND, "404: Not Found") })
            .method_not_allowed_fallback(method_not_allowed)
            .with_state(self.clone());
        // In one layer: each allocates for every request.
        let app = self.clone();
        let layers = ServiceBuilder::new()
            .layer(ObserveLayer::new(Observer {
                access_log: Arc::clone(&self.access_log),
                meter: Some(meter),
            }))
            .option_layer(self.limits.edge.cors())
            .layer(layer_fn(move |route| Finish::new(route, app.clone())));
        served.layer(layers)
    }

    /// `/metrics` alone, for a listener of its own.
    pub fn metrics_router(&self) -> Router {
        metrics::routes(self.clone())
    }

    /// Closes what is over and keeps idle consumers in their groups, until the process stops.
    pub async fn maintain(&self) {
        let looking = async {
            loop {
                let now = Timestamp::now();
                // Sessions first: their consumers are closed with them.
                let sessions = self.sessions.sweep(now, self.settings.generation());
                let consumers = self.consumers.sweep(now);
                let due = sessions.into_iter().chain(consumers).min();
                let left = due.map_or(i64::MAX, |it| it.ms_since(Timestamp::now()));
                let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
                tokio::time::sleep(SHORTEST_REST).await;
                tokio::select! {
                    () = tokio::time::sleep(left.min(LONGEST_REST).saturating_sub(SHORTEST_REST)) => {}
                    () = self.wake.notified() => {}
                    () = self.settings.changed() => {}
                }
            }
        };
        tokio::select! {
            () = self.stopping.cancelled() => {}
            () = looking => {}
        }
    }

    /// Closes all consumers and producers, for at most `deadline`. To be called when no request is
    /// served any more.
    pub async fn close(&self, deadline: Duration) {
        self.consumers.close();
        self.sessions.close();
        self.tracker.close();
        if tokio::time::timeout(deadline, self.tracker.wait()).await.is_err() {
            warn!(deadline_secs = deadline.as_secs(), "stopped with Kafka clients still open");
        }
    }
}

async fn method_not_allowed() -> (StatusCode, &'static str) {
    (StatusCode::METHOD_NOT_ALLOWED, "405: Method Not Allowed")
}
