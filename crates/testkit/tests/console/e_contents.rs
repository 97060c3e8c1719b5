//! What is in a service: made by the keyboard alone, looked at, and deleted after a question.

use std::time::Duration;

use fantoccini::key::Key;
use serde_json::json;

use crate::support::{Browser, Site, browse};

/// How long Kafka may take for what is written down.
const KAFKA: Duration = Duration::from_secs(30);

/// A name that no run before has left behind.
fn name(what: &str) -> String {
    format!("console-{what}-{}", std::process::id())
}

/// Goes by the keyboard to the form behind a link.
async fn open_form(browser: &Browser, link: &str, form: &str) {
    browser.tab_to(&format!("a {link}")).await;
    browser.key(Key::Enter).await;
    browser.wait_for_url(form).await;
}

/// Types into a field by the keyboard.
async fn type_into(browser: &Browser, field: &str, text: &str) {
    browser.tab_to(&format!("input {field}")).await;
    browser.type_text(text).await;
}

#[tokio::test]
async fn a_topic_is_made_by_the_keyboard_changed_and_deleted() {
    let site = Site::new();
    browse("topics", async |browser| {
        let topic = name("topic");
        let page = site.page(&format!("/topics/{topic}"));
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("/topics")).await;
        open_form(browser, "Create topic", &site.page("/new-topic")).await;
        type_into(browser, "Name", "no/topic").await;
        browser.key(Key::Enter).await;
        browser.wait_for_text("Nothing was done yet").await;
        browser.expect_error("422").await;
        browser.inspect("topic-refused").await;
        browser.fill("Name", &topic).await;
        type_into(browser, "Partitions", "3").await;
        browser.tab_to("button Create topic").await;
        browser.key(Key::Enter).await;
        browser.wait_for_text("The topic is written down").await;
        browser.wait_for_text(&topic).await;
        browser.inspect("topics").await;

        // The page fetches itself until Kafka has made it.
        browser.open(&page).await;
        browser.wait_for_text_within("3 of 3 (nodes", KAFKA).await;
        browser.open(&page).await;
        browser.inspect("topic").await;
        browser.fill("Retention, hours", "48").await;
        browser.press("Save changes").await;
        browser.wait_for_text("The change is written down").await;
        browser
            .wait_until("the retention in Kafka", KAFKA, async || {
                browser.open(&page).await;
                let text = browser.text().await;
                if text.contains("48 hours") || text.contains("2 days") {
                    Ok(())
                } else {
                    Err(text)
                }
            })
            .await;
        browser.follow("Delete topic …").await;
        browser.wait_for_text("with all of its records").await;
        browser.inspect("topic-delete").await;
        browser.press("Delete the topic and its records").await;
        browser.wait_for_text("is being deleted").await;
    })
    .await;
}

#[tokio::test]
async fn a_user_is_made_by_the_keyboard_and_its_password_shown_on_demand() {
    let site = Site::new();
    browse("users", async |browser| {
        let user = name("user");
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("/users")).await;
        browser.inspect("users").await;
        open_form(browser, "Create service user", &site.page("/new-user")).await;
        browser.inspect("user-new").await;
        browser.open(&site.page("/new-user")).await;
        type_into(browser, "Name", &user).await;
        browser.key(Key::Enter).await;
        browser.wait_for_text("The service user is there").await;
        browser.inspect("user").await;
        browser.press("Show password").await;
        browser.wait_for_text("Hide it").await;
        browser.open(&site.page(&format!("/users/{user}"))).await;
        browser.follow("Delete user …").await;
        browser.wait_for_text("Who would lose access").await;
        browser.inspect("user-delete").await;
        browser.press("Delete the service user").await;
        browser.wait_for_text("The service user is deleted").await;
    })
    .await;
}

/// The form is filled in, the session ends, and nothing has to be typed again.
#[tokio::test]
async fn an_acl_entry_survives_the_end_of_its_session() {
    let site = Site::new();
    browse("acls", async |browser| {
        let user = name("acl");
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("/acls")).await;
        browser.inspect("acls").await;
        open_form(browser, "Add Aiven entry", &site.page("/new-acl")).await;
        type_into(browser, "Service users", &user).await;
        type_into(browser, "Topics", "logs-*").await;
        browser.end_session().await;
        browser.tab_to("button Add entry").await;
        browser.key(Key::Enter).await;
        browser.sign_in_again(&site).await;
        browser.wait_for_text("The ACL entry is added").await;
        browser.open(&site.page(&format!("/acls?q={user}"))).await;
        browser.wait_for_text("logs-*").await;
        browser.wait_for_text("no service user matches").await;
        browser.follow_starting("Delete").await;
        browser.wait_for_text("Who would lose access").await;
        browser.inspect("acl-delete").await;
        browser.press("Delete the entry").await;
        browser.wait_for_text("The ACL entry is deleted").await;
    })
    .await;
}

#[tokio::test]
async fn a_denial_says_who_loses_access_first() {
    let site = Site::new();
    browse("denial", async |browser| {
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("/new-kafka-acl")).await;
        browser.inspect("kafka-acl-new").await;
        let choose = "const it = document.getElementById('permission_type');
            it.value = 'DENY'; return it.value";
        assert_eq!(browser.script(choose, vec![]).await, json!("DENY"));
        browser.fill("Principal", "User:nobody-at-all").await;
        browser.fill("Name of the resource", &name("denied")).await;
        browser.press("Add entry").await;
        browser.wait_for_text("Deny access").await;
        browser.wait_for_text("Who would lose access").await;
        browser.inspect("kafka-acl-deny").await;
        browser.follow("Leave it as it is").await;
        browser.wait_for_url(&site.page("/acls")).await;
    })
    .await;
}

#[tokio::test]
async fn quotas_and_events_can_be_used_by_everybody() {
    let site = Site::new();
    browse("quotas", async |browser| {
        let user = name("quota");
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("/quotas")).await;
        open_form(browser, "Set quota", &site.page("/set-quota")).await;
        browser.inspect("quota-new").await;
        browser.open(&site.page("/set-quota")).await;
        type_into(browser, "User", &user).await;
        type_into(browser, "Produce, bytes a second", "1048576").await;
        browser.key(Key::Enter).await;
        browser.wait_for_text("The quota is set").await;
        browser.inspect("quotas").await;
        browser.open(&site.page(&format!("/delete-quota?user={user}"))).await;
        browser.press("Delete the quota").await;
        browser.wait_for_text("The quota is deleted").await;
        browser.open(&site.page(&format!("/events?text={user}"))).await;
        browser.wait_for_text("service_quota_create").await;
        browser.script("document.querySelector('td details').open = true", vec![]).await;
        browser.inspect("events").await;
        browser.follow("Events of the whole project").await;
        browser.wait_for_text("Audit log").await;
        browser.inspect("audit").await;
    })
    .await;
}
