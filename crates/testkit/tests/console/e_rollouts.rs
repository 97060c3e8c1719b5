//! A rolling restart as people follow it: forecast, started, paused, left and found again, resumed,
//! and what it cost. One restart of each node.

use std::time::Duration;

use serde_json::json;

use crate::support::{Browser, Site, browse};

/// A node that restarts, with all that is waited for.
const NODE: Duration = Duration::from_mins(2);
const ALL: Duration = Duration::from_mins(5);
/// What the probe counts is written down every few seconds.
const FIGURES: Duration = Duration::from_secs(20);

/// What is said beside a word.
async fn figure(browser: &Browser, word: &str) -> String {
    let script = "return [...document.querySelectorAll('dt')]
        .find(it => it.innerText === arguments[0]).nextElementSibling.innerText";
    browser.script(script, vec![json!(word)]).await.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_roll_is_paused_and_resumed_and_says_what_it_cost() {
    let site = Site::new();
    browse("rollout", async |browser| {
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("/rollouts")).await;
        browser.inspect("rollouts").await;
        browser.follow("Start a rollout").await;
        browser.wait_for_text("no node has to be restarted").await;
        let every = "Every node, also those that run the service's configuration already";
        browser.field(every).await.click().await.unwrap();
        browser.press("How carefully").await;
        browser.fill("Seconds after the first node", "3").await;
        browser.fill("Seconds after any other node", "3").await;
        browser.press("Forecast").await;
        browser.wait_for_text("3 nodes are restarted").await;
        browser.inspect("rollout-start").await;
        browser.press("Start the rollout").await;
        browser.wait_for_text("Started.").await;
        let page = browser.url().await;
        let page = page.split('?').next().unwrap().to_owned();

        // The first node is under way, and comes back although it is paused meanwhile.
        browser.wait_for_text_within("Pause…", NODE).await;
        browser.wait_for_text_within("fenced still", NODE).await;
        browser.open(&format!("{page}/pause")).await;
        browser.fill("Why", "lunch").await;
        browser.press("Pause").await;
        browser.wait_for_text(": lunch").await;
        browser.wait_for_text_within("1 of 3", NODE).await;
        browser.inspect("rollout-paused").await;
        let paused = browser.text().await;
        assert_eq!(paused.matches("not touched").count(), 2, "{paused}");

        // What clients notice goes on although nothing else does.
        let sent = async || {
            let figures = figure(browser, "Failed requests").await;
            figures.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
        };
        let steps = "return document.querySelectorAll('ol.events li').length";
        let (before, happened) = (sent().await, browser.script(steps, vec![]).await);
        browser.script("window.stays = true", vec![]).await;
        browser
            .wait_until("more requests", FIGURES, async || match sent().await {
                now if now > before => Ok(()),
                now => Err(now.to_string()),
            })
            .await;
        assert_eq!(browser.script(steps, vec![]).await, happened);
        assert_eq!(browser.script("return window.stays", vec![]).await, json!(true));

        // Left, and found again.
        browser.open(&site.page("/authorization")).await;
        browser.wait_for_text("Nodes are being restarted").await;
        browser.inspect("rollout-banner").await;
        browser.open(&site.page("")).await;
        browser.wait_for_text("Look at this rollout").await;
        browser.open(&format!("{page}/resume")).await;
        browser.inspect("rollout-resume").await;
        browser.press("Resume").await;
        browser.wait_for_text("Resumed: it goes on.").await;
        browser.screenshot("rollout-running").await;
        browser.wait_for_text_within("Ended", ALL).await;
        for text in ["3 of 3", "Failed requests", "Longest gap"] {
            browser.wait_for_text(text).await;
        }
        browser.inspect("rollout-done").await;
        browser.screenshot_small("rollout-done-small").await;
        let failed = figure(browser, "Failed requests").await;
        assert!(failed.starts_with("0 of "), "{failed}");
    })
    .await;
}
