//! Signing in to the console, and out.

use fantoccini::key::Key;

use crate::support::{Site, browse};

#[tokio::test]
async fn an_api_token_signs_in_until_one_signs_out() {
    let site = Site::new();
    browse("sign-in", async |browser| {
        browser.open(&site.page("")).await;
        browser.wait_for_text("With an API token").await;
        browser.inspect("sign-in").await;

        browser.fill("API token", "tidegate_wrong").await;
        browser.press("Sign in").await;
        browser.wait_for_text("This token opens nothing").await;
        browser.expect_error("401").await;
        let refused = browser.text().await;
        assert!(refused.contains("With an API token"), "{refused}");
        browser.inspect("sign-in-refused").await;

        // To where one wanted to go in the first place.
        browser.fill("API token", &site.token).await;
        browser.press("Sign in").await;
        browser.wait_for_url(&site.page("")).await;
        browser.press("Sign out").await;
        browser.wait_for_text("With an API token").await;
        browser.open(&site.page("")).await;
        browser.wait_for_url(&site.console("/sign-in")).await;
    })
    .await;
}

#[tokio::test]
async fn the_keyboard_alone_signs_in_finds_the_service_and_signs_out() {
    let site = Site::new();
    browse("keyboard-path", async |browser| {
        browser.open(&site.console("")).await;
        browser.tab_to("a Skip to content").await;
        browser.tab_to("input API token").await;
        browser.type_text(&site.token).await;
        browser.key(Key::Enter).await;
        browser.wait_for_url(&site.console("")).await;
        browser.wait_for_text(&site.service).await;
        browser.tab_to(&format!("a {}", site.service)).await;
        browser.key(Key::Enter).await;
        browser.wait_for_url(&site.page("")).await;
        browser.wait_for_text("Bootstrap servers").await;
        browser.tab_to("summary curl").await;
        browser.key(Key::Enter).await;
        browser.wait_for_text("curl -").await;
        browser.open(&site.page("")).await;
        browser.tab_to("button Sign out").await;
        browser.key(Key::Enter).await;
        browser.wait_for_text("With an API token").await;
    })
    .await;
}
