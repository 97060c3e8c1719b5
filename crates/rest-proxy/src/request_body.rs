//! The reading of request bodies.

use std::io::Read;

use axum::body::{BodyDataStream, HttpBody};
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use futures::StreamExt;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use crate::App;
use crate::admission::Room;
use crate::error::ApiError;

/// The body of a request, unpacked, and the room that it takes.
pub(crate) struct Content {
    pub(crate) bytes: Bytes,
    _room: Room,
}

/// Says that a request has no body, or `{}`, which says nothing either.
pub(crate) struct NoBody;

/// Beyond this many bytes it certainly says something.
const HARDLY_A_BODY: u32 = 256;

impl FromRequest<App> for NoBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        if request.body().is_end_stream() {
            return Ok(Self);
        }
        match read(app, request, HARDLY_A_BODY).await {
            Ok(body) if matches!(body.bytes.trim_ascii(), b"" | b"{}") => Ok(Self),
            Ok(_) | Err(ApiError::TooLarge(_)) => Err(ApiError::BodyNotAllowed),
            Err(other) => Err(other),
        }
    }
}

/// The body of a consumer's request: a JSON object.
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl Object {
    /// The same of a request that may have no body.
    pub(crate) fn or_nothing(read: Result<Self, ApiError>) -> Result<Self, ApiError> {
        match read {
            Err(ApiError::NoBody) => Ok(Self(Map::new())),
            other => other,
        }
    }
}

impl FromRequest<App> for Object {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let body = read(app, request, app.limits.max_consumer_body_bytes).await?;
        object(&body.bytes).map(Self)
    }
}

/// Reads a body of at most `limit` bytes, counted after decompression. It takes room from when
/// somebody begins to read it, which nobody does for a request that is refused before.
pub(crate) async fn read(app: &App, request: Request, limit: u32) -> Result<Content, ApiError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let packed = is_packed(request.headers())?;
    let announced = request.headers().get(CONTENT_LENGTH);
    let announced = announced.and_then(|it| it.to_str().ok()?.parse().ok()).unwrap_or(0);
    if announced > limit {
        return Err(ApiError::TooLarge(limit));
    }
    let mut reader = Reader { app, limit, room: Room::default(), paid: 0 };
    // Nobody knows how much comes out of what is packed.
    reader.pay(if packed { limit } else { announced }).await?;
    let bytes = reader.read(request.into_body().into_data_stream(), announced).await?;
    if !packed {
        return Ok(Content { bytes, _room: reader.room });
    }
    let unpacked = tokio::task::spawn_blocking(move || unpack(&bytes, limit));
    let bytes = unpacked.await.map_err(ApiError::internal)??;
    reader.room.keep(bytes.len());
    Ok(Content { bytes, _room: reader.room })
}

struct Reader<'a> {
    app: &'a App,
    limit: usize,
    room: Room,
    /// Bytes that there is room for.
    paid: usize,
}

impl Reader<'_> {
    /// Takes room for `bytes` in all.
    async fn pay(&mut self, bytes: usize) -> Result<(), ApiError> {
        if bytes > self.paid {
            self.app.admission.take(&mut self.room, bytes - self.paid).await?;
            self.paid = bytes;
        }
        Ok(())
    }

    async fn read(
        &mut self,
        mut chunks: BodyDataStream,
        announced: usize,
    ) -> Result<Bytes, ApiError> {
        // Whoever sends slowly holds room that others want.
        let deadline = Instant::now() + self.app.limits.request_timeout();
        let mut first = Bytes::new();
        let mut read = BytesMut::new();
        while let Some(chunk) =
            timeout_at(deadline, chunks.next()).await.map_err(|_| ApiError::SlowBody)?
        {
            let chunk = chunk.map_err(|_| ApiError::BrokenBody)?;
            let length = first.len() + read.len() + chunk.len();
            if length > self.limit {
                return Err(ApiError::TooLarge(self.limit));
            }
            // Its length may not have been announced.
            self.pay(length).await?;
            if first.is_empty() && read.is_empty() {
                // Mostly the only one, which needs no copy.
                first = chunk;
            } else {
                if read.is_empty() {
                    read.reserve(announced.max(length));
                    read.extend_from_slice(&std::mem::take(&mut first));
                }
                read.extend_from_slice(&chunk);
            }
        }
        Ok(if read.is_empty() { first } else { read.freeze() })
    }
}

/// Whether a body has to be unpacked first.
fn is_packed(headers: &HeaderMap) -> Result<bool, ApiError> {
    match headers.get(CONTENT_ENCODING).map(|it| it.as_bytes().to_ascii_lowercase()).as_deref() {
        None | Some(b"identity") => Ok(false),
        Some(b"gzip" | b"x-gzip") => Ok(true),
        Some(_) => Err(ApiError::UnsupportedEncoding),
    }
}

/// What is in a gzip file (RFC 1952), if it is at most `limit` bytes.
fn unpack(packed: &[u8], limit: usize) -> Result<Bytes, ApiError> {
    let mut plain = Vec::new();
    let beyond = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let unpacked = MultiGzDecoder::new(packed).take(beyond).read_to_end(&mut plain);
    unpacked.map_err(|_| ApiError::BrokenBody)?;
    if plain.len() > limit { Err(ApiError::TooLarge(limit)) } else { Ok(plain.into()) }
}

/// A body that has to be a JSON object.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if body.trim_ascii().is_empty() {
        return Err(ApiError::NoBody);
    }
    let text = str::from_utf8(body).map_err(|_| ApiError::NotUtf8)?;
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiError::NotAnObject),
        Err(_) => Err(ApiError::NotJson),
    }
}
