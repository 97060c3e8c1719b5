//! Who gets in, what the others are told, and what nobody sees of another.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use model::RestSettings;
use testkit::issuer::{Issuer, TokenRequest};

use super::*;
use crate::config::Limits;
use crate::shared::locked;

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{username}:{password}")))
}

fn request(method: &str, path: &str, authorization: &[&str], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, JSON);
    for value in authorization {
        request = request.header(AUTHORIZATION, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

fn secured() -> RestSettings {
    let oidc = Some(testing::oidc("http://127.0.0.1:1", "a"));
    RestSettings { authorization: true, oidc, ..testing::settings("127.0.0.1:1") }
}

/// A proxy of a cluster that lets in tokens, and who has this password. Counts the questions.
fn guarded(wanted: RestSettings, limits: Limits) -> (App, Arc<Mutex<String>>, Arc<AtomicUsize>) {
    let (password, asked) = (Arc::new(Mutex::new("right".to_owned())), Arc::default());
    let directories = testing::guarded(&password, &asked);
    (testing::app_with(wanted, limits, directories), password, asked)
}

#[tokio::test]
async fn every_way_to_fail_has_its_status_and_challenge() {
    let public_url = Some("https://h/kafka".to_owned());
    let mut limits = testing::limits();
    limits.edge.public_url = public_url;
    let mut table = String::new();
    for basic_auth in [true, false] {
        let (app, ..) = guarded(secured(), Limits { basic_auth, ..limits.clone() });
        let wrong = basic("alice", "wrong");
        let cases: [(&str, &str, &[&str]); 8] = [
            ("none", "/topics", &[]),
            ("other scheme", "/topics", &["Digest x"]),
            ("malformed", "/topics", &["Bearer a b"]),
            ("malformed basic", "/topics", &["Basic ?"]),
            ("twice", "/topics", &["Bearer a", "Bearer a"]),
            ("in the query", "/topics?access_token=a.b.c", &[]),
            ("bad token", "/topics", &["Bearer junk"]),
            ("wrong password", "/topics", &[&wrong]),
        ];
        writeln!(table, "passwords: {basic_auth}").unwrap();
        for (name, path, authorization) in cases {
            let answer = send(&app, request("GET", path, authorization, "")).await;
            let ways = answer.headers.get_all(WWW_AUTHENTICATE).iter();
            let ways: Vec<&str> = ways.map(|it| it.to_str().unwrap()).collect();
            writeln!(table, "{name}: {} {}", answer.status.as_u16(), ways.join(" & ")).unwrap();
            if answer.status == StatusCode::UNAUTHORIZED {
                assert_eq!(answer.headers[CACHE_CONTROL], "no-store", "{name}");
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn oauth_clients_are_told_where_tokens_come_from() {
    let path = "/.well-known/oauth-protected-resource";
    let public_url = Some("https://h/kafka/".to_owned());
    let mut limits = testing::limits();
    limits.edge.public_url = public_url;
    let (app, ..) = guarded(secured(), limits.clone());
    let answer = get(&app, path).await;
    assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
    assert_eq!(answer.headers[CACHE_CONTROL], "public, max-age=300");
    insta::assert_snapshot!(answer.text, @r#"{"resource":"https://h/kafka","authorization_servers":["http://127.0.0.1:1"],"bearer_methods_supported":["header"],"resource_name":"Kafka REST"}"#);
    assert_eq!(get(&app, &format!("{path}/kafka")).await.text, answer.text);

    let (app, ..) = guarded(secured(), testing::limits());
    assert_eq!(get(&app, path).await.status, StatusCode::NOT_FOUND, "no public URL");
    let (app, ..) = guarded(testing::settings("127.0.0.1:1"), limits);
    assert_eq!(get(&app, path).await.status, StatusCode::NOT_FOUND, "nothing is protected");
}

#[tokio::test]
async fn a_service_user_comes_with_the_password_until_it_is_changed() {
    let limits = Limits { password_check_secs: 1, refusal_retry_ms: 1, ..testing::limits() };
    let (app, password, asked) = guarded(secured(), limits);
    let topics = async |it: &str| {
        send(&app, request("GET", "/topics", &[&basic("alice", it)], "")).await.status.as_u16()
    };
    assert_eq!((topics("right").await, topics("wrong").await), (200, 401));
    let before = asked.load(Ordering::Relaxed);
    assert_eq!((topics("wrong").await, topics(" right").await), (401, 401));
    assert_eq!(asked.load(Ordering::Relaxed), before + 1, "a wrong one is remembered");
    assert_eq!(topics("right").await, 200);
    for name in [" rest-proxy", "a,b", ""] {
        let asked_before = asked.load(Ordering::Relaxed);
        let answer = send(&app, request("GET", "/topics", &[&basic(name, "right")], "")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        assert_eq!(asked.load(Ordering::Relaxed), asked_before, "no service user: {name}");
    }
    "new".clone_into(&mut locked(&password));
    assert_eq!(topics("new").await, 200);
    assert_eq!(topics("right").await, 401);
    testing::NOBODYS.clone_into(&mut locked(&password));
    while topics("new").await == 200 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(topics("new").await, 401, "a user who was removed is out");
}

#[tokio::test]
async fn nobody_sees_or_touches_anothers_consumer_whatever_its_name() {
    let idp = Issuer::serve().await.unwrap();
    let (app, ..) = guarded(testing::secured("127.0.0.1:1", &idp), testing::limits());
    let bearer = |it: &str| format!("Bearer {}", idp.issuer.mint(&TokenRequest::of(it)).unwrap());
    let callers = [bearer("alice"), bearer("bob"), basic("alice", "right")];
    let create = |caller: &str, name: &str| {
        let body = json!({ "name": name }).to_string();
        send(&app, request("POST", "/consumers/g", &[caller], &body))
    };
    for (number, caller) in callers.iter().enumerate() {
        assert_eq!(create(caller, "same").await.status, StatusCode::OK);
        assert_eq!(create(caller, &format!("only-{number}")).await.status, StatusCode::OK);
    }
    let endpoints = [
        ("GET", "/subscription", ""),
        ("POST", "/subscription", r#"{"topics":["orders"]}"#),
        ("DELETE", "/subscription", ""),
        ("GET", "/records", ""),
        ("GET", "/offsets", r#"{"partitions":[{"topic":"orders","partition":0}]}"#),
        ("POST", "/offsets", "{}"),
        ("DELETE", "", ""),
    ];
    for (asking, caller) in callers.iter().enumerate() {
        for owning in (0..callers.len()).filter(|it| *it != asking) {
            for (method, path, body) in endpoints {
                let path = format!("/consumers/g/instances/only-{owning}{path}");
                let answer = send(&app, request(method, &path, &[caller], body)).await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{asking}: {method} {path}");
                let nobody = format!("Consumer for ('g', 'only-{owning}') not found");
                assert_eq!(answer.json()["message"], nobody, "as if there were none");
            }
        }
    }
    let same = "/consumers/g/instances/same";
    for caller in &callers {
        let deleted = send(&app, request("DELETE", same, &[caller], "")).await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT, "each has its own");
    }
}

#[tokio::test]
async fn too_much_of_one_request_is_413() {
    let limits =
        Limits { max_records_per_request: 2, max_consumer_body_bytes: 100, ..testing::limits() };
    let (app, ..) = guarded(testing::settings("127.0.0.1:1"), limits);
    let records = json!({"records": [{"value": 1}, {"value": 2}, {"value": 3}]});
    let many = post(&app, "/topics/orders", &records).await;
    insta::assert_snapshot!(many.text, @r#"{"error_code":413,"message":"The request has more than 2 records"}"#);
    assert_eq!(many.status, StatusCode::PAYLOAD_TOO_LARGE);
    let large = post(&app, "/consumers/g", &json!({"name": "x".repeat(100)})).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(post(&app, "/consumers/g", &json!({"name": "x"})).await.status, StatusCode::OK);
}
