//! Each page of the console: what is on it, and that everybody can use it.

use std::time::Duration;

use serde_json::json;

use crate::support::{Site, browse};

#[tokio::test]
async fn the_services_are_listed_with_their_state() {
    let site = Site::new();
    browse("services", async |browser| {
        browser.sign_in_by_token(&site).await;
        browser.wait_for_text(&site.service).await;
        browser.wait_for_text("RUNNING").await;
        browser.inspect("services").await;
    })
    .await;
}

#[tokio::test]
async fn the_overview_has_the_nodes_and_how_to_connect() {
    let site = Site::new();
    browse("overview", async |browser| {
        browser.sign_in_by_token(&site).await;
        browser.follow(&site.service).await;
        browser.wait_for_url(&site.page("")).await;
        browser.wait_for_text("active controller").await;
        for client in ["librdkafka", "Java", "Python", "curl", "avn"] {
            browser.button(client).await;
        }
        browser.inspect("overview").await;
        browser.screenshot_small("overview-small").await;
        browser.press("Java").await;
        browser.wait_for_text("sasl.mechanism").await;
    })
    .await;
}

/// No restart: Kafka changes this option at run time.
#[tokio::test]
async fn what_somebody_else_changes_is_seen_without_loading_the_page_anew() {
    let site = Site::new();
    browse("live", async |browser| {
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("")).await;
        let changes = async || {
            let script = "return [...document.querySelectorAll('dt')]
                .find(it => it.innerText === 'Changes').nextElementSibling.innerText";
            browser.script(script, vec![]).await.as_str().unwrap().parse::<u64>().unwrap()
        };
        let before = changes().await;
        browser.script("window.stays = true", vec![]).await;
        for (value, at_least) in [(json!(1_100_000), 1), (json!(null), 2)] {
            site.update(&json!({ "user_config": { "kafka": { "message_max_bytes": value } } }))
                .await;
            let what = format!("{at_least} more changes than {before}");
            browser
                .wait_until(&what, Duration::from_secs(20), async || match changes().await {
                    now if now >= before + at_least => Ok(()),
                    now => Err(now.to_string()),
                })
                .await;
        }
        assert_eq!(browser.script("return window.stays", vec![]).await, json!(true));
    })
    .await;
}

#[tokio::test]
async fn ones_sessions_are_listed() {
    let site = Site::new();
    browse("sessions", async |browser| {
        browser.sign_in_by_token(&site).await;
        browser.open(&site.console("/sessions")).await;
        browser.wait_for_text("this one").await;
        browser.inspect("sessions").await;
    })
    .await;
}
