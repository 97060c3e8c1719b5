//! What `avn` cannot do without: fields whose absence makes it crash, found by taking away each
//! field of each answer (`avn_fields.txt`), and how it asks.

use http::StatusCode;
use model::NodeState;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, SERVICE};

const FIELDS: &str = include_str!("avn_fields.txt");

/// What `avn` sends with each of these.
fn body(method: &str, path: &str) -> Option<Value> {
    let end = path.rsplit('/').next().unwrap();
    match (method, end) {
        ("POST", "user") => Some(json!({ "username": "alice" })),
        ("POST", "acl") if path.ends_with("/kafka/acl") => Some(json!({
            "principal": "User:a", "host": "*", "resource_name": "t", "resource_type": "Topic",
            "pattern_type": "LITERAL", "operation": "Read", "permission_type": "ALLOW",
        })),
        ("POST", "quota") => Some(json!({ "user": "alice", "consumer_byte_rate": 1.0 })),
        ("POST", "acl") => Some(json!({ "permission": "read", "topic": "t", "username": "a" })),
        ("POST", "logs") => Some(json!({ "limit": 100, "sort_order": "asc" })),
        ("POST", "metrics") => Some(json!({ "period": "hour" })),
        ("POST", "task") => Some(json!({ "task_type": "upgrade_check", "target_version": "4.3" })),
        ("PATCH", "tags") => Some(json!({ "tags": { "c": null } })),
        ("PUT", "my-kafka") => Some(json!({ "plan": "business-4", "user_config": {} })),
        ("POST", "service") => Some(json!({
            "cloud": null, "plan": "startup-2", "service_integrations": [], "service_name": "k9",
            "service_type": "kafka", "user_config": {}, "termination_protection": false,
            "static_ips": [],
        })),
        _ => None,
    }
}

/// Every value at a path such as `services.*.plan`; `None` for one that is not there.
fn at<'a>(value: &'a Value, path: &[&str]) -> Vec<Option<&'a Value>> {
    let Some((first, rest)) = path.split_first() else { return vec![Some(value)] };
    match (*first, value) {
        ("*", Value::Array(items)) => items.iter().flat_map(|it| at(it, rest)).collect(),
        (name, value) => value.get(name).map_or_else(|| vec![None], |it| at(it, rest)),
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn every_field_that_avn_reads_is_there(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut answer = Value::Null;
    let mut asked = "";
    for line in FIELDS.lines() {
        if let Some((method, path)) = line.split_once(" /") {
            asked = line;
            let path = format!("/{path}");
            answer = api.call(method, &path, body(method, &path)).await.ok();
            continue;
        }
        let (path, not_null) = match line.trim().split_once(' ') {
            Some((path, _)) => (path, true),
            None => (line.trim(), false),
        };
        for value in at(&answer, &path.split('.').collect::<Vec<_>>()) {
            let value = value.unwrap_or_else(|| panic!("{asked}: no {path} in {answer:#}"));
            assert!(!(not_null && value.is_null()), "{asked}: {path} is null");
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_service_object_is_this(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    api.publish(api.service().await.id, 1, NodeState::SyncingData).await;
    let mut service = api.get(SERVICE).await.ok()["service"].take();
    for changing in [
        "/create_time",
        "/update_time",
        "/users/0/create_time",
        "/users/0/password",
        "/tidegate/cluster_id",
        "/tidegate/revision",
    ] {
        *service.pointer_mut(changing).unwrap() = json!("[changes]");
    }
    insta::assert_json_snapshot!(service);
    let Value::Object(service) = service else { panic!("no object") };
    for list in ["users", "acl", "kafka_acl", "components", "node_states", "databases", "topics"] {
        assert!(service[list].is_array(), "{list}");
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_trailing_slash_in_the_base_address_does_no_harm(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    assert_eq!(api.get(&format!("/{SERVICE}?limit=999")).await.status, StatusCode::OK);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn errors_have_aivens_shape(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let missing = api.get(SERVICE).await;
    insta::assert_json_snapshot!(missing.body, @r#"
    {
      "errors": [
        {
          "error_code": "service_does_not_exist",
          "message": "Service does not exist",
          "status": 404
        }
      ],
      "message": "Service does not exist"
    }
    "#);
    for (method, path, expected) in [
        ("GET", "/v1/nothing", "404 Not found"),
        ("DELETE", "/v1/project", "405 Method not allowed"),
        ("GET", "/v1/project/dev/service-types/kafak", "404 Service type does not exist"),
        ("GET", "/v1/project/nope/service", "404 Project does not exist"),
        ("GET", "/v1/project/dev/kms/ca", "404 Project CA does not exist"),
        ("GET", "/v1/project/dev/service/a%2Fb", "404 Service does not exist"),
    ] {
        assert_eq!(api.call(method, path, None).await.brief(), expected, "{method} {path}");
    }
}
