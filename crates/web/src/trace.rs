//! One span and one log line for each request.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::HeaderValue;
use tracing::{Instrument, info, info_span};
use uuid::Uuid;

/// Wraps every route of `router`: gives the request an id, which is in its logs and in the answer's
/// `x-request-id`, and logs its end with status and duration.
/// The query string is never logged.
pub fn observe<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(from_fn(observed))
}

async fn observed(request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    let route = request.extensions().get::<MatchedPath>().map(|it| it.as_str().to_owned());
    let span = info_span!(
        "request",
        request.id = %id,
        method = %request.method(),
        http.route = route.as_deref().unwrap_or("-"),
    );
    async move {
        let started = Instant::now();
        let mut response = next.run(request).await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        info!(status = response.status().as_u16(), duration_ms, "answered");
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert("x-request-id", value);
        }
        response
    }
    .instrument(span)
    .await
}
