//! axum's extractors as Aiven's clients need them, with rejections in our own shape.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// A JSON body, in or out.
///
/// In: whatever the content type says, since `avn` sends `application/octet-stream` where it has
/// nothing to send; an empty body is an empty object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<T>(pub(crate) T);

/// Parameters in the path, decoded after the path was split.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub(crate) T);

/// Parameters behind the path. Unknown ones are no error: some clients append `?limit=999` to
/// everything.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = Bytes::from_request(request, state).await?;
        let body: &[u8] = if body.is_empty() { b"{}" } else { &body };
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
    use super::*;

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
