//! What happened in a rollout, as a list and as it happens.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use futures::StreamExt as _;
use http::{Request, Response, StatusCode, header};
use model::{NodeId, RolloutStatus};
use serde_json::json;
use sqlx::PgPool;

use crate::harness::{Api, SERVICE, TOKEN};

/// A rollout under way with two events, `started` and `paused`, by the path of its events.
async fn with_events(pool: &PgPool) -> (Api, String) {
    let api = Api::with_service(pool).await;
    let answer = api.post(&format!("{SERVICE}/rollouts"), json!({ "all_nodes": true })).await;
    let path = answer.headers[header::LOCATION].to_str().unwrap();
    api.post(&format!("{path}/pause"), json!({ "reason": "lunch" })).await.ok();
    let events = format!("{path}/events");
    (api, events)
}

async fn follow(api: &Api, path: &str, last: Option<&str>) -> Response<Body> {
    let mut request = Request::get(path)
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::ACCEPT, "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    api.open(request.body(Body::empty()).unwrap()).await
}

/// All that comes until the stream ends.
async fn all_of(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn kinds(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|it| it.strip_prefix("event: ")).collect()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_list_goes_on_after_an_event(pool: PgPool) {
    let (api, path) = with_events(&pool).await;
    let events = api.get(&path).await.ok()["events"].take();
    assert_eq!((&events[0]["kind"], &events[1]["kind"]), (&json!("started"), &json!("paused")));
    assert_eq!(events[1]["detail"], "rolling restart paused: lunch");
    assert_eq!(api.get(&format!("{path}?limit=1")).await.ok()["events"], json!([events[0]]));
    let after = format!("{path}?after={}", events[0]["id"]);
    assert_eq!(api.get(&after).await.ok()["events"], json!([events[1]]));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_stream_tells_what_happens_until_the_end(pool: PgPool) {
    let (api, path) = with_events(&pool).await;
    let response = follow(&api, &path, None).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut chunks = response.into_body().into_data_stream();
    let mut told = String::new();
    let mut until = async |word: &str| {
        while !told.contains(word) {
            let more = tokio::time::timeout(Duration::from_secs(20), chunks.next()).await.unwrap();
            told += std::str::from_utf8(&more.expect("it goes on").unwrap()).unwrap();
        }
        told.clone()
    };
    until("paused: lunch").await;
    // Nobody is notified of a phase.
    let happened = [(Some(NodeId(2)), "phase", "catching_up")];
    let active = api.active().await.id;
    api.store.rollouts.publish(active, &RolloutStatus::default(), &happened).await.unwrap();
    until("catching_up").await;
    api.finish_rollout().await;
    let told = until("every node runs revision").await;
    assert!(tokio::time::timeout(Duration::from_secs(20), chunks.next()).await.unwrap().is_none());
    assert_eq!(kinds(&told), ["started", "paused", "phase", "done"]);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_stream_goes_on_where_it_was_cut_off_and_ends_for_good(pool: PgPool) {
    let (api, path) = with_events(&pool).await;
    let events = api.get(&path).await.ok()["events"].take();
    api.finish_rollout().await;
    let [first, second] = [0, 1].map(|it| events[it]["id"].to_string());
    assert_eq!(
        kinds(&all_of(follow(&api, &path, None).await).await),
        ["started", "paused", "done"]
    );
    let rest = all_of(follow(&api, &path, Some(&first)).await).await;
    assert_eq!(kinds(&rest), ["paused", "done"]);
    assert!(rest.contains(&format!("id: {second}\n")), "{rest}");
    // The header is what a client has received, the parameter is what it began with.
    let both = follow(&api, &format!("{path}?after={first}"), Some(&second)).await;
    assert_eq!(kinds(&all_of(both).await), ["done"]);
    let last = (second.parse::<i64>().unwrap() + 1).to_string();
    assert_eq!(follow(&api, &path, Some(&last)).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(follow(&api, &path, Some("x")).await.status(), StatusCode::BAD_REQUEST);
}
