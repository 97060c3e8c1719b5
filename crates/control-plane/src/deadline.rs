//! No request takes for ever, whatever it waits for.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::timeout;

use crate::App;
use crate::error::ApiError;
use crate::rest_settings::preferred_wait;

/// How long a request may take. A connection is had or not within 5 seconds, a statement ends within
/// 10 (`store::LIMITS`), and Kafka has 5 for a call, so one that takes longer goes from one slow answer to
/// the next; clients and load balancers give up after a minute.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// Ends a request that takes too long. What it has not committed by then is rolled back.
pub(crate) async fn bounded(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let longest = app.settings.deadline + preferred_wait(request.headers());
    timeout(longest, next.run(request)).await.map_err(|_| ApiError::TooSlow(longest))
}
