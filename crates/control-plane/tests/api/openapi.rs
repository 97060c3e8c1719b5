//! The published document, and that no operation of it is open by accident.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, OTHER_TOKEN};

/// Method and path of every operation.
pub(crate) fn operations() -> Vec<(String, String)> {
    let (_, document) = control_plane::api();
    let document: Value = serde_json::from_str(&document.to_json().unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if ["get", "put", "post", "patch", "delete"].contains(&method.as_str()) {
                found.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    found.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    found
}

/// A path of which every part exists.
pub(crate) fn filled(path: &str) -> String {
    let values = BTreeMap::from([
        ("{project}", "dev"),
        ("{service}", "my-kafka"),
        ("{user}", "avnadmin"),
        ("{acl}", "default"),
        ("{rollout}", "00000000-0000-0000-0000-000000000000"),
        ("{node}", "1"),
        ("{topic}", "orders"),
        ("{service_type}", "kafka"),
        ("{account}", "a1"),
        ("{token}", "tidegate_unknown"),
        ("{task}", "upgrade_check-4.3"),
    ]);
    let parts = path.split('/').map(|part| values.get(part).copied().unwrap_or(part));
    let path = parts.collect::<Vec<_>>().join("/");
    assert!(!path.contains('{'), "no value for a parameter of {path}");
    path
}

async fn status(api: &Api, method: &str, path: &str, token: Option<&str>) -> StatusCode {
    let mut request = Request::builder().method(method).uri(filled(path));
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    api.send(request.body(Body::empty()).unwrap()).await.status
}

#[test]
fn the_operations_are_these() {
    let operations = operations().into_iter().fold(String::new(), |mut text, (method, path)| {
        writeln!(text, "{method:<6} {path}").unwrap();
        text
    });
    insta::assert_snapshot!(operations);
}

#[test]
fn every_operation_that_needs_a_token_says_how_it_fails() {
    let (_, document) = control_plane::api();
    let document: Value = serde_json::from_str(&document.to_json().unwrap()).unwrap();
    let mut public = Vec::new();
    for (method, path) in operations() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        if operation["security"] == json!([{}]) {
            public.push(format!("{method} {path}"));
            continue;
        }
        let mut expected = vec!["401", "403", "429", "500", "503"];
        expected.extend(path.contains('{').then_some("404"));
        expected.extend(
            operation["requestBody"].is_object().then_some(["400", "413"]).iter().flatten(),
        );
        for status in expected {
            let answer = &operation["responses"][status];
            let answer = match answer["$ref"].as_str() {
                Some(at) => document.pointer(at.trim_start_matches('#')).unwrap(),
                None => answer,
            };
            let schema = &answer["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/ErrorBody", "{method} {path} {status}");
        }
    }
    insta::assert_debug_snapshot!(public, @r#"
    [
        "GET /health",
        "GET /v1/openapi.json",
        "POST /v1/userauth",
    ]
    "#);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn every_operation_needs_a_token_but_these(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut public = Vec::new();
    for (method, path) in operations() {
        for token in [None, Some("wrong")] {
            let status = status(&api, &method, &path, token).await;
            if status != StatusCode::UNAUTHORIZED {
                public.push(format!("{method} {path} {status}"));
            }
        }
    }
    public.dedup();
    insta::assert_debug_snapshot!(public, @r#"
    [
        "GET /health 200 OK",
        "GET /v1/openapi.json 200 OK",
        "POST /v1/userauth 403 Forbidden",
    ]
    "#);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn another_projects_token_finds_nothing(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut seen = 0;
    for (method, path) in operations().into_iter().filter(|(_, it)| it.contains("{project}")) {
        let status = status(&api, &method, &path, Some(OTHER_TOKEN)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}");
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_token_of_a_rest_proxy_opens_its_settings_and_nothing_else(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let token = "token-of-proxy";
    let service = api.service().await.id;
    let hash = control_plane::token_hash(token);
    api.store.tokens.replace_rest_proxy(&hash, service).await.unwrap();
    let mut open = Vec::new();
    for (method, path) in operations() {
        let status = status(&api, &method, &path, Some(token)).await;
        if status != StatusCode::FORBIDDEN {
            open.push(format!("{method} {path} {status}"));
        }
    }
    insta::assert_debug_snapshot!(open, @r#"
    [
        "GET /health 200 OK",
        "GET /v1/openapi.json 200 OK",
        "POST /v1/rest-proxy/seen 400 Bad Request",
        "GET /v1/rest-proxy/settings 200 OK",
    ]
    "#);
}
