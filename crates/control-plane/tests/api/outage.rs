//! A database that is away.

use std::time::Duration;

use control_plane::{App, alarm, service};
use http::{Request, StatusCode, header};
use sqlx::postgres::PgPoolOptions;
use store::Store;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::harness::settings;

#[tokio::test]
async fn everything_that_needs_it_is_later_and_says_so() {
    let pool = PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(200))
        // Nobody listens on port 1.
        .connect_lazy("postgres://nobody:secret@127.0.0.1:1/none")
        .unwrap();
    let (_, wake) = alarm(CancellationToken::new());
    let router = service(App::new(Store::on(pool), settings(), wake, None));
    for path in ["/health", "/v1/project", "/v1/rest-proxy/settings"] {
        let request = Request::get(path)
            .header(header::AUTHORIZATION, "Bearer x")
            .body(axum::body::Body::empty())
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("The database cannot be reached at the moment"), "{body}");
        assert!(!body.contains("127.0.0.1") && !body.contains("secret"), "{body}");
    }
    let request = Request::get("/v1/openapi.json").body(axum::body::Body::empty()).unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status(), StatusCode::OK);
}
