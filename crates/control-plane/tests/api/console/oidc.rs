//! Signing in at an identity provider, a real one (`testkit`'s) over HTTP.

use std::sync::Arc;

use control_plane::{ConsoleSettings, OidcAccess, OidcAccessError, OidcOptions, Settings, alarm};
use http::StatusCode;
use http::header::{LOCATION, SET_COOKIE};
use model::IdpPolicy;
use reqwest::{Client, Url, redirect};
use sqlx::PgPool;
use testkit::issuer::Issuer;
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

use super::OVERVIEW;
use super::browser::{Browser, Seen};
use crate::harness::{Api, settings};

const PUBLIC: &str = "http://127.0.0.1:8080/";
const NOT_BEGUN: &str = "was not begun in this browser";

fn options(issuer: &str) -> OidcOptions {
    OidcOptions {
        oidc_issuer: Some(issuer.to_owned()),
        oidc_audience: vec!["tidegate".to_owned()],
        oidc_name_claim: "sub".to_owned(),
        oidc_roles_claim: "groups".to_owned(),
        oidc_roles: vec!["ops=dev:operator".parse().unwrap()],
        oidc_client_id: Some("console".to_owned()),
        ..OidcOptions::default()
    }
}

async fn with_idp(pool: &PgPool, issuer: &str) -> Api {
    let api = Api::with_service(pool).await;
    let public_url: Url = PUBLIC.parse().unwrap();
    let policy = IdpPolicy::new(true, Vec::new());
    let oidc = OidcAccess::new(&options(issuer), &policy, Some(&public_url)).unwrap();
    let console = ConsoleSettings { public_url: Some(public_url), ..ConsoleSettings::default() };
    let wake = alarm(CancellationToken::new()).1;
    Api::of(api.store, Settings { console, ..settings() }, wake, oidc.map(Arc::new))
}

/// Begins to sign in, and returns the address of the identity provider.
async fn away(browser: &mut Browser<'_>) -> Url {
    let path = format!("/console/sign-in/oidc?return_to={OVERVIEW}");
    let sent = browser.get(&path).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    sent.header(LOCATION).parse().unwrap()
}

