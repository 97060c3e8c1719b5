//! What is remembered of whom, and what the control plane is told of it.

use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use testkit::issuer::{Issuer, TokenRequest};
use tokio_util::task::TaskTracker;

use super::*;
use crate::settings::{ControlPlane, PollConfig, Settings};
use crate::shared::locked;
use crate::testing;

fn asker(name: &str) -> Asker {
    Asker { principal: Some(name.into()), proven: true }
}

fn seen() -> Seen {
    Seen::new(Metrics::new())
}

/// What is due, in words.
fn due(seen: &Seen, all: bool) -> Vec<String> {
    let mut uses: Vec<String> = seen.due(all).uses.iter().map(words).collect();
    uses.sort();
    uses
}

fn words(it: &SeenUse) -> String {
    let name = it.principal.as_ref().map_or("nobody", |it| it.0.as_str());
    let said = if it.proven || it.principal.is_none() { "" } else { "?" };
    let (operation, kind) = (it.operation.as_str(), it.resource_type.as_str());
    format!("{name}{said}: {operation} {kind} {}", it.resource_name)
}

#[test]
fn a_use_is_told_once_and_again_when_it_has_gone_on_for_a_while() {
    let seen = seen();
    let said = Asker { principal: Some("alice".into()), proven: false };
    for _ in 0..3 {
        seen.topic(&asker("alice"), "t", AclOperation::Write);
        seen.topic(&said, "t", AclOperation::Write);
        seen.topic(&Asker::default(), "t", AclOperation::Write);
        seen.group(&asker("alice"), "t", AclOperation::Read);
    }
    let expected = [
        "alice: Read Group t",
        "alice: Write Topic t",
        "alice?: Write Topic t",
        "nobody: Write Topic t",
    ];
    assert_eq!(due(&seen, false), expected);
    assert_eq!(due(&seen, false), expected, "until it was told");
    seen.told(&seen.due(false));
    assert!(due(&seen, false).is_empty() && due(&seen, true).is_empty());

    let (_, times) =
        seen.uses.iter().find(|(it, _)| it.resource_type == ResourceType::Group).unwrap();
    let told = times.told.load(Ordering::Relaxed);
    times.last.store(told + AGAIN_MS - 1, Ordering::Relaxed);
    assert!(due(&seen, false).is_empty());
    assert_eq!(due(&seen, true), ["alice: Read Group t"], "at the end all is told");
    times.last.store(told + AGAIN_MS, Ordering::Relaxed);
    assert_eq!(due(&seen, false), ["alice: Read Group t"]);
}

#[test]
fn what_the_control_plane_would_not_take_is_not_told() {
    let seen = seen();
    seen.group(&asker("alice"), "a\nb", AclOperation::Read);
    seen.group(&asker("alice"), &"g".repeat(257), AclOperation::Read);
    seen.topic(&asker(" rest-proxy"), "t", AclOperation::Read);
    assert!(due(&seen, true).is_empty());
}

#[test]
fn there_are_never_more_than_the_bound_and_what_goes_untold_is_counted() {
    let seen = seen();
    let total = MOST_USES * 2;
    for it in 0..total {
        seen.topic(&asker("alice"), &format!("t{it}"), AclOperation::Write);
    }
    let (kept, report) = (seen.uses.len(), seen.due(false));
    assert!(kept <= MOST_USES && kept > MOST_USES / 2, "{kept}");
    assert_eq!((report.uses.len(), report.check()), (PART.0, Ok(())));
    assert_eq!(seen.metrics.forgotten() + kept as u64, total as u64);
}

/// What the stub of the control plane was told, and how it answers.
#[derive(Clone, Default)]
struct Stub(Arc<Mutex<(StatusCode, Vec<SeenReport>)>>);

async fn take(State(stub): State<Stub>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["authorization"], "Bearer token");
    let mut told = locked(&stub.0);
    if told.0.is_success() {
        told.1.push(serde_json::from_slice(&body).unwrap());
    }
    told.0
}

#[tokio::test]
async fn what_could_not_be_told_is_told_later_and_what_is_refused_is_not() {
    let stub = Stub::default();
    let router = Router::new().route("/v1/rest-proxy/seen", post(take)).with_state(stub.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = TaskTracker::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    let token_file = std::env::temp_dir().join(format!("rest-proxy-{}", uuid::Uuid::new_v4()));
    tokio::fs::write(&token_file, "token\n").await.unwrap();
    let mut control_plane = ControlPlane::new(PollConfig {
        control_plane: format!("http://{address}/").parse().unwrap(),
        token_file: token_file.clone(),
    });

    let seen = seen();
    let many = PART.0 + 1;
    for it in 0..many {
        seen.topic(&asker("alice"), &format!("t{it}"), AclOperation::Write);
    }
    locked(&stub.0).0 = StatusCode::SERVICE_UNAVAILABLE;
    seen.tell(&mut control_plane, false).await.unwrap_err();
    locked(&stub.0).0 = StatusCode::OK;
    seen.tell(&mut control_plane, false).await.unwrap();
    let told = std::mem::take(&mut locked(&stub.0).1);
    assert_eq!(told.iter().map(|it| it.uses.len()).collect::<Vec<_>>(), [PART.0, 1]);
    seen.tell(&mut control_plane, true).await.unwrap();
    assert!(locked(&stub.0).1.is_empty(), "nothing is told twice");

    seen.topic(&asker("bob"), "t", AclOperation::Write);
    locked(&stub.0).0 = StatusCode::BAD_REQUEST;
    seen.tell(&mut control_plane, false).await.unwrap();
    assert_eq!((seen.metrics.forgotten(), due(&seen, true).len()), (1, 0));
    tokio::fs::remove_file(&token_file).await.unwrap();
}

#[tokio::test]
async fn claims_are_told_again_as_soon_as_others_are_watched() {
    let idp = Issuer::serve().await.unwrap();
    let (seen, settings) = (seen(), Settings::new(testing::idp()));
    let mut wanted = testing::secured("127.0.0.1:1", &idp);
    let token = idp.issuer.mint(&TokenRequest::of("alice")).unwrap();
    let mut comes = async |watched: &[&str]| {
        wanted.watched_claims = watched.iter().map(|&it| it.to_owned()).collect();
        settings.apply(wanted.clone());
        let active = settings.active().unwrap();
        let verified = active.verifier.as_ref().unwrap().verify(&token).await.unwrap();
        seen.claims(&verified, &token, &active.told_claims);
        let report = seen.due(false);
        seen.told(&report);
        assert_eq!(report.check(), Ok(()));
        let mut claims = report.claims.into_iter();
        assert!(claims.len() <= 1);
        let words = |it: SeenClaims| {
            let custom = it.claims.get("custom-sub").map_or("-", String::as_str);
            format!("{} {custom} {:?}", it.claims["client_id"], it.absent)
        };
        claims.next().map(words)
    };
    assert_eq!(comes(&[]).await.unwrap(), "alice - {}", "no value that nobody asked for");
    assert_eq!(comes(&[]).await, None);
    let told = comes(&["badge", "custom-sub"]).await.unwrap();
    assert_eq!(told, r#"alice alice {"badge"}"#);
    assert_eq!(comes(&["badge", "custom-sub"]).await, None, "it is told once");
    assert_eq!(comes(&["custom-sub"]).await.unwrap(), "alice alice {}");
    assert_eq!(comes(&[]).await.unwrap(), "alice - {}");
}
