//! Kafka over HTTP, in the shape of Karapace's REST proxy, as whoever the caller proves to be.
//!
//! [`App`] is the entry: [`App::router`] answers requests, [`App::maintain`] closes what is over.
//! A request passes through `identity` (who asks), `sessions` (that caller's Kafka clients) and one
//! of `topics`, `produce` and `consumers`.
//!
//! **Invariant:** with authorization on, everything that a request does in Kafka is done with a
//! verified token of its caller: the proxy has no rights of its own that it could lend. Clients and
//! consumer instances of one caller are never seen by another.

mod answer;
mod clients;
mod config;
mod consumers;
mod directory;
mod error;
mod formats;
mod health;
mod identity;
mod librdkafka;
mod media;
mod produce;
mod request_body;
mod sessions;
mod settings;
mod shared;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod topics;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{MethodRouter, delete, get, post};
use http::StatusCode;
use model::Timestamp;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::decompression::RequestDecompressionLayer;
use tracing::warn;

pub use crate::config::{Config, Limits};
use crate::consumers::Consumers;
use crate::directory::Directories;
use crate::sessions::Sessions;
pub use crate::settings::{PollConfig, Settings, follow};

/// How often it is looked for what is over.
const SWEEP_EVERY: Duration = Duration::from_millis(200);

/// The proxy. Cheap to clone.
#[derive(Clone)]
pub struct App {
    settings: Settings,
    limits: Arc<Limits>,
    sessions: Sessions,
    consumers: Consumers,
    /// Cancelled when the process was asked to stop: whoever waits for records waits no longer.
    stopping: CancellationToken,
    tracker: TaskTracker,
    started: Timestamp,
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
        Self {
            settings,
            sessions: Sessions::new(limits.clone(), directories, tracker.clone()),
            consumers: Consumers::new(limits.clone(), tracker.clone()),
            limits: Arc::new(limits),
            stopping,
            tracker,
            started: Timestamp::now(),
        }
    }

    /// All routes, each with and without a slash at its end.
    pub fn router(&self) -> Router {
        let routes = Router::new().route("/", get(health::show_root));
        let routes = route(routes, "/_health", get(health::show_health));
        let routes = route(routes, "/topics", get(topics::list_topics));
        let topic = get(topics::show_topic).post(produce::produce_records);
        let routes = route(routes, "/topics/{topic}", topic);
        let routes = route(routes, "/consumers/{group}", post(consumers::create_consumer));
        let routes = instance(routes, "", delete(consumers::delete_consumer));
        let subscription = get(consumers::show_subscription)
            .post(consumers::subscribe)
            .delete(consumers::unsubscribe);
        let routes = instance(routes, "/subscription", subscription);
        let routes = instance(routes, "/records", get(consumers::fetch_records));
        let offsets = get(consumers::show_offsets).post(consumers::commit_offsets);
        let routes = instance(routes, "/offsets", offsets);
        let routes = routes
            .fallback(|| async { (StatusCode::NOT_FOUND, "404: Not Found") })
            .method_not_allowed_fallback(method_not_allowed)
            .layer(RequestDecompressionLayer::new())
            .with_state(self.clone());
        web::observe(routes)
    }

    /// Closes what is over and keeps idle consumers in their groups, until the process stops.
    pub async fn maintain(&self) {
        let mut tick = tokio::time::interval(SWEEP_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => return,
                _ = tick.tick() => {}
            }
            let now = Timestamp::now();
            self.sessions.sweep(now, self.settings.generation());
            self.consumers.sweep(now);
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

fn route(router: Router<App>, path: &str, methods: MethodRouter<App>) -> Router<App> {
    router.route(path, methods.clone()).route(&format!("{path}/"), methods)
}

fn instance(router: Router<App>, path: &str, methods: MethodRouter<App>) -> Router<App> {
    route(router, &format!("/consumers/{{group}}/instances/{{instance}}{path}"), methods)
}
