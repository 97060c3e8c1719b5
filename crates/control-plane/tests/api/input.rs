//! Input that no client of ours sends: what is no object, and what Postgres cannot keep.

use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, SERVICE, TOKEN};

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_nul_is_refused_wherever_it_is(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    for query in ["service=%00", "actor=a%00b", "event_type=%00"] {
        let answer = api.get(&format!("/v1/project/dev/audit?{query}")).await;
        assert_eq!(answer.brief(), "400 Invalid query: a value has a NUL", "{query}");
    }
    for path in ["/v1/access_token/%00", "/v1/project/dev/service/my-kafka/kafka/acl/a%00b"] {
        assert_eq!(api.delete(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let audience = json!({ "kafka": { "sasl_oauthbearer_expected_audience": "a\0b" } });
    let bodies = [
        (
            json!({ "user_config": audience }),
            "user_config.kafka.sasl_oauthbearer_expected_audience",
        ),
        (json!({ "tags": { "a": "\0" } }), "tags.a"),
    ];
    for (body, key) in bodies {
        let expected = format!(r"400 Invalid '{key}': it has a NUL (\u0000)");
        assert_eq!(api.put(SERVICE, body).await.brief(), expected);
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_list_is_no_object_whatever_its_values(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let answer = api.post(&format!("{SERVICE}/user"), json!(["alice"])).await;
    assert_eq!(answer.brief(), "400 Invalid input: the body is no JSON object");
    let inner = [
        ("PUT", SERVICE.to_owned(), json!({ "maintenance": ["monday", "10:00:00"] })),
        ("PUT", SERVICE.to_owned(), json!({ "tidegate": ["now"] })),
        ("POST", format!("{SERVICE}/topic"), json!({ "topic_name": "t", "tags": [["a", "b"]] })),
        ("POST", format!("{SERVICE}/rollouts"), json!({ "consent": ["me", "why", "outage"] })),
    ];
    for (method, path, body) in inner {
        let answer = api.call(method, &path, Some(body)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(answer.brief().contains("expected a map"), "{}", answer.brief());
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn no_body_is_an_empty_object_where_the_document_says_so(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let document: Value = api.get("/v1/openapi.json").await.ok();
    let needs_body = |path: &str, method: &str| {
        document["paths"][path][method]["requestBody"]["required"].as_bool().unwrap()
    };
    let logs = "/v1/project/{project}/service/{service}/logs";
    assert!(!needs_body(logs, "post"));
    api.call_as(TOKEN, "POST", &format!("{SERVICE}/logs"), None).await.ok();
    assert!(needs_body("/v1/project", "post"));
    assert_eq!(api.call("POST", "/v1/project", None).await.status, StatusCode::BAD_REQUEST);
}
