//! The document against the router, and against itself.

use std::collections::BTreeSet;

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::App;
use crate::testing;

const METHODS: [&str; 5] = ["get", "post", "put", "delete", "patch"];

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// Method and path of each operation in the document.
fn documented() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|it| METHODS.contains(&it.as_str())) {
            found.insert((method.clone(), path.clone()));
        }
    }
    found
}

async fn is_routed(app: &App, method: &str, template: &str) -> bool {
    let path = template.replace(['{', '}'], "");
    let request = Request::builder().method(method.to_uppercase().as_str()).uri(path);
    let answer = app.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    answer.status() != StatusCode::METHOD_NOT_ALLOWED
}

#[tokio::test]
async fn the_document_has_every_route_and_no_other() {
    let app = App::new(
        crate::Settings::new(testing::idp()),
        testing::limits(),
        tokio_util::sync::CancellationToken::new(),
    );
    let mut routed = BTreeSet::new();
    for template in app.routes().templates() {
        for method in METHODS {
            if is_routed(&app, method, template).await {
                routed.insert((method.to_owned(), template.to_owned()));
            }
        }
    }
    let documented = documented();
    let undocumented: Vec<_> = routed.difference(&documented).collect();
    assert!(undocumented.is_empty(), "not in the document: {undocumented:?}");
    let absent = documented.difference(&routed).map(|(method, path)| format!("{method} {path}"));
    assert_eq!(absent.collect::<Vec<_>>(), [""; 0], "in the document, but not routed");
}

/// Every `$ref` below `value`.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|it| references(it, found));
        }
        Value::Array(list) => list.iter().for_each(|it| references(it, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let document = document();
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    for reference in &used {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for kind in ["parameters", "responses", "schemas"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(used.contains(reference.as_str()), "nobody uses {reference}");
        }
    }
}

#[test]
fn every_operation_has_an_id_of_its_own_and_says_what_its_path_needs() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (method, path) in documented() {
        let item = &document["paths"][&path];
        let operation = &item[&method];
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
        let declared = item["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let declared = declared.iter().map(|it| {
            let pointer = it["$ref"].as_str().unwrap().strip_prefix('#').unwrap();
            document.pointer(pointer).unwrap()["name"].as_str().unwrap()
        });
        let needed = path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
        assert!(declared.eq(needed), "{path}");
    }
}

#[test]
fn what_is_public_is_said_so_and_nothing_else_is() {
    let document = document();
    let public = documented().into_iter().filter(|(method, path)| {
        document["paths"][path][method]["security"].as_array().is_some_and(Vec::is_empty)
    });
    let public: Vec<String> = public.map(|(_, path)| path).collect();
    insta::assert_debug_snapshot!(public, @r#"
    [
        "/",
        "/.well-known/oauth-protected-resource",
        "/_health",
        "/metrics",
        "/openapi.json",
    ]
    "#);
}
