//! Service settings: the way of the vendor's documentation, from signing in to `RUNNING`, and what may
//! get in its way.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Browser, Site, browse};

/// How long three nodes may take, one after another.
const ROLL: Duration = Duration::from_mins(5);
const JWKS_URL: &str = "kafka.sasl_oauthbearer_jwks_endpoint_url";
/// Kafka takes both over while it runs.
const MINE: &str = "kafka.log_retention_ms";
const THEIRS: &str = "kafka.message_max_bytes";

/// What is set now; the update changes nothing.
async fn configuration(site: &Site) -> Value {
    site.update(&json!({})).await["service"]["user_config"].clone()
}

/// Goes to the form.
async fn configure(browser: &Browser, site: &Site) {
    browser.open(&site.page("")).await;
    browser.follow("Service settings").await;
    browser.wait_for_text("Advanced configuration").await;
    browser.follow("Configure").await;
    browser.wait_for_text("Add configuration options").await;
}

async fn review(browser: &Browser) {
    browser.press("Review changes").await;
    browser.wait_for_text("What it costs").await;
}

#[tokio::test]
async fn the_way_of_the_documentation_leads_from_signing_in_to_running() {
    let site = Site::new();
    browse("configuration", async |browser| {
        // Where OIDC is on already, it is put off first, and comes back with the other address.
        let before =
            configuration(&site).await["kafka"]["sasl_oauthbearer_jwks_endpoint_url"].clone();
        let other = before.as_str().is_some_and(|it| it.ends_with("/jwks"));
        let end = if other { "/.well-known/jwks.json" } else { "/jwks" };
        let jwks_url = format!("{}{end}", site.issuer);
        let oidc = ["jwks_endpoint_url", "expected_issuer", "expected_audience", "sub_claim_name"];
        let off: serde_json::Map<String, Value> =
            oidc.iter().map(|it| (format!("sasl_oauthbearer_{it}"), Value::Null)).collect();
        site.update(&json!({ "user_config": { "kafka": off } })).await;

        browser.sign_in_as(&site, "Ada Operator").await;
        configure(browser, &site).await;
        browser.add_option(JWKS_URL, "jwks", &jwks_url).await;
        browser
            .add_option("kafka.sasl_oauthbearer_expected_issuer", "expected_issuer", &site.issuer)
            .await;
        browser.add_option("kafka.sasl_oauthbearer_expected_audience", "audience", "kafka").await;
        browser.add_option("kafka.sasl_oauthbearer_sub_claim_name", "sub_claim", "sub").await;
        browser.inspect("configure").await;
        review(browser).await;
        browser.wait_for_text("Every node is restarted, one after another").await;
        browser.inspect("review").await;
        browser.screenshot_small("review-small").await;
        browser.press("Save configurations").await;
        browser.wait_for_text("The configuration is saved").await;
        browser.wait_for_text("REBUILDING").await;
        browser.inspect("settings").await;
        browser.screenshot_small("settings-small").await;
        // The page hears of it by itself.
        browser.script("window.stays = true", vec![]).await;
        browser.wait_for_text_within("State: RUNNING", ROLL).await;
        assert_eq!(browser.script("return window.stays", vec![]).await, json!(true));
        let now = configuration(&site).await;
        assert_eq!(now["kafka"]["sasl_oauthbearer_jwks_endpoint_url"], json!(jwks_url));

        browser.open(&site.page("/oidc")).await;
        browser.press("Look up the issuer").await;
        browser.wait_for_text("usable").await;
        browser.inspect("oidc").await;
        browser.screenshot_small("oidc-small").await;

        // What a broker would say to somebody's token: a denial first.
        let acl = |permission: &str, operation: &str| {
            json!({
                "principal": "User:alice", "host": "*", "resource_type": "Topic",
                "resource_name": "console-tried", "pattern_type": "LITERAL",
                "operation": operation, "permission_type": permission,
            })
        };
        let entries = [acl("ALLOW", "All"), acl("DENY", "Write")];
        let mut added = Vec::new();
        for entry in &entries {
            let answer = site.create("/kafka/acl", entry).await;
            added.push(answer["acl"]["id"].as_str().unwrap().to_owned());
        }
        browser.fill("Access token", &site.token_of("alice", "kafka").await).await;
        browser.press("Try it").await;
        browser.wait_for_text("A broker would let it in, as User:alice").await;
        let row = "return [...document.querySelectorAll('tr')].map(it => it.innerText)
            .find(it => it.includes('console-tried'))";
        let row = browser.script(row, vec![]).await;
        let (denied, allowed) = row.as_str().unwrap().split_once("Write").unwrap();
        assert!(!denied.contains("Read") && allowed.contains("Read"), "{row}");
        assert!(!allowed.contains("Write"), "{row}");
        browser.inspect("oidc-tried").await;
        // Filtering what it may do keeps the page, and with it what the rules say of the token.
        browser.fill("Filter what a broker says", "no such thing").await;
        browser.wait_for_text("Nothing has “no such thing” in it.").await;
        browser.wait_for_text("A broker would let it in, as User:alice").await;
        browser.press("Show all").await;
        let all = "return document.querySelector('#answers th code') !== null
            && document.querySelector('#answers-q').value === ''";
        browser.wait_for_script("all of it", all).await;
        browser.press("Resource").await;
        let sorted = "return document.querySelector('#answers th[aria-sort=ascending]') !== null";
        browser.wait_for_script("an order", sorted).await;
        browser.wait_for_text("A broker would let it in, as User:alice").await;
        for id in added {
            site.delete(&format!("/kafka/acl/{id}")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_refused_and_nothing_is_lost() {
    let site = Site::new();
    browse("refused-keys", async |browser| {
        let before = configuration(&site).await;
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("/oidc")).await;
        browser.fill("Issuer", &site.issuer).await;
        browser.fill("JWKS URL", &format!("{}/nothing-here", site.issuer)).await;
        browser.fill("Audience", "kafka").await;
        browser.press("Review changes").await;
        browser.wait_for_text("nothing is saved yet").await;
        browser.wait_for_text("404").await;
        browser.expect_error("422").await;
        browser.inspect("keys-refused").await;
        // On the form that it was typed into, at its field, with all of the input kept.
        browser.button("Look up the issuer").await;
        let said = "const it = arguments[0];
            return [it.value, document.getElementById(it.name + '-error')?.innerText ?? '']";
        for (label, value, error) in [
            ("Issuer", site.issuer.as_str(), ""),
            ("JWKS URL", &format!("{}/nothing-here", site.issuer), "404"),
            ("Audience", "kafka", ""),
        ] {
            let field = serde_json::to_value(browser.field(label).await).unwrap();
            let said = browser.script(said, vec![field]).await;
            assert_eq!(said[0], json!(value), "{label}");
            let text = said[1].as_str().unwrap();
            assert!(text.contains(error) && text.is_empty() == error.is_empty(), "{label}: {text}");
        }
        assert_eq!(configuration(&site).await, before);
    })
    .await;
}

#[tokio::test]
async fn of_two_people_the_second_is_told_and_loses_nothing() {
    let site = Site::new();
    browse("two-people", async |browser| {
        let kafka = |mine: Value, theirs: Value| {
            json!({ "user_config": { "kafka": {
                "log_retention_ms": mine, "message_max_bytes": theirs,
            } } })
        };
        site.update(&kafka(Value::Null, Value::Null)).await;
        browser.sign_in_by_token(&site).await;
        configure(browser, &site).await;
        browser.add_option(MINE, "log_retention_ms", "86400000").await;
        review(browser).await;
        site.update(&json!({ "user_config": { "kafka": { "message_max_bytes": 1_200_000 } } }))
            .await;
        browser.press("Save configurations").await;
        browser.wait_for_text("Somebody else has changed this service meanwhile").await;
        browser.expect_error("409").await;
        browser.wait_for_text(THEIRS).await;
        browser.wait_for_text("86400000").await;
        browser.inspect("changed-meanwhile").await;
        browser.press("Save configurations").await;
        browser.wait_for_text("The configuration is saved").await;
        let now = configuration(&site).await;
        assert_eq!(now["kafka"]["log_retention_ms"], json!(86_400_000));
        assert_eq!(now["kafka"]["message_max_bytes"], json!(1_200_000));
        site.update(&kafka(Value::Null, Value::Null)).await;
    })
    .await;
}

#[tokio::test]
async fn authorization_is_switched_with_its_consequence_first() {
    let site = Site::new();
    browse("authorization", async |browser| {
        let before = configuration(&site).await["kafka_rest_authorization"].clone();
        let switch = |on: Value| json!({ "user_config": { "kafka_rest_authorization": on } });
        site.update(&switch(json!(false))).await;
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page("/authorization")).await;
        browser.wait_for_text("What switching it on would do").await;
        browser.inspect("authorization").await;
        browser.screenshot_small("authorization-small").await;
        browser.press("Review switching it on").await;
        browser.wait_for_text("What it costs").await;
        browser.inspect("authorization-review").await;
        browser.press("Save configurations").await;
        browser.wait_for_text("The configuration is saved").await;
        assert_eq!(configuration(&site).await["kafka_rest_authorization"], json!(true));
        browser.open(&site.page("/authorization")).await;
        browser.wait_for_text("What switching it off would do").await;
        site.update(&switch(before)).await;
    })
    .await;
}
