//! What browsers reported about all the pages before.

use serde_json::json;

use crate::support::{Site, browse};

#[tokio::test]
async fn no_page_of_the_console_broke_its_policy() {
    let site = Site::new();
    browse("reports", async |browser| {
        browser.sign_in_by_token(&site).await;
        assert_eq!(browser.fetch("/console/csp-report").await, json!({ "reports": 0 }));
    })
    .await;
}
