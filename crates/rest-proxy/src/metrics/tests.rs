//! What the page says after what was counted.

use axum::body::{Body, to_bytes};
use http::Request;
use tower::ServiceExt;

use super::*;
use crate::App;
use crate::config::Observation;
use crate::testing;

async fn get(app: &App, path: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = app.router().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// The lines of the page that begin with `prefix`.
async fn lines(app: &App, prefix: &str) -> String {
    let (status, page) = get(app, "/metrics").await;
    assert_eq!(status, 200);
    page.lines().filter(|it| it.starts_with(prefix)).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn requests_are_counted_by_template_and_whatever_is_no_route_is_other() {
    let app = testing::app(testing::settings("127.0.0.1:1"));
    for path in ["/topics/orders", "/topics/orders/", "/topics/nope", "/secret", "/a/b?c=d"] {
        get(&app, path).await;
    }
    let brew = Request::builder().method("BREW").uri("/topics").body(Body::empty()).unwrap();
    app.router().oneshot(brew).await.unwrap();
    insta::assert_snapshot!(lines(&app, "tidegate_rest_http_requests_total").await, @r#"
    tidegate_rest_http_requests_total{method="GET",route="/topics/{topic}",status="200"} 2
    tidegate_rest_http_requests_total{method="GET",route="/topics/{topic}",status="404"} 1
    tidegate_rest_http_requests_total{method="GET",route="other",status="404"} 2
    tidegate_rest_http_requests_total{method="other",route="/topics",status="405"} 1
    "#);
    insta::assert_snapshot!(lines(&app, "tidegate_rest_http_requests_in_flight").await, @r#"
    tidegate_rest_http_requests_in_flight 1
    "#);
    let counts = lines(&app, "tidegate_rest_http_request_duration_seconds_count").await;
    insta::assert_snapshot!(counts, @r#"
    tidegate_rest_http_request_duration_seconds_count{method="GET",route="/metrics"} 2
    tidegate_rest_http_request_duration_seconds_count{method="GET",route="/topics/{topic}"} 3
    tidegate_rest_http_request_duration_seconds_count{method="GET",route="other"} 2
    tidegate_rest_http_request_duration_seconds_count{method="other",route="/topics"} 1
    "#);
}

#[tokio::test]
async fn what_is_counted_is_on_the_page() {
    let app = testing::app(testing::settings("127.0.0.1:1"));
    let metrics = &app.metrics;
    metrics.produced(3, 300);
    metrics.consumed(2, 20);
    metrics.produce_failed(ProduceFailure::TooLarge);
    metrics.auth_failed(AuthFailure::Audience);
    metrics.session_ended(End::Replaced);
    metrics.client_built(false);
    let page = lines(&app, "tidegate_rest_").await;
    let seen: Vec<&str> =
        page.lines().filter(|it| !it.contains("http") && !it.ends_with(" 0")).collect();
    insta::assert_snapshot!(seen.join("\n"), @r#"
    tidegate_rest_authentication_failures_total{reason="audience"} 1
    tidegate_rest_build_info{version="0.1.0"} 1
    tidegate_rest_client_build_failures_total 1
    tidegate_rest_client_builds_total 1
    tidegate_rest_consumed_bytes_total 20
    tidegate_rest_consumed_records_total 2
    tidegate_rest_jwks_age_seconds -1
    tidegate_rest_produce_failures_total{reason="too_large"} 1
    tidegate_rest_produced_bytes_total 300
    tidegate_rest_produced_records_total 3
    tidegate_rest_sessions_ended_total{reason="replaced"} 1
    "#);
    assert!(lines(&app, "process_").await.lines().count() == 7);
}

#[test]
fn every_reason_has_its_word() {
    assert_eq!(ProduceFailure::LABELS[ProduceFailure::Other as usize], "other");
    assert_eq!(AuthFailure::LABELS[AuthFailure::Unavailable as usize], "unavailable");
    assert_eq!(End::LABELS[End::Replaced as usize], "replaced");
}

#[tokio::test]
async fn metrics_with_an_address_of_their_own_are_only_there() {
    let observation =
        Observation { metrics_listen: Some(([127, 0, 0, 1], 1).into()), ..Observation::default() };
    let app = testing::app(testing::settings("127.0.0.1:1")).observed(observation);
    assert_eq!(get(&app, "/metrics").await.0, 404);
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = app.metrics_router().oneshot(request).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
}

#[tokio::test]
async fn a_session_and_a_refused_login_are_seen() {
    let mut settings = testing::settings("127.0.0.1:1");
    let app = testing::app(settings.clone());
    get(&app, "/topics").await;
    assert_eq!(
        lines(&app, "tidegate_rest_sessions").await.lines().next(),
        Some("tidegate_rest_sessions 1")
    );
    settings.authorization = true;
    settings.oidc = Some(testing::oidc("http://127.0.0.1:1", "a"));
    let app = testing::app(settings);
    get(&app, "/topics").await;
    let failures = lines(&app, "tidegate_rest_authentication_failures_total").await;
    assert!(failures.contains("{reason=\"missing\"} 1"), "{failures}");
}