/// What somebody does there, and the path that they are sent back to.
async fn at_idp(address: &Url, field: (&str, &str)) -> String {
    let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    let mut form: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    form.push((field.0.to_owned(), field.1.to_owned()));
    let mut bare = address.clone();
    bare.set_query(None);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = client.post(bare).header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(body).send().await.unwrap();
    let back = answer.headers()[LOCATION].to_str().unwrap();
    format!("/{}", back.strip_prefix(PUBLIC).unwrap())
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn somebody_signs_in_at_the_identity_provider_with_the_roles_of_their_groups(pool: PgPool) {
    let issuer = Issuer::serve().await.unwrap();
    let api = with_idp(&pool, &issuer.url).await;
    let mut browser = Browser::new(&api);
    assert!(browser.get("/console/sign-in").await.has("Sign in with 127.0.0.1"));
    let address = away(&mut browser).await;
    let pairs: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    let value = |name: &str| pairs.iter().find(|(it, _)| it == name).map(|(_, it)| it.as_str());
    assert_eq!(value("code_challenge_method"), Some("S256"));
    assert_eq!(value("redirect_uri"), Some("http://127.0.0.1:8080/console/sign-in/callback"));
    assert!(value("nonce").unwrap().len() > 40 && value("state").unwrap().len() > 40);
    let back = at_idp(&address, ("username", "ada")).await;
    let answer = browser.get(&back).await;
    assert_eq!((answer.status, answer.header(LOCATION)), (StatusCode::SEE_OTHER, OVERVIEW));
    assert!(browser.get(OVERVIEW).await.has("oidc:ada"));
    assert_eq!(browser.events().await, ["console_sign_in"]);
    let mut again = Browser::new(&api);
    again.cookie = browser.cookie.clone();
    assert!(again.get(&back).await.has(NOT_BEGUN), "a code is good once");
    // Whoever has no role sees nothing.
    let mut eve = Browser::new(&api);
    let back = at_idp(&away(&mut eve).await, ("username", "eve")).await;
    assert_eq!(eve.get(&back).await.status, StatusCode::SEE_OTHER);
    assert_eq!(eve.get(OVERVIEW).await.status, StatusCode::NOT_FOUND);
    assert!(eve.get("/console").await.has("You have no role in any project."));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn who_comes_back_without_having_gone_is_refused_in_words(pool: PgPool) {
    let issuer = Issuer::serve().await.unwrap();
    let api = with_idp(&pool, &issuer.url).await;
    let refused = |seen: &Seen, words: &str| {
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED, "{}", seen.body);
        assert!(seen.has(words) && seen.has("Sign in with"), "{}", seen.body);
        assert!(
            !seen
                .headers
                .get_all(SET_COOKIE)
                .iter()
                .any(|it| { it.to_str().unwrap().starts_with("tidegate-session=") })
        );
    };
    // Another browser: somebody is to be signed in as somebody else.
    let mut victim = Browser::new(&api);
    let mut attacker = Browser::new(&api);
    let back = at_idp(&away(&mut attacker).await, ("username", "ada")).await;
    refused(&victim.get(&back).await, NOT_BEGUN);
    away(&mut victim).await;
    refused(&victim.get(&back).await, NOT_BEGUN);
    assert_eq!(attacker.get(&back).await.status, StatusCode::SEE_OTHER, "it was good");
    // They did not want to.
    let mut browser = Browser::new(&api);
    let back = at_idp(&away(&mut browser).await, ("denied", "true")).await;
    refused(&browser.get(&back).await, "The identity provider says no: access_denied");
    // A code of nobody, an answer of another issuer, and too late.
    for (change, words) in [
        (("code", "wrong"), "The identity provider gives no token: invalid_grant"),
        (("iss", "https://evil.example"), "is of another identity provider"),
        (("state", "wrong"), NOT_BEGUN),
    ] {
        let mut browser = Browser::new(&api);
        let back = at_idp(&away(&mut browser).await, ("username", "ada")).await;
        let mut url: Url = format!("http://127.0.0.1{back}").parse().unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let changed = pairs.into_iter().map(|(name, it)| {
            let it = if name == change.0 { change.1.to_owned() } else { it };
            (name, it)
        });
        url.query_pairs_mut().clear().extend_pairs(changed.collect::<Vec<_>>());
        let path = format!("{}?{}", url.path(), url.query().unwrap());
        refused(&browser.get(&path).await, words);
    }
    let mut late = Browser::new(&api);
    let back = at_idp(&away(&mut late).await, ("username", "ada")).await;
    sqlx::query("update console_sign_in set created_at = created_at - interval '10 minutes'")
        .execute(&pool)
        .await
        .unwrap();
    refused(&late.get(&back).await, NOT_BEGUN);
    let events = late.events().await;
    assert_eq!(events.iter().filter(|it| *it == "console_sign_in_refused").count(), 7);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_wrong_nonce_opens_nothing(pool: PgPool) {
    let issuer = Issuer::serve().await.unwrap();
    let api = with_idp(&pool, &issuer.url).await;
    let mut browser = Browser::new(&api);
    let back = at_idp(&away(&mut browser).await, ("username", "ada")).await;
    sqlx::query("update console_sign_in set nonce = 'other'").execute(&pool).await.unwrap();
    let answer = browser.get(&back).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.has("the token is of another sign-in"), "{}", answer.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_identity_provider_that_is_away_is_said_to_be(pool: PgPool) {
    let api = with_idp(&pool, "http://127.0.0.1:1").await;
    let mut browser = Browser::new(&api);
    let answer = browser.get("/console/sign-in/oidc").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.has("The identity provider cannot be reached at the moment"));
    let wake = alarm(CancellationToken::new()).1;
    let without = Api::of(api.store.clone(), settings(), wake, None);
    let answer = Browser::new(&without).get("/console/sign-in/oidc").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn people_need_a_way_back() {
    let policy = IdpPolicy::new(true, Vec::new());
    let error = OidcAccess::new(&options("http://127.0.0.1:1"), &policy, None).unwrap_err();
    assert!(matches!(error, OidcAccessError::NoPublicUrl));
}
