//! Signing in to the console by the identity provider.

use fantoccini::key::Key;

use crate::support::{Site, browse};

#[tokio::test]
async fn people_get_the_role_of_their_group() {
    let site = Site::new();
    browse("oidc", async |browser| {
        browser.open(&site.console("")).await;
        browser.wait_for_text("With your account").await;
        browser.inspect("sign-in-with-account").await;
        for (name, who, sees) in [
            ("Ada Operator", "oidc:ada", site.service.as_str()),
            ("Eve Nobody", "oidc:eve", "You have no role in any project."),
        ] {
            browser.sign_in_as(&site, name).await;
            browser.wait_for_text(who).await;
            browser.wait_for_text(sees).await;
            if name == "Eve Nobody" {
                browser.inspect("services-none").await;
                browser.open(&site.page("")).await;
                browser.expect_error("404").await;
            }
            browser.press("Sign out").await;
            browser.wait_for_text("With your account").await;
        }
    })
    .await;
}

#[tokio::test]
async fn one_comes_back_to_where_one_wanted_to_go_by_keyboard_alone() {
    let site = Site::new();
    browse("oidc-return", async |browser| {
        browser.open(&site.page("")).await;
        browser.wait_for_text("With your account").await;
        browser.tab_to_starting("a Sign in with ").await;
        browser.key(Key::Enter).await;
        browser.wait_for_url(&format!("{}/authorize", site.issuer)).await;
        browser.type_text("ida").await;
        browser.key(Key::Enter).await;
        browser.wait_for_url(&site.page("")).await;
        browser.wait_for_text("Bootstrap servers").await;
    })
    .await;
}

#[tokio::test]
async fn whoever_declines_is_told_so_and_is_not_signed_in() {
    let site = Site::new();
    browse("oidc-declined", async |browser| {
        browser.go_to_identity_provider(&site).await;
        browser.press("Do not sign in").await;
        browser.wait_for_url(&site.console("/sign-in")).await;
        browser.wait_for_text("The identity provider says no: access_denied").await;
        browser.expect_error("401").await;
        browser.inspect("sign-in-declined").await;
        let text = browser.text().await;
        assert!(!text.contains("Sign out"), "{text}");
    })
    .await;
}
