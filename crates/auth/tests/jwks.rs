//! JWKS addresses over real HTTP: slow ones, broken ones, and those that rotate.
#![expect(clippy::unwrap_used, reason = "a test that panics says where")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auth::{
    AuthError, AuthErrorKind, IssuerConfig, JwksError, JwksReport, KeyRefusal, KeysAt, KeysState,
    Verifier, VerifierConfig,
};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use model::{IdpPolicy, IdpUrl, UrlPolicy};
use testkit::issuer::{Alg, Defect, Issuer, JwksFault, Running, TokenRequest};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

fn url(text: &str) -> IdpUrl {
    IdpUrl::parse(text, UrlPolicy::HttpOnLoopback).unwrap()
}

fn development() -> IdpPolicy {
    IdpPolicy::new(true, Vec::new())
}

async fn probe_jwks(url: &IdpUrl) -> Result<JwksReport, JwksError> {
    auth::probe_jwks(url, &development()).await
}

fn config(running: &Running, keys: KeysAt) -> VerifierConfig {
    let issuer = IssuerConfig {
        issuer: running.url.clone(),
        audiences: vec!["my-audience".to_owned()],
        principal_claim: "custom-sub".to_owned(),
        keys,
    };
    VerifierConfig::of(issuer, development())
}

fn verifier(running: &Running) -> Arc<Verifier> {
    let keys = url(&running.issuer.jwks_url()).into();
    Arc::new(Verifier::new(config(running, keys)).unwrap())
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
    assert_eq!(verifier.verify(&old).await.unwrap_err(), AuthError::UnknownKey);
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
    // Nor does anything else that is wrong with a token.
    for junk in ["", "a.b.c", "e30.e30.e30", &token(&running).replace('.', "")] {
        assert!(verifier.verify(junk).await.is_err());
    }
    for defect in Defect::ALL {
        let bad = running.issuer.mint(&TokenRequest::of("alice").defect(defect.0)).unwrap();
        assert!(verifier.verify(&bad).await.is_err(), "{}", defect.1);
    }
    assert!(running.issuer.jwks_requests() <= 2, "{}", running.issuer.jwks_requests());
    assert!(verifier.verify(&token(&running)).await.is_ok(), "and the good ones go on");
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
        assert_eq!(verifier.verify(&token).await.unwrap_err(), AuthError::UnknownKey);
    }
    assert_eq!(canary.issuer.jwks_requests(), 0);
}

#[tokio::test]
async fn what_is_published_under_a_known_etag_is_not_sent_again() {
    let (asked, matched) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let issuer = Issuer::new("http://127.0.0.1:1").unwrap();
    let jwks = issuer.jwks().to_string();
    let counts = (Arc::clone(&asked), Arc::clone(&matched));
    let answer = async move |headers: HeaderMap| {
        counts.0.fetch_add(1, Ordering::SeqCst);
        if headers.get(header::IF_NONE_MATCH).is_some_and(|it| it == "\"v1\"") {
            counts.1.fetch_add(1, Ordering::SeqCst);
            return StatusCode::NOT_MODIFIED.into_response();
        }
        assert!(headers.get(header::ACCEPT_ENCODING).is_none(), "nothing is unpacked");
        ([(header::ETAG, "\"v1\""), (header::CACHE_CONTROL, "no-store")], jwks).into_response()
    };
    let (base, _server) = serve(Router::new().route("/jwks", get(answer))).await;
    let rules = IssuerConfig {
        issuer: issuer.url().to_owned(),
        audiences: vec!["my-audience".to_owned()],
        principal_claim: "custom-sub".to_owned(),
        keys: url(&format!("{base}/jwks")).into(),
    };
    let mut config = VerifierConfig::of(rules, development());
    config.times.refresh = Duration::from_millis(20);
    config.times.min_refresh = Duration::from_millis(20);
    let verifier = Verifier::new(config).unwrap();
    let token = issuer.mint(&TokenRequest::of("alice")).unwrap();
    let first = verifier.verify(&token).await.unwrap();
    within(async || matched.load(Ordering::SeqCst) >= 3).await;
    assert_eq!(asked.load(Ordering::SeqCst) - matched.load(Ordering::SeqCst), 1);
    let again = verifier.verify(&token).await.unwrap();
    assert!(Arc::ptr_eq(&first, &again), "the same keys: what was verified is remembered");
    assert_eq!(verifier.status()[0].state, KeysState::Fresh);
}

#[tokio::test]
async fn keys_are_found_by_discovery_and_found_again() {
    let running = Issuer::serve().await.unwrap();
    let mut discovering = config(&running, KeysAt::Discovery);
    discovering.times.min_retry = Duration::from_millis(5);
    discovering.times.max_retry = Duration::from_millis(5);
    let verifier = Verifier::new(discovering).unwrap();
    assert!(verifier.verify(&token(&running)).await.is_ok());
    running.issuer.rotate(true).unwrap();
    assert!(verifier.verify(&token(&running)).await.is_ok());
    assert_eq!(running.issuer.jwks_requests(), 2);
}

