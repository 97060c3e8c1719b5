//! `GET /brokers`: who is in the cluster.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;

use crate::App;
use crate::answer;
use crate::error::ApiError;
use crate::identity::Caller;
use crate::media::Accept;
use crate::request_body::NoBody;

#[derive(Serialize)]
struct Brokers {
    brokers: Vec<i32>,
}

/// `GET /brokers`
pub(crate) async fn list_brokers(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    headers: HeaderMap,
    _: NoBody,
) -> Result<Response, ApiError> {
    let session = app.sessions.session(&caller)?;
    let found = session.ask(|it| async move { it.brokers().await }).await?;
    // A fenced broker serves nobody, and is not in the metadata that clients see.
    let mut brokers: Vec<i32> =
        found.into_iter().filter(|it| !it.fenced).map(|it| it.id.0).collect();
    brokers.sort_unstable();
    Ok(answer::tagged(&headers, &Brokers { brokers }))
}
