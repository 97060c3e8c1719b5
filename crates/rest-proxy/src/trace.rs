//! The trace of a request, written into the records that it produces.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use web::{Trace, TraceContext};

use crate::App;
use crate::error::ApiError;

/// The header of requests and records, and the query parameter by which a request decides for
/// itself.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Headers that every record of a produce request gets, unless it brings its own of that name.
/// Empty when nobody asked for it, or when the request is not part of a trace.
#[derive(Clone, Default)]
pub(crate) struct RecordTrace(Option<TraceContext>);

impl RecordTrace {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Name and value of each.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let parent = self.0.as_ref().map(|it| (TRACEPARENT, it.traceparent()));
        let state = self.0.as_ref().and_then(|it| it.tracestate()).map(|it| ("tracestate", it));
        parent.into_iter().chain(state)
    }
}

impl From<Option<TraceContext>> for RecordTrace {
    fn from(context: Option<TraceContext>) -> Self {
        Self(context)
    }
}

impl<S> FromRequestParts<S> for RecordTrace
where
    App: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let asked = asked(parts.uri.query().unwrap_or_default())?;
        if !asked.unwrap_or_else(|| App::from_ref(state).observation.record_traceparent) {
            return Ok(Self::default());
        }
        let trace = parts.extensions.get::<Arc<Trace>>();
        Ok(trace.and_then(|it| it.context.clone()).into())
    }
}

/// What `query` says, if anything.
fn asked(query: &str) -> Result<Option<bool>, ApiError> {
    let value = query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name == TRACEPARENT).then_some(value)
    });
    match value {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => {
            let other: String = other.chars().take(64).collect();
            let text = format!("Invalid value {other} for {TRACEPARENT}: expected true or false");
            Err(ApiError::BadRequest(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::post;
    use http::{Request, StatusCode};
    use tower::ServiceExt;

    use super::*;
    use crate::config::Observation;
    use crate::testing;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    /// Status, and the headers that records would get.
    async fn headers(record_traceparent: bool, query: &str) -> (StatusCode, String) {
        let observation = Observation { record_traceparent, ..Observation::default() };
        let app = testing::app(testing::settings("127.0.0.1:1")).observed(observation);
        let show = async |trace: RecordTrace| {
            let shown = trace.headers().map(|(name, it)| format!("{name}={}", it.escape_ascii()));
            shown.collect::<Vec<_>>().join(" ")
        };
        let router = web::observe(Router::new().route("/", post(show))).with_state(app);
        let request = Request::post(format!("/{query}"));
        let request = request.header("traceparent", PARENT).header("tracestate", "a=1");
        let answer = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_request_decides_and_otherwise_the_operator() {
        let written = format!("traceparent={PARENT} tracestate=a=1");
        assert_eq!(headers(false, "").await.1, "");
        assert_eq!(headers(true, "").await.1, written);
        assert_eq!(headers(false, "?a=b&traceparent=true").await.1, written);
        assert_eq!(headers(true, "?traceparent=false").await.1, "");
        let (status, text) = headers(true, "?traceparent=yes").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(text.contains("Invalid value yes for traceparent: expected true or false"));
    }
}
