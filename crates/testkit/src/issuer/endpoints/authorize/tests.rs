//! Signing in, as the console and a browser do it.

use reqwest::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;
use url::{Url, form_urlencoded};

use crate::issuer::codes::challenge_of;
use crate::issuer::tests::claims_of;
use crate::issuer::{Issuer, Running};

const REDIRECT: &str = "http://127.0.0.1:20102/console/sign-in/callback";
const OTHER: &str = "http://127.0.0.1:1/console/sign-in/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

type Pairs = Vec<(&'static str, String)>;
type Changes = &'static [(&'static str, &'static str)];

fn sound() -> Pairs {
    [
        ("response_type", "code"),
        ("client_id", "console"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid groups"),
        ("state", "a state & more"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("code_challenge", &challenge_of(VERIFIER)),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

/// The same with other values; an empty one leaves the parameter out.
fn with(mut pairs: Pairs, changes: &[(&'static str, &str)]) -> Pairs {
    for &(name, value) in changes {
        pairs.retain(|(it, _)| *it != name);
        if !value.is_empty() {
            pairs.push((name, value.to_owned()));
        }
    }
    pairs
}

fn encoded(pairs: &Pairs) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

async fn send(running: &Running, method: Method, path: &str, pairs: &Pairs) -> Response {
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let url = format!("{}{path}", running.url);
    let request = if method == Method::GET {
        client.get(format!("{url}?{}", encoded(pairs)))
    } else {
        let form = "application/x-www-form-urlencoded";
        client.post(url).header(CONTENT_TYPE, form).body(encoded(pairs))
    };
    request.send().await.unwrap()
}

/// What a redirect to the console says.
fn parameters(response: &Response) -> Vec<(String, String)> {
    let location = response.headers()[LOCATION].to_str().unwrap();
    assert!(location.starts_with(&format!("{REDIRECT}?")), "{location}");
    let url = Url::parse(location).unwrap();
    form_urlencoded::parse(url.query().unwrap().as_bytes()).into_owned().collect()
}

fn one(parameters: &[(String, String)], name: &str) -> Option<String> {
    parameters.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone())
}

async fn sign_in(running: &Running, username: &str, pairs: Pairs) -> Vec<(String, String)> {
    let answer = with(pairs, &[("username", username)]);
    let response = send(running, Method::POST, "/authorize", &answer).await;
    assert_eq!(response.status().as_u16(), 303);
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    parameters(&response)
}

async fn code_for(running: &Running, username: &str) -> String {
    one(&sign_in(running, username, sound()).await, "code").unwrap()
}

fn exchange(code: &str) -> Pairs {
    [
        ("grant_type", "authorization_code"),
        ("client_id", "console"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

async fn token(running: &Running, pairs: &Pairs) -> (u16, Value) {
    let response = send(running, Method::POST, "/token", pairs).await;
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn somebody_signs_in_and_the_client_gets_their_tokens() {
    let running = Issuer::serve().await.unwrap();
    let page = send(&running, Method::GET, "/authorize", &sound()).await;
    assert_eq!(
        (page.status().as_u16(), &page.headers()[CACHE_CONTROL]),
        (200, &"no-store".parse().unwrap())
    );
    let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(
        policy.starts_with("default-src 'none'; form-action 'self' http://127.0.0.1:20102;"),
        "{policy}"
    );
    let page = page.text().await.unwrap();
    assert!(page.contains("a state &amp; more") && !page.contains("<script"), "{page}");

    let said = sign_in(&running, "ada", sound()).await;
    assert_eq!(one(&said, "state").as_deref(), Some("a state & more"));
    assert_eq!(one(&said, "iss"), Some(running.url.clone()));
    let (status, answer) = token(&running, &exchange(&one(&said, "code").unwrap())).await;
    assert_eq!((status, &answer["token_type"]), (200, &json!("Bearer")), "{answer}");
    assert_eq!((&answer["expires_in"], &answer["scope"]), (&json!(600), &json!("openid groups")));

    let id = claims_of(answer["id_token"].as_str().unwrap());
    let expected = json!({
        "iss": running.url, "sub": "ada", "aud": "console", "nonce": "n-0S6_WzA2Mj",
        "name": "Ada Operator", "preferred_username": "ada", "groups": ["ops"],
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&id[name], value, "{name}");
    }
    assert_eq!(id["exp"].as_i64().unwrap() - id["iat"].as_i64().unwrap(), 600);
    let access = claims_of(answer["access_token"].as_str().unwrap());
    assert_eq!((&access["sub"], &access["groups"]), (&json!("ada"), &json!(["ops"])));
    assert_eq!((&access["client_id"], &access["nonce"]), (&json!("console"), &Value::Null));
}

#[tokio::test]
async fn without_openid_there_is_no_id_token_and_a_stranger_has_no_groups() {
    let running = Issuer::serve().await.unwrap();
    let said = sign_in(&running, "zoë", with(sound(), &[("scope", "groups")])).await;
    let (_, answer) = token(&running, &exchange(&one(&said, "code").unwrap())).await;
    assert_eq!(answer["id_token"], Value::Null);
    let access = claims_of(answer["access_token"].as_str().unwrap());
    assert_eq!((&access["sub"], &access["groups"]), (&json!("zoë"), &json!([])));
}

#[tokio::test]
async fn a_code_is_refused_twice_elsewhere_and_without_its_verifier() {
    let running = Issuer::serve().await.unwrap();
    let code = code_for(&running, "ada").await;
    assert_eq!(token(&running, &exchange(&code)).await.0, 200);
    let (status, replayed) = token(&running, &exchange(&code)).await;
    assert_eq!((status, &replayed["error"]), (400, &json!("invalid_grant")));

    let cases: [(Changes, u16, &str); 8] = [
        (&[("code_verifier", "other")], 400, "invalid_grant"),
        (&[("redirect_uri", OTHER)], 400, "invalid_grant"),
        (&[("code", "other")], 400, "invalid_grant"),
        (&[("code_verifier", "")], 400, "invalid_request"),
        (&[("redirect_uri", "")], 400, "invalid_request"),
        (&[("client_id", "")], 401, "invalid_client"),
        (&[("client_id", "alice")], 401, "invalid_client"),
        (&[("client_secret", "console-secret")], 401, "invalid_client"),
    ];
    for (changes, status, error) in cases {
        let code = code_for(&running, "ada").await;
        let (actual, answer) = token(&running, &with(exchange(&code), changes)).await;
        assert_eq!((actual, &answer["error"]), (status, &json!(error)), "{changes:?}");
        assert_eq!(answer["id_token"], Value::Null);
    }
}

#[tokio::test]
async fn an_unknown_client_or_redirect_is_shown_and_never_redirects() {
    let running = Issuer::serve().await.unwrap();
    let twice = |name| {
        let mut pairs = sound();
        pairs.push((name, "x".to_owned()));
        pairs
    };
    let cases = [
        with(sound(), &[("client_id", "")]),
        with(sound(), &[("client_id", "alice")]),
        twice("client_id"),
        with(sound(), &[("redirect_uri", "")]),
        with(sound(), &[("redirect_uri", "http://example.com/console/sign-in/callback")]),
        twice("redirect_uri"),
    ];
    for method in [Method::GET, Method::POST] {
        for pairs in &cases {
            let pairs = with(pairs.clone(), &[("username", "ada")]);
            let response = send(&running, method.clone(), "/authorize", &pairs).await;
            assert_eq!(response.status().as_u16(), 400, "{pairs:?}");
            assert!(!response.headers().contains_key(LOCATION), "{pairs:?}");
            let page = response.text().await.unwrap();
            assert!(page.contains("cannot be answered"), "{page}");
        }
    }
}

#[tokio::test]
async fn every_other_mistake_redirects_with_its_code() {
    let running = Issuer::serve().await.unwrap();
    let cases: [(&str, &str, &str); 9] = [
        ("response_type", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("prompt", "none", "login_required"),
        ("request", "x", "request_not_supported"),
    ];
    for method in [Method::GET, Method::POST] {
        for (name, value, error) in cases {
            let pairs = with(sound(), &[(name, value), ("username", "ada")]);
            let response = send(&running, method.clone(), "/authorize", &pairs).await;
            assert_eq!(response.status().as_u16(), 303, "{name}={value}");
            let said = parameters(&response);
            assert_eq!(one(&said, "error").as_deref(), Some(error), "{name}={value}");
            assert_eq!(one(&said, "state").as_deref(), Some("a state & more"));
            assert_eq!((one(&said, "iss"), one(&said, "code")), (Some(running.url.clone()), None));
        }
    }
}

#[tokio::test]
async fn nobody_has_to_sign_in_and_a_blank_name_is_asked_again() {
    let running = Issuer::serve().await.unwrap();
    let said = sign_in(&running, "ada", with(sound(), &[("denied", "true")])).await;
    assert_eq!(one(&said, "error").as_deref(), Some("access_denied"));
    assert_eq!(one(&said, "code"), None);
    for (username, notice) in [(" ", "Say who you are"), ("a\u{7}", "none of them control")] {
        let pairs = with(sound(), &[("username", username)]);
        let response = send(&running, Method::POST, "/authorize", &pairs).await;
        assert_eq!(response.status().as_u16(), 200, "{username:?}");
        let page = response.text().await.unwrap();
        assert!(page.contains(notice), "{page}");
    }
}

#[tokio::test]
async fn discovery_says_how_people_sign_in() {
    let running = Issuer::serve().await.unwrap();
    let url = format!("{}/.well-known/openid-configuration", running.url);
    let said: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let expected = json!({
        "authorization_endpoint": format!("{}/authorize", running.url),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "grant_types_supported": ["authorization_code", "client_credentials"],
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&said[name], value, "{name}");
    }
    let scopes = said["scopes_supported"].as_array().unwrap();
    assert!(scopes.contains(&json!("openid")), "{scopes:?}");
}
