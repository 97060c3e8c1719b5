//! Tables: in another order, a part of them, another page, and the page is not loaded anew for it.

use serde_json::json;

use crate::support::{Browser, Site, browse};

/// Marks the page, which the next one does not have.
async fn mark(browser: &Browser) {
    browser.script("window.stays = true", vec![]).await;
}

async fn assert_stayed(browser: &Browser) {
    assert_eq!(browser.script("return window.stays", vec![]).await, json!(true));
}

#[tokio::test]
async fn events_are_found_while_one_types_and_read_from_both_ends() {
    let site = Site::new();
    browse("events-list", async |browser| {
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("/events")).await;
        mark(browser).await;
        browser.fill("Text", "no event has this").await;
        browser.wait_for_text("No events.").await;
        let pushed = "return new URLSearchParams(location.search).get('text')";
        assert_eq!(browser.script(pushed, vec![]).await, json!("no event has this"));
        browser.fill("Text", "service").await;
        let found = "return document.querySelector('#events-found table') !== null";
        browser.wait_for_script("what is found", found).await;
        browser.follow("When").await;
        let turned = "return document.querySelector('th[aria-sort=ascending]') !== null
            && location.search.includes('sort=when')";
        browser.wait_for_script("the oldest first", turned).await;
        assert_stayed(browser).await;
        browser.inspect("events-oldest").await;
    })
    .await;
}

#[tokio::test]
async fn what_changes_is_sorted_and_filtered_before_it_is_saved() {
    let site = Site::new();
    browse("review-list", async |browser| {
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("/authorization")).await;
        browser.inspect("authorization-list").await;
        let review = "document.querySelector('form[action$=\"/settings/review\"] button').click()";
        browser.script(review, vec![]).await;
        browser.wait_for_text("What it costs").await;
        mark(browser).await;
        browser.press("Option").await;
        let sorted = "return document.querySelector('#changes th[aria-sort=ascending]') !== null";
        browser.wait_for_script("an order", sorted).await;
        browser.fill("Filter what changes", "no option has this").await;
        browser.wait_for_text("Nothing has “no option has this” in it.").await;
        browser.press("Show all").await;
        let all = "return document.querySelector('#changes td code') !== null
            && document.querySelector('#changes-q').value === ''";
        browser.wait_for_script("all of it", all).await;
        assert_stayed(browser).await;
        browser.inspect("review-list").await;
        browser.follow("Leave it").await;
        browser.wait_for_text("Advanced configuration").await;
    })
    .await;
}
