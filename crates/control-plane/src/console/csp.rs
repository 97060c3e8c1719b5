//! What browsers are told not to do with our pages, and what they tell of those that tried.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use tracing::warn;

use super::session::{Knock, knock};
use crate::App;
use crate::error::ApiError;
use crate::extract::Json;

/// Where browsers send reports.
pub(crate) const REPORT: &str = "/console/csp-report";
/// No report of a page of ours is longer.
const LONGEST: usize = 16 * 1024;
/// So many reports are logged; more are counted only.
const LOGGED: u64 = 100;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    report-uri /console/csp-report; report-to csp";

/// How many reports came.
#[derive(Debug, Default)]
pub(crate) struct Reports(AtomicU64);

/// How many reports came since this program was started.
#[derive(Serialize)]
struct Count {
    reports: u64,
}

/// Adds what every answer of the console carries.
pub(crate) async fn headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("reporting-endpoints"), "csp=\"/console/csp-report\""),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`, which would make the `Origin` of forms `null` (Fetch, 3.2.5).
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Takes a report. Anybody may send one, so it is only counted, and its words are logged short.
pub(super) async fn report(State(app): State<App>, request: Request) -> StatusCode {
    let Ok(body) = to_bytes(request.into_body(), LONGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    let Ok(report) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let before = app.console.reports.0.fetch_add(1, Ordering::Relaxed);
    if before < LOGGED {
        let (directive, blocked) = words(&report);
        warn!(directive, blocked, "a browser reports that a page of the console broke its policy");
    }
    StatusCode::NO_CONTENT
}

/// Says how many came, to somebody who has signed in.
pub(super) async fn count(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    let Knock::Visitor(_) = knock(&parts, &app).await? else {
        return Err(ApiError::Unauthenticated);
    };
    let reports = app.console.reports.0.load(Ordering::Relaxed);
    Ok(Json(Count { reports }).into_response())
}

/// Which rule, and what it was about: no query of any address, which may hold anything.
fn words(report: &Value) -> (String, String) {
    let first = report.get(0).unwrap_or(report);
    let body = first.get("csp-report").or_else(|| first.get("body")).unwrap_or(first);
    let text = |names: [&str; 2]| {
        let value = names.into_iter().find_map(|it| body.get(it)?.as_str()).unwrap_or_default();
        let address = value.split(['?', '#']).next().unwrap_or_default();
        address.escape_debug().take(100).collect()
    };
    (text(["effective-directive", "effectiveDirective"]), text(["blocked-uri", "blockedURL"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_shapes_of_a_report_are_read_and_queries_are_not() {
        let old = json!({ "csp-report": {
            "effective-directive": "script-src", "blocked-uri": "https://x.example/a?token=secret",
        } });
        let new =
            json!([{ "body": { "effectiveDirective": "style-src", "blockedURL": "inline" } }]);
        assert_eq!(words(&old), ("script-src".into(), "https://x.example/a".into()));
        assert_eq!(words(&new), ("style-src".into(), "inline".into()));
        assert_eq!(words(&json!(7)), (String::new(), String::new()));
    }
}
