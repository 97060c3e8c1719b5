//! The shape of answers.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// What every answer with a body says, whatever was asked for: clients compare it.
pub(crate) const MEDIA_TYPE: HeaderValue =
    HeaderValue::from_static("application/vnd.kafka.json.v2+json");

/// An answer with a JSON body. Fields are declared in the order of the alphabet: clients of
/// Karapace see them so.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => (status, [(CONTENT_TYPE, MEDIA_TYPE)], bytes).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot write an answer");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// An answer without a body.
pub(crate) fn no_content() -> Response {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    (StatusCode::NO_CONTENT, [(CONTENT_TYPE, JSON)]).into_response()
}
