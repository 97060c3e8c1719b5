//! Whether a program works, for whoever restarts or routes to it.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};

/// `GET /health`: 200 `{"status":"ok"}` while `check` says `true`, else 503. Never authenticated.
pub fn health<F>(check: impl Fn() -> F + Clone + Send + Sync + 'static) -> Router
where
    F: Future<Output = bool> + Send + 'static,
{
    Router::new().route("/health", get(async move || answer(check().await)))
}

fn answer(healthy: bool) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    if healthy {
        (StatusCode::OK, json, r#"{"status":"ok"}"#).into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, json, r#"{"status":"unavailable"}"#).into_response()
    }
}
