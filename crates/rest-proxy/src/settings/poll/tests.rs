//! The long poll, against a stub of the control plane.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use tokio::time::{sleep, timeout};

use super::*;
use crate::shared::locked;
use crate::testing;

/// What the stub answers with, and what it was asked.
#[derive(Clone, Default)]
struct Stub(Arc<Mutex<(u32, Vec<String>)>>);

async fn settings(State(stub): State<Stub>, headers: HeaderMap) -> Response {
    let text = |name: &str| headers.get(name).map_or("-", |it| it.to_str().unwrap()).to_owned();
    let linger_ms = {
        let mut seen = locked(&stub.0);
        seen.1.push(format!("{} {}", text("if-none-match"), text("prefer")));
        seen.0
    };
    if text("authorization") != "Bearer second" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let etag = format!("\"{linger_ms}\"");
    if text("if-none-match") == etag {
        sleep(Duration::from_millis(50)).await;
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let mut settings = testing::settings("127.0.0.1:1");
    settings.producer.linger_ms = linger_ms;
    ([(ETAG, etag)], serde_json::to_vec(&settings).unwrap()).into_response()
}

async fn linger(settings: &Settings, expected: u32) {
    let seen = async {
        loop {
            match settings.active() {
                Some(it) if it.settings.producer.linger_ms == expected => return,
                _ => sleep(Duration::from_millis(10)).await,
            }
        }
    };
    timeout(Duration::from_secs(10), seen).await.unwrap();
}

#[tokio::test]
async fn a_change_is_in_force_within_two_seconds_and_a_new_token_is_read() {
    let stub = Stub::default();
    let router =
        Router::new().route("/v1/rest-proxy/settings", get(settings)).with_state(stub.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = tokio_util::task::TaskTracker::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });

    let token_file = std::env::temp_dir().join(format!("rest-proxy-{}", uuid::Uuid::new_v4()));
    tokio::fs::write(&token_file, "first\n").await.unwrap();
    let settings = Settings::new(testing::idp());
    let config = PollConfig {
        control_plane: format!("http://{address}/").parse().unwrap(),
        token_file: token_file.clone(),
    };
    let stop = CancellationToken::new();
    tasks.spawn(follow(settings.clone(), config, stop.clone()));
    sleep(Duration::from_millis(300)).await;
    assert!(settings.active().is_none(), "the first token is refused");
    tokio::fs::write(&token_file, "second\n").await.unwrap();
    linger(&settings, 0).await;

    locked(&stub.0).0 = 7;
    timeout(Duration::from_secs(2), linger(&settings, 7)).await.unwrap();
    let asked = locked(&stub.0).1.clone();
    assert!(asked.contains(&"\"0\" wait=20".to_owned()), "{asked:?}");
    stop.cancel();
    tokio::fs::remove_file(&token_file).await.unwrap();
}
