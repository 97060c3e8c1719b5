//! The shape of answers.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What every answer with a body says, whatever was asked for: clients compare it.
pub(crate) const MEDIA_TYPE: HeaderValue =
    HeaderValue::from_static("application/vnd.kafka.json.v2+json");

/// An answer with a JSON body. Fields are declared in the order of the alphabet: clients of
/// Karapace see them so.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => (status, [(CONTENT_TYPE, MEDIA_TYPE)], bytes).into_response(),
        Err(error) => unwritten(&error),
    }
}

/// An answer whose JSON is written already.
pub(crate) fn written(status: StatusCode, json: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, MEDIA_TYPE)], json).into_response()
}

/// The answer to a `GET` of something that can be asked for again: with an `ETag`, and only 304 if
/// the caller has just that.
pub(crate) fn tagged(asked: &HeaderMap, body: &impl Serialize) -> Response {
    let bytes = match serde_json::to_vec(body) {
        Ok(bytes) => bytes,
        Err(error) => return unwritten(&error),
    };
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..16]));
    if has(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    ([(ETAG, tag)], [(CONTENT_TYPE, MEDIA_TYPE)], bytes).into_response()
}

/// Whether `If-None-Match` names `tag` (RFC 9110, section 13.1.2: weak comparison).
fn has(asked: &HeaderMap, tag: &str) -> bool {
    let values = asked.get_all(IF_NONE_MATCH).iter().filter_map(|it| it.to_str().ok());
    let mut tags = values.flat_map(|it| it.split(',')).map(str::trim);
    tags.any(|it| it == "*" || it.strip_prefix("W/").unwrap_or(it) == tag)
}

fn unwritten(error: &serde_json::Error) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "cannot write an answer");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// An answer without a body.
pub(crate) fn no_content() -> Response {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    (StatusCode::NO_CONTENT, [(CONTENT_TYPE, JSON)]).into_response()
}
