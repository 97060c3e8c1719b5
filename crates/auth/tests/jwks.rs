//! JWKS addresses over real HTTP: slow ones, broken ones, and those that rotate.
#![expect(clippy::unwrap_used, reason = "a test that panics says where")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth::{AuthError, AuthErrorKind, JwksError, KeyRefusal, Verifier, VerifierConfig, probe_jwks};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use model::{IdpUrl, UrlPolicy};
use testkit::issuer::{Alg, Issuer, JwksFault, Running, TokenRequest};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

fn url(text: &str) -> IdpUrl {
    IdpUrl::parse(text, UrlPolicy::HttpOnLoopback).unwrap()
}

fn verifier(running: &Running) -> Arc<Verifier> {
    let config = VerifierConfig {
        issuer: running.url.clone(),
        audiences: vec!["my-audience".to_owned()],
        principal_claim: "custom-sub".to_owned(),
        jwks_url: url(&running.issuer.jwks_url()),
    };
    Arc::new(Verifier::new(config).unwrap())
}

fn token(running: &Running) -> String {
    running.issuer.mint(&TokenRequest::of("alice")).unwrap()
}

/// A rightly signed token with a `kid` of its own.
fn token_with_kid(running: &Running, kid: &str) -> String {
    let mut header = running.issuer.header(Alg::Es256);
    header.insert("kid".to_owned(), kid.into());
    let header = serde_json::to_vec(&header).unwrap();
    let claims = running.issuer.claims(&TokenRequest::of("alice"));
    running.issuer.sign(Alg::Es256, &header, &serde_json::to_vec(&claims).unwrap()).unwrap()
}

/// Serves `router` on a free port until the set is dropped.
async fn serve(router: Router) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (base, server)
}

async fn probe(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> JwksError {
    let (base, _server) = serve(Router::new().route("/jwks", get(async move || answer()))).await;
    probe_jwks(&url(&format!("{base}/jwks"))).await.unwrap_err()
}

/// Pieces of 16 kB, for ever unless `pieces` says otherwise; no length is announced.
fn pieces(count: usize) -> Response {
    let pieces = (0..count).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 16_000])));
    Body::from_stream(futures::stream::iter(pieces)).into_response()
}

