//! axum's extractors as Aiven's clients need them, with rejections in our own shape.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, StatusCode, Uri};
use serde::de::{self, DeserializeOwned};
use serde::{Deserialize as _, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::error::ApiError;

/// A NUL in a path or a query.
const ENCODED_NUL: &str = "%00";

/// A JSON body, in or out.
///
/// In: whatever the content type says, since `avn` sends `application/octet-stream` where it has
/// nothing to send; an empty body is an empty object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<T>(pub(crate) T);

/// Parameters in the path, decoded after the path was split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<T>(pub(crate) T);

/// Parameters behind the path. Unknown ones are no error: some clients append `?limit=999` to
/// everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // Nothing is called so, and Postgres refuses to look.
        if parts.uri.path().contains(ENCODED_NUL) {
            return Err(ApiError::NoRoute);
        }
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await?;
        Ok(Self(path.0))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if parts.uri.query().is_some_and(|it| it.contains(ENCODED_NUL)) {
            return Err(ApiError::invalid("Invalid query: a value has a NUL"));
        }
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await?;
        Ok(Self(query.0))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = Bytes::from_request(request, state).await?;
        let body: &[u8] = if body.is_empty() { b"{}" } else { &body };
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(ApiError::invalid("Invalid input: the body is no JSON object"));
        }
        if let Some(key) = text_with_nul(body) {
            return Err(ApiError::Invalid(format!("Invalid '{key}': it has a NUL (\\u0000)")));
        }
        let parsed = serde_json::from_slice(body);
        parsed.map(Self).map_err(|error| ApiError::Invalid(format!("Invalid input: {error}")))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                let json = HeaderValue::from_static("application/json");
                ([(CONTENT_TYPE, json)], body).into_response()
            }
            // Not through `ApiError`, whose body is a `Json` too.
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot answer");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Self::TooLarge
        } else {
            Self::Invalid(rejection.body_text())
        }
    }
}

/// What cannot be the name of anything is the name of nothing.
impl From<PathRejection> for ApiError {
    fn from(_: PathRejection) -> Self {
        Self::NoRoute
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::Invalid(rejection.body_text())
    }
}

/// The key of a text that has a NUL, which Postgres cannot keep; or the key itself has one.
fn text_with_nul(json: &[u8]) -> Option<String> {
    // In JSON it only comes escaped, and hardly ever.
    if !json.windows(6).any(|it| it == br"\u0000") {
        return None;
    }
    let document: Value = serde_json::from_slice(json).ok()?;
    key_with_nul(&document, "")
}

fn key_with_nul(value: &Value, key: &str) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(|| key.to_owned()),
        Value::Array(items) => items.iter().find_map(|it| key_with_nul(it, key)),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let shown: String = name.escape_debug().take(64).collect();
            let key = if key.is_empty() { shown } else { format!("{key}.{shown}") };
            if name.contains('\0') { Some(key) } else { key_with_nul(value, &key) }
        }),
        _ => None,
    }
}

/// A field that is an object. By itself serde also takes a list of the values, in the order of the
/// fields, which the document does not say.
pub(crate) fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let fields = Option::<Map<String, Value>>::deserialize(deserializer)?;
    fields.map(read).transpose()
}

/// The same for a list of objects.
pub(crate) fn objects<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let items = Option::<Vec<Map<String, Value>>>::deserialize(deserializer)?;
    items.map(|it| it.into_iter().map(read).collect()).transpose()
}

fn read<T: DeserializeOwned, E: de::Error>(fields: Map<String, Value>) -> Result<T, E> {
    serde_json::from_value(Value::Object(fields)).map_err(E::custom)
}

/// Takes away what a trailing slash in `AIVEN_WEB_URL` puts in front of the path: `//v1/me`.
pub(crate) fn one_slash_in_front<B>(mut request: http::Request<B>) -> http::Request<B> {
    let Some(path) = request.uri().path_and_query().filter(|it| it.as_str().starts_with("//"))
    else {
        return request;
    };
    let path = format!("/{}", path.as_str().trim_start_matches('/'));
    if let Ok(uri) = path.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn a_nul_is_found_with_its_key_and_a_backslash_before_its_digits_is_none() {
        let key = |json: &str| text_with_nul(json.as_bytes());
        assert_eq!(key(r#"{"a": {"b": ["c", "\u0000"]}}"#).as_deref(), Some("a.b"));
        assert_eq!(key(r#"{"a": "\\\u0000"}"#).as_deref(), Some("a"));
        assert_eq!(key(r#"{"a\u0000": 1}"#).as_deref(), Some(r"a\0"));
        assert_eq!(key(r#"{"a": "\\u0000", "b": "\u0001"}"#), None);
        assert_eq!(key(r#"{"a": "\u0000"#), None, "not JSON, which is said elsewhere");
    }

    #[test]
    fn a_list_of_values_is_no_object() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Inner {
            a: u8,
        }
        #[derive(Debug, Deserialize)]
        struct Outer {
            #[serde(default, deserialize_with = "object")]
            one: Option<Inner>,
            #[serde(default, deserialize_with = "objects")]
            many: Option<Vec<Inner>>,
        }
        let read = |text| serde_json::from_str::<Outer>(text);
        let good = read(r#"{"one": {"a": 1}, "many": [{"a": 2}]}"#).unwrap();
        assert_eq!((good.one, good.many), (Some(Inner { a: 1 }), Some(vec![Inner { a: 2 }])));
        assert!(read("{}").unwrap().one.is_none());
        assert!(read(r#"{"one": null}"#).unwrap().one.is_none());
        for wrong in [r#"{"one": [1]}"#, r#"{"many": [[2]]}"#, r#"{"one": {"a": "x"}}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn slashes_in_front_become_one_and_nothing_else_changes() {
        let path = |uri: &str| {
            let request = http::Request::builder().uri(uri).body(()).unwrap();
            one_slash_in_front(request).uri().to_string()
        };
        assert_eq!(path("//v1/me?limit=999"), "/v1/me?limit=999");
        assert_eq!(path("/v1/a%2Fb//c"), "/v1/a%2Fb//c");
    }
}
