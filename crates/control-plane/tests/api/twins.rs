//! Two control planes on one database.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use control_plane::{alarm, token_hash};
use futures::future::join_all;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::harness::{Answer, Api, SERVICE, settings, store};

/// Two with a pool each, and the service `my-kafka`.
async fn twins(pool: &PgPool) -> [Api; 2] {
    let first = Api::with_service(pool).await;
    let (second, _) = other(pool).await;
    [first, second]
}

/// Another on the same database, and what listens for it.
async fn other(pool: &PgPool) -> (Api, JoinSet<()>) {
    let options = sqlx::postgres::PgConnectOptions::clone(&pool.connect_options());
    let pool = PgPoolOptions::new().max_connections(5).connect_with(options).await.unwrap();
    let (alarm, wake) = alarm(CancellationToken::new());
    let store = store(&pool);
    let mut tasks = JoinSet::new();
    tasks.spawn(alarm.run(store.clone(), CancellationToken::new()));
    (Api::of(store, settings(), wake, None), tasks)
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut all: Vec<u16> = answers.iter().map(|it| it.status.as_u16()).collect();
    all.sort_unstable();
    all
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn of_two_that_make_the_same_one_does_and_no_port_is_given_twice(pool: PgPool) {
    let twins = twins(&pool).await;
    let create = async |api: &Api, name: &str| {
        let body = json!({ "service_name": name, "service_type": "kafka", "plan": "business-4" });
        api.post("/v1/project/dev/service", body).await
    };
    let names = ["a", "b", "c"];
    let both = names.iter().flat_map(|name| twins.iter().map(move |api| (api, *name)));
    let answers = join_all(both.map(|(api, name)| create(api, name))).await;
    assert_eq!(statuses(&answers), [201, 201, 201, 409, 409, 409]);
    let services = twins[1].store.services.list(&"dev".parse().unwrap()).await.unwrap();
    assert_eq!(services.len(), 4);
    let nodes = services.iter().flat_map(|it| &it.nodes);
    let ports = nodes.flat_map(|it| [it.ports.controller, it.ports.internal, it.ports.client]);
    let ports: Vec<u16> = ports.collect();
    let different: BTreeSet<u16> = ports.iter().copied().collect();
    assert_eq!(ports.len(), different.len(), "{ports:?}");
    let user = || json!({ "username": "bob" });
    let made = join_all(twins.iter().map(|it| it.post_user(user()))).await;
    assert_eq!(statuses(&made), [200, 409]);
}

impl Api {
    async fn post_user(&self, body: Value) -> Answer {
        self.post(&format!("{SERVICE}/user"), body).await
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn changes_of_one_service_at_both_are_all_kept(pool: PgPool) {
    let twins = twins(&pool).await;
    let options = [
        ("message_max_bytes", 1_500_000),
        ("group_max_session_timeout_ms", 1_700_000),
        ("log_cleaner_min_compaction_lag_ms", 5_000),
        ("log_retention_hours", 24),
        ("num_partitions", 3),
        ("max_connections_per_ip", 1_000),
    ];
    let update = async |at: usize, (key, value): (&str, i64)| {
        let tags = json!({ "tags": { key: "set" } });
        let path = format!("{SERVICE}/tags");
        let (config, tags) = tokio::join!(
            twins[at % 2].update(json!({ "kafka": { key: value } })),
            twins[(at + 1) % 2].call("PATCH", &path, Some(tags)),
        );
        config.ok();
        tags.ok();
    };
    join_all(options.iter().enumerate().map(|(at, it)| update(at, *it))).await;
    let service = twins[0].service().await;
    for (key, value) in options {
        assert_eq!(service.user_config["kafka"][key], json!(value), "{key}");
        assert_eq!(service.tags[key], "set");
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_token_of_one_opens_the_other_until_it_is_revoked_at_either(pool: PgPool) {
    let [one, other] = twins(&pool).await;
    let made = one.post("/v1/access_token", json!({})).await.ok();
    let token = made["full_token"].as_str().unwrap();
    other.call_as(token, "GET", SERVICE, None).await.ok();
    one.delete(&format!("/v1/access_token/{token}")).await.ok();
    let gone = other.call_as(token, "GET", SERVICE, None).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_proxy_that_waits_at_one_hears_of_a_change_at_the_other(pool: PgPool) {
    let changer = Api::with_service(&pool).await;
    let (waiter, _listening) = other(&pool).await;
    let hash = token_hash("token-of-proxy");
    waiter.store.tokens.replace_rest_proxy(&hash, waiter.service().await.id).await.unwrap();
    let settings = async |known: &str| {
        let request = Request::get("/v1/rest-proxy/settings")
            .header(header::AUTHORIZATION, "Bearer token-of-proxy")
            .header("prefer", "wait=60")
            .header(header::IF_NONE_MATCH, known);
        waiter.send(request.body(Body::empty()).unwrap()).await
    };
    let known = settings("\"0\"").await.headers[header::ETAG].to_str().unwrap().to_owned();
    let change = async {
        // It waits by then, or looks for the first time and finds the change at once.
        tokio::time::sleep(Duration::from_millis(300)).await;
        changer.update(json!({ "kafka_rest_authorization": true })).await.ok();
    };
    let (answer, ()) = tokio::join!(settings(&known), change);
    assert_eq!(answer.status, StatusCode::OK);
    assert_ne!(answer.headers[header::ETAG], known);
}
