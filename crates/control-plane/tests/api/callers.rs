//! Who may ask.

use axum::body::Body;
use http::{Request, StatusCode, header};
use sqlx::PgPool;

use crate::harness::{Answer, Api, TOKEN};

async fn me(api: &Api, authorization: &str) -> Answer {
    let request = Request::get("/v1/me").header(header::AUTHORIZATION, authorization);
    api.send(request.body(Body::empty()).unwrap()).await
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn both_schemes_are_accepted(pool: PgPool) {
    let api = Api::empty(&pool).await;
    for scheme in ["aivenv1", "Bearer", "bearer"] {
        let answer = me(&api, &format!("{scheme} {TOKEN}")).await.ok();
        assert_eq!(answer["user"]["projects"][0], "dev");
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn anything_else_is_no_token(pool: PgPool) {
    let api = Api::empty(&pool).await;
    for authorization in [TOKEN, "Basic dXNlcjpwdw==", "Bearer", "Bearer ", "Bearer \u{e9}"] {
        let answer = me(&api, authorization).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
        assert_eq!(answer.body["message"], "Invalid token");
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
    }
}
