//! A rolling restart as people follow it: forecast, started, paused, left and found again, resumed,
//! and what it cost. One restart of each node.

use std::time::Duration;

use crate::support::{Site, browse};

/// A node that restarts, with all that is waited for.
const NODE: Duration = Duration::from_mins(2);
const ALL: Duration = Duration::from_mins(5);

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
        let failed = browser
            .script(
                "return [...document.querySelectorAll('dt')]
                    .find(it => it.innerText === 'Failed requests').nextElementSibling.innerText",
                vec![],
            )
            .await;
        assert!(failed.as_str().unwrap().starts_with("0 of "), "{failed}");
    })
    .await;
}
