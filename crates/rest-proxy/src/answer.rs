//! The shape of answers, and the reading of request bodies.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::ApiError;

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

/// Reads a body of at most `limit` bytes, counted after decompression.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
    if announced.is_some_and(|it: usize| it > limit) {
        return Err(ApiError::TooLarge(limit));
    }
    let mut chunks = body.into_data_stream();
    let mut read = BytesMut::with_capacity(announced.unwrap_or(0));
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ApiError::BrokenBody)?;
        if read.len() + chunk.len() > limit {
            return Err(ApiError::TooLarge(limit));
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read.freeze())
}

/// A body that has to be a JSON object.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if body.trim_ascii().is_empty() {
        return Err(ApiError::NoBody);
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiError::NotAnObject),
        Err(_) => Err(ApiError::NotJson),
    }
}
