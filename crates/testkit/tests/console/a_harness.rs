//! The harness itself: a test that cannot fail would be worth nothing.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, resume_unwind};

use fantoccini::key::Key;
use futures::FutureExt as _;
use serde_json::json;

use crate::support::{Look, Screen, Served, Theme, browse, picture_file, processes_of};

const STRICT: &str = "default-src 'none'; img-src 'self' data:";

#[tokio::test]
async fn what_a_policy_stops_is_noticed() {
    let page = Served::page(STRICT, "<main><h1>Hi</h1></main><script>let a = 1</script>").await;
    browse("policy", async |browser| {
        browser.open(&page.url).await;
        browser.wait_for_text("Hi").await;
        // Scripts of a test run beside the policy; those of the page do not.
        assert_eq!(browser.script("return 1 + arguments[0]", vec![json!(1)]).await, json!(2));
        browser.expect_error("Content Security Policy").await;
        browser.assert_nothing_wrong().await;
    })
    .await;
}

#[tokio::test]
async fn axe_runs_under_a_strict_policy_and_tells_rule_target_and_help() {
    let body = "<main><h1>Hi</h1><img src='data:,' id='picture'><input id='nameless'></main>";
    let page = Served::page(STRICT, body).await;
    browse("axe", async |browser| {
        browser.open(&page.url).await;
        let findings = browser.findings().await;
        for part in ["image-alt (critical)", "#picture", "alternative text", "label (", "#nameless"]
        {
            assert!(findings.contains(part), "no {part:?} in:\n{findings}");
        }
        let mend = "document.querySelector('img').alt = 'A picture';
                    document.querySelector('input').setAttribute('aria-label', 'Name')";
        browser.script(mend, vec![]).await;
        browser.assert_accessible().await;
    })
    .await;
}

#[tokio::test]
async fn a_page_is_looked_at_on_two_screens_in_two_themes() {
    let page = Served::page(STRICT, "<main><h1>Hi</h1></main>").await;
    browse("looks", async |browser| {
        browser.open(&page.url).await;
        let seen =
            "return [innerWidth, innerHeight, matchMedia('(prefers-color-scheme: dark)').matches]";
        for (look, expected) in [
            (Look(Screen::Phone, Theme::Dark), json!([390, 844, true])),
            (Look(Screen::Desktop, Theme::Light), json!([1280, 900, false])),
            (Look(Screen::Phone, Theme::Light), json!([390, 844, false])),
        ] {
            browser.look(look).await;
            assert_eq!(browser.script(seen, vec![]).await, expected, "{look}");
        }
    })
    .await;
}

#[tokio::test]
async fn tab_goes_from_one_thing_to_the_next() {
    let body = "<main><h1>Hi</h1><a href='#x'>Away</a><label>Name <input></label>\
                <button>Go</button></main>";
    let page = Served::page(STRICT, body).await;
    browse("keyboard", async |browser| {
        browser.open(&page.url).await;
        browser.key(Key::Tab).await;
        assert_eq!(browser.focused().await.as_deref(), Some("a Away"));
        browser.tab_to("input Name").await;
        browser.type_text("Zoë").await;
        let written = browser.field("Name").await.prop("value").await.unwrap();
        assert_eq!(written.as_deref(), Some("Zoë"));
        browser.tab_to("button Go").await;
    })
    .await;
}

#[tokio::test]
async fn a_test_that_fails_leaves_a_picture_and_no_browser() {
    let picture = picture_file("FAILED-failure");
    let _absent = std::fs::remove_file(&picture);
    let page = Served::page(STRICT, "<main><h1>Hi</h1></main>").await;
    let group = Cell::new(0);
    let failing = browse("failure", async |browser| {
        browser.open(&page.url).await;
        group.set(browser.group);
        assert!(processes_of(group.get()) > 1, "chromedriver and chromium");
        // Without a message: nobody shall wonder about it.
        resume_unwind(Box::new("on purpose"));
    });
    let panic = AssertUnwindSafe(failing).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
    assert!(std::fs::remove_file(&picture).is_ok(), "no {}", picture.display());
    assert_eq!(processes_of(group.get()), 0);
}
