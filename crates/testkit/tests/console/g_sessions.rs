//! A session ends in the middle of a form, and nothing has to be typed again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Browser, Site, browse};

/// Kafka takes it over while it runs.
const OPTION: &str = "kafka.log_retention_ms";
/// How long the page may take, and Kafka.
const PATIENCE: Duration = Duration::from_secs(30);

async fn saved(site: &Site) -> Value {
    site.update(&json!({})).await["service"]["user_config"]["kafka"]["log_retention_ms"].clone()
}

async fn unset(site: &Site) {
    site.update(&json!({ "user_config": { "kafka": { "log_retention_ms": null } } })).await;
}

/// Adds the option to a draft, with a value.
async fn draft(browser: &Browser, site: &Site, value: &str) {
    browser.open(&site.page("/settings/configure")).await;
    browser.add_option(OPTION, "log_retention_ms", value).await;
}

async fn value(browser: &Browser) -> Value {
    let script = "return document.querySelector(`[name='set.${arguments[0]}']`).value";
    browser.script(script, vec![json!(OPTION)]).await
}

#[tokio::test]
async fn a_draft_survives_the_end_of_its_session_at_the_review_and_when_it_is_saved() {
    let site = Site::new();
    browse("session-draft", async |browser| {
        unset(&site).await;
        browser.sign_in_by_token(&site).await;
        draft(browser, &site, "86400001").await;
        browser.end_session().await;
        browser.press("Review changes").await;
        browser.sign_in_again(&site).await;
        browser.wait_for_text("What it costs").await;
        browser.wait_for_text("86400001").await;
        browser.end_session().await;
        browser.press("Save configurations").await;
        browser.wait_for_text("what you have typed is kept").await;
        browser.inspect("session-ended").await;
        browser.sign_in_again(&site).await;
        browser.wait_for_text("The configuration is saved").await;
        assert_eq!(saved(&site).await, json!(86_400_001));
        unset(&site).await;
    })
    .await;
}

/// What is sent while somebody types finds no session: a notice says so, what is typed before and after
/// stays, and is kept when it is sent.
#[tokio::test]
async fn a_draft_survives_when_it_is_checked_while_one_types() {
    let site = Site::new();
    browse("session-typing", async |browser| {
        unset(&site).await;
        browser.sign_in_by_token(&site).await;
        draft(browser, &site, "86400002").await;
        browser.end_session().await;
        browser.fill(&format!("{OPTION} new"), "8640000").await;
        browser.wait_for_text("What you have typed is still here").await;
        browser.field(&format!("{OPTION} new")).await.send_keys("3").await.unwrap();
        assert_eq!(value(browser).await, json!("86400003"));
        browser.press("Review changes").await;
        browser.sign_in_again(&site).await;
        browser.wait_for_text("What it costs").await;
        browser.wait_for_text("86400003").await;
        assert_eq!(saved(&site).await, json!(null), "nothing is saved yet");
    })
    .await;
}

#[tokio::test]
async fn a_topic_form_survives_the_end_of_its_session() {
    let site = Site::new();
    browse("session-topic", async |browser| {
        let topic = format!("console-session-{}", std::process::id());
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("/new-topic")).await;
        browser.fill("Name", &topic).await;
        browser.fill("Partitions", "2").await;
        browser.fill("Retention, hours", "49").await;
        browser.end_session().await;
        browser.press("Create topic").await;
        browser.sign_in_again(&site).await;
        browser.wait_for_text("The topic is written down").await;
        let page = site.page(&format!("/topics/{topic}"));
        browser.open(&page).await;
        browser.wait_for_text_within("2 of 2", PATIENCE).await;
        browser.open(&page).await;
        browser.wait_for_text("49 hours").await;
        browser.fill("Retention, hours", "50").await;
        browser.end_session().await;
        browser.press("Save changes").await;
        browser.sign_in_again(&site).await;
        browser.wait_for_text("The change is written down").await;
        site.delete(&format!("/topic/{topic}")).await;
    })
    .await;
}

/// What lists fetch by themselves, and what is filtered, finds no session: what is there stays, and a
/// notice says why nothing comes.
#[tokio::test]
async fn a_list_stays_when_its_session_ends() {
    let site = Site::new();
    browse("session-list", async |browser| {
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("/users")).await;
        browser.wait_for_text("avnadmin").await;
        browser.end_session().await;
        browser.fill("Filter service users", "no-such-user").await;
        browser.wait_for_text("session has ended").await;
        browser.wait_for_text("avnadmin").await;
        browser.expect_error("401").await;
    })
    .await;
}