#[tokio::test]
async fn metadata_has_a_second_place_and_keys_may_move() {
    let idp = Issuer::serve().await.unwrap();
    let place = Arc::new(std::sync::Mutex::new("/gone".to_owned()));
    let (listener_base, _server) = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let issuer = format!("{base}/tenant/");
        let (at, keys) = (Arc::clone(&place), idp.issuer.clone());
        let metadata = async move || {
            let jwks_uri = format!("{}{}", issuer.trim_end_matches("/tenant/"), at.lock().unwrap());
            serde_json::json!({ "issuer": issuer, "jwks_uri": jwks_uri }).to_string()
        };
        let router = Router::new()
            .route("/.well-known/oauth-authorization-server/tenant", get(metadata))
            .route("/moved", get(async move || keys.jwks().to_string()));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        (base, server)
    };
    let issuer = Issuer::new(&format!("{listener_base}/tenant/")).unwrap();
    let rules = IssuerConfig {
        issuer: issuer.url().to_owned(),
        audiences: vec!["my-audience".to_owned()],
        principal_claim: "custom-sub".to_owned(),
        keys: KeysAt::Discovery,
    };
    let mut config = VerifierConfig::of(rules, development());
    config.times.min_retry = Duration::from_millis(5);
    config.times.max_retry = Duration::from_millis(5);
    let verifier = Verifier::new(config).unwrap();
    within(async || verifier.status()[0].failures >= 2).await;
    assert_eq!(verifier.status()[0].state, KeysState::Missing);
    "/moved".clone_into(&mut place.lock().unwrap());
    within(async || verifier.status()[0].state == KeysState::Fresh).await;
}

#[tokio::test]
async fn metadata_of_another_issuer_gives_no_keys() {
    let running = Issuer::serve().await.unwrap();
    let mut other = config(&running, KeysAt::Discovery);
    // The server names itself without the slash.
    other.issuers[0].issuer = format!("{}/", running.url);
    let verifier = Verifier::new(other).unwrap();
    let token = Issuer::new(&format!("{}/", running.url)).unwrap();
    let token = token.mint(&TokenRequest::of("alice")).unwrap();
    assert_eq!(verifier.verify(&token).await.unwrap_err(), AuthError::KeysUnavailable);
    assert_eq!(running.issuer.jwks_requests(), 0);
}

#[tokio::test]
async fn an_internal_address_is_not_asked_unless_the_operator_says_so() {
    let running = Issuer::serve().await.unwrap();
    let jwks = url(&running.issuer.jwks_url());
    let strict = IdpPolicy::default();
    let error = auth::probe_jwks(&jwks, &strict).await.unwrap_err();
    assert!(matches!(error, JwksError::Address), "{error}");
    // By name, which only the resolver can know.
    let by_name = url(&running.issuer.jwks_url().replace("127.0.0.1", "localhost"));
    let error = auth::probe_jwks(&by_name, &strict).await.unwrap_err();
    assert!(matches!(error, JwksError::Address), "{error}");
    let metadata = IdpUrl::parse("https://169.254.169.254/latest/", UrlPolicy::HttpsOnly).unwrap();
    let everywhere = IdpPolicy::new(true, vec!["0.0.0.0/0".parse().unwrap()]);
    let error = auth::probe_jwks(&metadata, &everywhere).await.unwrap_err();
    assert!(matches!(error, JwksError::Address), "{error}");
    assert_eq!(running.issuer.jwks_requests(), 0);

    assert!(auth::probe_jwks(&by_name, &development()).await.is_ok());
    let of_the_house = IdpPolicy::new(false, vec!["127.0.0.0/8".parse().unwrap()]);
    assert!(auth::probe_jwks(&jwks, &of_the_house).await.is_ok());

    let mut refused = config(&running, jwks.into());
    refused.policy = strict;
    let verifier = Verifier::new(refused).unwrap();
    let error = verifier.verify(&token(&running)).await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
    assert_eq!(running.issuer.jwks_requests(), 2);
}

#[tokio::test]
async fn a_remembered_token_ends_with_its_key() {
    let running = Issuer::serve().await.unwrap();
    let verifier = verifier(&running);
    let old = token(&running);
    let first = verifier.verify(&old).await.unwrap();
    assert!(Arc::ptr_eq(&first, &verifier.verify(&old).await.unwrap()));
    running.issuer.rotate(false).unwrap();
    assert!(verifier.verify(&token(&running)).await.is_ok());
    assert_eq!(verifier.verify(&old).await.unwrap_err(), AuthError::UnknownKey);
}

#[tokio::test]
async fn a_remembered_token_ends_when_it_expires() {
    let running = Issuer::serve().await.unwrap();
    let verifier = verifier(&running);
    let short = running.issuer.mint(&TokenRequest::of("alice").ttl_secs(2)).unwrap();
    let first = verifier.verify(&short).await.unwrap();
    within(async || model::Timestamp::now() >= first.expires_at).await;
    assert_eq!(verifier.verify(&short).await.unwrap_err(), AuthError::Expired);
}

#[tokio::test]
async fn a_verifier_does_not_wait_for_its_keys() {
    let rules = IssuerConfig {
        issuer: "http://127.0.0.1:1".to_owned(),
        audiences: vec!["a".to_owned()],
        principal_claim: "sub".to_owned(),
        keys: url("http://127.0.0.1:1/jwks").into(),
    };
    let verifier = Verifier::new(VerifierConfig::of(rules, development())).unwrap();
    assert_eq!(verifier.status()[0].state, KeysState::Missing);
    let token = Issuer::new("http://127.0.0.1:1").unwrap().mint(&TokenRequest::of("a")).unwrap();
    assert_eq!(verifier.verify(&token).await.unwrap_err(), AuthError::KeysUnavailable);
}

/// Waits until it is so, for ten seconds.
async fn within(mut so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap();
}
