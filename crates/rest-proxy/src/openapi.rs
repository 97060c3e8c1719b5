//! `GET /openapi.json`: what this API is, for programs. Public.
//!
//! The document is a file that is served as it is, not made from the handlers: what clients rely on
//! changes only when somebody changes it. A test holds it against the router, both ways.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

/// `OpenAPI` 3.1.
const DOCUMENT: &str = include_str!("../openapi.json");

/// `GET /openapi.json`
pub(crate) async fn show_document() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}

#[cfg(test)]
mod tests;
