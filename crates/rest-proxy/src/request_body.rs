//! The reading of request bodies.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use serde_json::{Map, Value};

use crate::error::ApiError;

/// Reads a body of at most `limit` bytes, counted after decompression.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: u32) -> Result<Bytes, ApiError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
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
