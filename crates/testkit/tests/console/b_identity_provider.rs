//! The page of the development identity provider, without the console.

use fantoccini::key::Key;
use testkit::issuer::{Issuer, PEOPLE};
use url::Url;

use crate::support::{Served, Site, browse};

/// The challenge of RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A callback where somebody listens who does not know it: what counts is where people are sent.
fn request(issuer: &str, callback: &Served) -> (String, String) {
    let redirect = format!("{}console/sign-in/callback", callback.url);
    let mut url = Url::parse(&format!("{issuer}/authorize")).unwrap();
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", "console"),
        ("redirect_uri", &redirect),
        ("scope", "openid"),
        ("state", "a state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    (url.into(), redirect)
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(it, _)| it == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn people_choose_who_they_are_and_are_sent_back_with_a_code() {
    let site = Site::new();
    let callback = Served::page("default-src 'none'", "<main><h1>Signed in</h1></main>").await;
    let (url, redirect) = request(&site.issuer, &callback);
    browse("identity-provider", async |browser| {
        browser.open(&url).await;
        browser.wait_for_text("asks who you are").await;
        browser.inspect("identity-provider").await;
        for (_, name, _) in PEOPLE {
            browser.button(name).await;
        }
        browser.press("Ada Operator").await;
        browser.wait_for_url(&redirect).await;
        let answer = browser.url().await;
        assert_eq!(parameter(&answer, "state").as_deref(), Some("a state"));
        assert_eq!(parameter(&answer, "iss"), Some(site.issuer.clone()));
        assert_eq!(parameter(&answer, "code").map(|it| it.len()), Some(43));
    })
    .await;
}

#[tokio::test]
async fn the_keyboard_alone_signs_in_or_declines() {
    let running = Issuer::serve().await.unwrap();
    let callback = Served::page("default-src 'none'", "<main><h1>Signed in</h1></main>").await;
    let (url, redirect) = request(&running.url, &callback);
    browse("identity-provider-keyboard", async |browser| {
        browser.open(&url).await;
        assert_eq!(browser.focused().await.as_deref(), Some("input User name"));
        browser.key(Key::Enter).await;
        browser.wait_for_text("Say who you are.").await;
        browser.type_text("zoë").await;
        browser.key(Key::Enter).await;
        browser.wait_for_url(&redirect).await;
        assert!(parameter(&browser.url().await, "code").is_some());

        browser.open(&url).await;
        browser.tab_to("button Do not sign in").await;
        browser.key(Key::Enter).await;
        browser.wait_for_url(&redirect).await;
        let error = parameter(&browser.url().await, "error");
        assert_eq!(error.as_deref(), Some("access_denied"));
    })
    .await;
}
