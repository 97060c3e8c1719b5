//! A page of text that is made anew for whoever asks.

use axum::Router;
use axum::routing::get;
use http::header;

/// `GET path`: what `make` says, as `content_type`. Never authenticated.
pub fn page(
    path: &'static str,
    content_type: &'static str,
    make: impl Fn() -> String + Clone + Send + Sync + 'static,
) -> Router {
    Router::new().route(path, get(async move || ([(header::CONTENT_TYPE, content_type)], make())))
}
