//! What a caller says it has seen, and which request it repeats.

use axum::extract::FromRequestParts;
use http::header::{ETAG, IF_MATCH};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use utoipa::IntoParams;

use crate::error::ApiError;

/// The longest key that is kept.
const LONGEST_KEY: usize = 200;

/// The version in `If-Match` that a thing has to have still; `None` for any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IfMatch(pub(crate) Option<i64>);

/// What names a request, so that its repetition does nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

/// For the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "for the document; `IfMatch` reads it")]
pub(crate) struct IfMatchHeader {
    /// The version that was seen, as `ETag` says it. 412 if there is another by now.
    #[param(rename = "if-match")]
    if_match: Option<String>,
}

/// For the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "for the document; `IdempotencyKey` reads it")]
pub(crate) struct IdempotencyKeyHeader {
    /// Names the request: with the same key, it does nothing more and gives the same answer.
    #[param(rename = "idempotency-key")]
    idempotency_key: Option<String>,
}

/// The entity tag of a version.
pub(crate) fn etag(version: i64) -> (HeaderName, HeaderValue) {
    // Digits and quotes are always a header's value.
    let value = HeaderValue::from_str(&format!("\"{version}\""));
    (ETAG, value.unwrap_or_else(|_| HeaderValue::from_static("\"\"")))
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let version = text.strip_prefix('"').and_then(|it| it.strip_suffix('"')?.parse().ok());
        // Weak tags and those of others match nothing.
        let strange = || ApiError::Precondition("If-Match names no version that there was".into());
        version.map(|it| Self(Some(it))).ok_or_else(strange)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let key = value.to_str().unwrap_or_default().trim();
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Err(ApiError::Invalid(format!(
                "Invalid 'Idempotency-Key': it is not 1-{LONGEST_KEY} visible ASCII characters"
            )));
        }
        Ok(Self(Some(key.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    async fn if_match(text: &str) -> Result<Option<i64>, String> {
        let (mut parts, ()) =
            Request::get("/").header(IF_MATCH, text).body(()).unwrap().into_parts();
        let read = IfMatch::from_request_parts(&mut parts, &()).await;
        read.map(|it| it.0).map_err(|it| it.to_string())
    }

    #[tokio::test]
    async fn a_strong_tag_of_ours_is_a_version_and_a_star_is_any() {
        assert_eq!(if_match("\"12\"").await, Ok(Some(12)));
        assert_eq!(if_match("*").await, Ok(None));
        for strange in ["12", "W/\"12\"", "\"x\"", "", "\"1\", \"2\""] {
            assert!(if_match(strange).await.is_err(), "{strange}");
        }
        assert_eq!(etag(7).1, "\"7\"");
    }
}