#[tokio::test]
async fn a_probe_tells_what_each_key_is_worth() {
    let running = Issuer::serve().await.unwrap();
    let jwks = url(&running.issuer.jwks_url());
    let report = probe_jwks(&jwks).await.unwrap();
    assert_eq!((report.keys.len(), report.usable()), (3, 3));
    assert_eq!(report.keys[0].kid.as_deref(), Some(running.issuer.key(Alg::Rs256).kid()));

    running.issuer.set_jwks_fault(JwksFault::EncOnly);
    let report = probe_jwks(&jwks).await.unwrap();
    assert_eq!(report.usable(), 0);
    assert!(report.keys.iter().all(|key| key.refused == Some(KeyRefusal::NotForSignatures)));

    running.issuer.set_jwks_fault(JwksFault::Empty);
    assert_eq!(probe_jwks(&jwks).await.unwrap().usable(), 0);
    running.issuer.set_jwks_fault(JwksFault::NotJson);
    assert!(matches!(probe_jwks(&jwks).await, Err(JwksError::NotJwks)));
    running.issuer.set_jwks_fault(JwksFault::Unreachable500);
    assert!(matches!(probe_jwks(&jwks).await, Err(JwksError::Status(500))));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let canary = Router::new().route(
        "/",
        get(async move || {
            count.fetch_add(1, Ordering::SeqCst);
            "{}"
        }),
    );
    let (canary, _server) = serve(canary).await;
    let error = probe(move || Redirect::temporary(&canary).into_response()).await;
    assert!(matches!(error, JwksError::Redirect(307)), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_answer_is_read_up_to_a_limit() {
    let announced = probe(|| "x".repeat(10 << 20).into_response()).await;
    assert!(matches!(announced, JwksError::TooLarge), "{announced}");
    let endless = probe(|| pieces(usize::MAX)).await;
    assert!(matches!(endless, JwksError::TooLarge), "{endless}");
    let small = probe(|| pieces(3)).await;
    assert!(matches!(small, JwksError::NotJwks), "{small}");
}

#[tokio::test]
async fn what_else_can_go_wrong() {
    let missing = probe(|| StatusCode::NOT_FOUND.into_response()).await;
    assert!(matches!(missing, JwksError::Status(404)), "{missing}");
    let no_content = probe(|| StatusCode::NO_CONTENT.into_response()).await;
    assert!(matches!(no_content, JwksError::Status(204)), "{no_content}");
    // Not unpacked, whatever it would become.
    let packed = probe(|| ([(header::CONTENT_ENCODING, "gzip")], [0x1f_u8, 0x8b]).into_response());
    assert!(matches!(packed.await, JwksError::NotJwks));
    let closed = probe_jwks(&url("http://127.0.0.1:1/jwks")).await.unwrap_err();
    assert!(matches!(closed, JwksError::Unreachable(_)), "{closed}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let (base, _server) =
        serve(Router::new().route("/jwks", get(std::future::pending::<String>))).await;
    let error = probe_jwks(&url(&format!("{base}/jwks"))).await.unwrap_err();
    assert!(matches!(error, JwksError::Timeout), "{error}");
}

#[tokio::test]
async fn a_rotation_is_noticed_by_the_first_token_and_costs_one_request() {
    let running = Issuer::serve().await.unwrap();
    let verifier = verifier(&running);
    let old = token(&running);
    assert!(verifier.verify(&old).await.is_ok());
    assert_eq!(running.issuer.jwks_requests(), 1);

    running.issuer.rotate(true).unwrap();
    let new = token(&running);
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let (verifier, new) = (Arc::clone(&verifier), new.clone());
        requests.spawn(async move { verifier.verify(&new).await.is_ok() });
    }
    assert!(requests.join_all().await.into_iter().all(|accepted| accepted));
    assert_eq!(running.issuer.jwks_requests(), 2);
    assert!(verifier.verify(&old).await.is_ok(), "the old key is still published");
}

#[tokio::test]
async fn a_rotation_without_overlap_ends_the_old_tokens() {
    let running = Issuer::serve().await.unwrap();
    let verifier = verifier(&running);
    let old = token(&running);
    assert!(verifier.verify(&old).await.is_ok());
    running.issuer.rotate(false).unwrap();
    assert!(verifier.verify(&token(&running)).await.is_ok());
    assert_eq!(verifier.verify(&old).await, Err(AuthError::UnknownKey));
}

#[tokio::test]
async fn a_flood_of_unknown_kids_costs_one_request() {
    let running = Issuer::serve().await.unwrap();
    let verifier = verifier(&running);
    assert!(verifier.verify(&token(&running)).await.is_ok());
    let mut requests = JoinSet::new();
    for n in 0..1000 {
        let (verifier, junk) = (Arc::clone(&verifier), token_with_kid(&running, &format!("k{n}")));
        requests.spawn(async move { verifier.verify(&junk).await });
    }
    let answers = requests.join_all().await;
    assert!(answers.into_iter().all(|answer| answer == Err(AuthError::UnknownKey)));
    assert!(running.issuer.jwks_requests() <= 2, "{}", running.issuer.jwks_requests());
}

#[tokio::test]
async fn an_identity_provider_that_is_down_at_first_is_found_when_it_is_up() {
    let running = Issuer::serve().await.unwrap();
    running.issuer.set_jwks_fault(JwksFault::Unreachable500);
    let verifier = verifier(&running);
    let refused = verifier.verify(&token(&running)).await.unwrap_err();
    assert_eq!(refused.kind(), AuthErrorKind::Unavailable);
    running.issuer.set_jwks_fault(JwksFault::None);
    let until_accepted = async {
        while verifier.verify(&token(&running)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), until_accepted).await.unwrap();
}

#[tokio::test]
async fn an_identity_provider_that_goes_down_does_not_take_its_tokens_along() {
    let faults =
        [JwksFault::Unreachable500, JwksFault::Empty, JwksFault::EncOnly, JwksFault::NotJson];
    let running = Issuer::serve().await.unwrap();
    for fault in faults {
        running.issuer.set_jwks_fault(JwksFault::None);
        let verifier = verifier(&running);
        assert!(verifier.verify(&token(&running)).await.is_ok());
        running.issuer.set_jwks_fault(fault);
        let before = running.issuer.jwks_requests();
        let unknown = verifier.verify(&token_with_kid(&running, "unknown")).await;
        assert_eq!(unknown, Err(AuthError::UnknownKey));
        assert_eq!(running.issuer.jwks_requests(), before + 1, "it looked again");
        assert!(verifier.verify(&token(&running)).await.is_ok(), "{fault:?}");
    }
}

#[tokio::test]
async fn no_token_makes_us_ask_an_address_of_its_own() {
    let running = Issuer::serve().await.unwrap();
    let verifier = verifier(&running);
    let canary = Issuer::serve().await.unwrap();
    let address = canary.issuer.jwks_url();
    for kid in ["", canary.issuer.key(Alg::Rs256).kid(), &address] {
        let header = serde_json::json!({
            "alg": "RS256", "kid": kid, "jku": address, "x5u": address,
            "jwk": canary.issuer.key(Alg::Rs256).jwk(),
        });
        let claims =
            serde_json::to_vec(&running.issuer.claims(&TokenRequest::of("alice"))).unwrap();
        let header = serde_json::to_vec(&header).unwrap();
        let token = canary.issuer.sign(Alg::Rs256, &header, &claims).unwrap();
        assert_eq!(verifier.verify(&token).await, Err(AuthError::UnknownKey));
    }
    assert_eq!(canary.issuer.jwks_requests(), 0);
}
