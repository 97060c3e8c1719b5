//! `/_health` and `/`: never authenticated, and answered whatever else is away.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use model::Timestamp;
use serde::Serialize;

use crate::{App, answer};

const JSON: &str = "application/json";

#[derive(Serialize)]
struct Health {
    process_uptime_sec: i64,
    settings_loaded: bool,
    tidegate_version: &'static str,
}

/// `GET /_health`
pub(crate) async fn show_health(State(app): State<App>) -> Response {
    let health = Health {
        process_uptime_sec: Timestamp::now().ms_since(app.started) / 1000,
        settings_loaded: app.settings.active().is_some(),
        tidegate_version: env!("CARGO_PKG_VERSION"),
    };
    ([(CONTENT_TYPE, JSON)], answer::json(StatusCode::OK, &health).into_body()).into_response()
}

/// `GET /`
pub(crate) async fn show_root() -> Response {
    ([(CONTENT_TYPE, JSON)], "{}").into_response()
}
