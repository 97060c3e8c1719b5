//! `GET /metrics`: never authenticated, in Prometheus' text format 0.0.4.

use std::error::Error;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use prometheus::TextEncoder;
use tracing::{error, warn};

use super::process::Process;
use super::{Metrics, Sampled};
use crate::App;
use crate::shared::locked;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/metrics` and nothing else, for a listener of its own.
pub(crate) fn routes(app: App) -> Router {
    Router::new().route("/metrics", get(show_metrics)).with_state(app)
}

/// `GET /metrics`
pub(crate) async fn show_metrics(State(app): State<App>) -> Response {
    match app.metrics.page(&app) {
        Ok(page) => ([(CONTENT_TYPE, TEXT)], page).into_response(),
        Err(error) => {
            error!(error = &error as &dyn Error, "cannot write the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl Metrics {
    /// What is counted, and what can be seen now.
    fn page(&self, app: &App) -> prometheus::Result<String> {
        let sampled = locked(&self.0.sampled);
        sampled.sample(app);
        match Process::look() {
            Ok(Some(process)) => sampled.sample_process(&process),
            Ok(None) => warn!("/proc/self is not as expected: no figures of the process"),
            Err(error) => warn!(error = &error as &dyn Error, "cannot read /proc/self"),
        }
        TextEncoder::new().encode_to_string(&self.0.registry.gather())
    }
}

impl Sampled {
    fn sample(&self, app: &App) {
        self.sessions.set(whole(app.sessions.count()));
        let (live, suspended) = app.consumers.count();
        self.consumers.with_label_values(&["live"]).set(whole(live));
        self.consumers.with_label_values(&["suspended"]).set(whole(suspended));
        self.builds_in_flight.set(whole(app.sessions.builds_in_flight()));
        self.bodies.set(whole(app.admission.taken_bytes()));
        self.start_time.set(app.started.0 / 1000);
        // A service has one identity provider.
        let active = app.settings.active();
        let keys = active.and_then(|it| it.verifier.as_ref()?.status().into_iter().next());
        self.keys.set(keys.as_ref().map_or(0, |it| whole(it.keys)));
        let age = keys.as_ref().and_then(|it| it.since_success);
        self.keys_age.set(age.map_or(-1, |it| i64::try_from(it.as_secs()).unwrap_or(i64::MAX)));
        self.keys_failures.set(keys.map_or(0, |it| it.failures.into()));
    }

    fn sample_process(&self, process: &Process) {
        self.cpu.reset();
        self.cpu.inc_by(process.cpu_seconds);
        self.resident.set(process.resident_bytes);
        self.virtual_memory.set(process.virtual_bytes);
        self.threads.set(process.threads);
        self.open_fds.set(process.open_fds);
        self.max_fds.set(process.max_fds);
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
