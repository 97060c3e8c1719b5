//! Watching a control plane that breaks off.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response as Answer};
use axum::routing::get;
use model::Secret;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;

/// What a client has asked for: the `Last-Event-ID` of each stream.
#[derive(Clone, Default)]
struct Fake {
    asked: Arc<Mutex<Vec<Option<String>>>>,
    end: &'static str,
}

impl Fake {
    fn n_streams(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

/// The first stream tells of a phase and is cut off, the second is refused, the third tells the end.
async fn events(State(fake): State<Fake>, headers: HeaderMap) -> Answer {
    let last = headers.get("last-event-id").map(|it| it.to_str().unwrap().to_owned());
    fake.asked.lock().unwrap().push(last);
    let event = |id: i32, kind: &str| {
        let data = json!({ "id": id, "time": "t", "node": 1, "kind": kind, "detail": "soaking" });
        format!("id: {id}\nevent: {kind}\ndata: {data}\n\n")
    };
    let body = match fake.n_streams() {
        1 => event(7, "phase") + "id: 8\ndata: {\"half",
        2 => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => event(8, fake.end),
    };
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

async fn rollout(State(fake): State<Fake>) -> Answer {
    let has_ended = fake.n_streams() > 2;
    let rollout = json!({
        "id": "r", "state": if has_ended { fake.end } else { "running" }, "direction": "forward",
        "target": "b", "base": null, "started_by": "api", "started_at": "2026-11-21T20:00:00Z",
        "ended_at": has_ended.then_some("2026-11-21T20:03:00Z"), "estimated_end": null,
        "nodes": [], "blocker": null, "paused": null, "failure": null, "remedy": "wait",
        "consent": null, "window": null, "probe": null,
    });
    json!({ "rollout": rollout }).to_string().into_response()
}

async fn watched(end: &'static str) -> (Exit, Vec<Option<String>>) {
    let fake = Fake { end, ..Fake::default() };
    let path = "/v1/project/dev/service/my-kafka/rollouts/r";
    let router = Router::new()
        .route(path, get(rollout))
        .route(&format!("{path}/events"), get(events))
        .with_state(fake.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await });
    let api = Api::new(url, Secret::new("t".into()), "dev".into()).unwrap();
    let exit = watch(&api, "my-kafka", "r", true).await.unwrap();
    let asked = fake.asked.lock().unwrap().clone();
    (exit, asked)
}

#[tokio::test]
async fn goes_on_where_it_was_cut_off_until_the_end() {
    let (exit, asked) = watched("done").await;
    assert_eq!(exit, Exit::Done);
    let seven = Some("7".to_owned());
    assert_eq!(asked, [None, seven.clone(), seven]);
}

#[tokio::test]
async fn any_other_end_is_a_failure() {
    assert_eq!(watched("rolled_back").await.0, Exit::Failed);
}
