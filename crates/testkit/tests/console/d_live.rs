//! What somebody else changes is seen in every list, and nothing that somebody is at gets lost by it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Browser, Site, browse};

/// How long Kafka may take for what is written down.
const KAFKA: Duration = Duration::from_secs(30);
/// Where the focus is: the id of a field, the text of a link.
const FOCUS: &str = "const it = document.activeElement; return it.id || it.innerText";

/// A list, and how its rows come to be by the API.
struct List {
    /// The end of its page's address, and the `id` of the list.
    page: &'static str,
    /// Where its rows are made, and below which they are deleted.
    path: &'static str,
    /// The field with the name of a row.
    field: &'static str,
}

impl List {
    async fn add(&self, site: &Site, name: &str) {
        let mut body = json!({});
        body[self.field] = name.into();
        site.create(self.path, &body).await;
    }
}

async fn focus(browser: &Browser) -> Value {
    browser.script(FOCUS, vec![]).await
}

async fn gone(browser: &Browser, name: &str) {
    browser
        .wait_until(&format!("{name} is gone"), KAFKA, async || {
            let text = browser.text().await;
            if text.contains(name) { Err(text) } else { Ok(()) }
        })
        .await;
}

async fn follows(browser: &Browser, site: &Site, list: &List) {
    let all = format!("console-live-{}", std::process::id());
    let [first, second, third] = ["b", "a", "c"].map(|it| format!("{all}-{it}"));
    list.add(site, &first).await;
    let page = format!("/{}", list.page);
    let address = site.page(&format!("{page}?q={all}&sort=-name"));
    browser.open(&address).await;
    browser.wait_for_text(&first).await;
    browser.script("window.stays = true", vec![]).await;
    assert_eq!(
        browser.script("return document.querySelectorAll('[sse-connect]').length", vec![]).await,
        json!(1),
        "connections of a page"
    );

    // Somebody is in the middle of a word.
    let filter = format!("{}-q", list.page);
    let half = "const it = document.getElementById(arguments[0]); it.focus(); it.value = 'hal'";
    browser.script(half, vec![json!(filter)]).await;
    list.add(site, &second).await;
    browser.wait_for_text_within(&second, KAFKA).await;
    assert_eq!(focus(browser).await, json!(filter));
    let value = "return document.getElementById(arguments[0]).value";
    assert_eq!(browser.script(value, vec![json!(filter)]).await, json!("hal"));

    // Somebody is at a row, and others come before it and go from behind it.
    let at =
        "[...document.querySelectorAll('th a')].find(it => it.innerText === arguments[0]).focus()";
    browser.script(at, vec![json!(first)]).await;
    list.add(site, &third).await;
    browser.wait_for_text_within(&third, KAFKA).await;
    assert_eq!(focus(browser).await, json!(first));
    let names = "return [...document.querySelectorAll('tbody th')].map(it => it.innerText)";
    assert_eq!(browser.script(names, vec![]).await, json!([third, first, second]), "its order");
    site.delete(&format!("{}/{second}", list.path)).await;
    gone(browser, &second).await;
    assert_eq!(focus(browser).await, json!(first));
    assert_eq!(browser.url().await, address);
    assert_eq!(browser.script("return window.stays", vec![]).await, json!(true));
    for name in [first, third] {
        site.delete(&format!("{}/{name}", list.path)).await;
    }
}

#[tokio::test]
async fn topics_follow_what_somebody_else_does() {
    let site = Site::new();
    let list = List { page: "topics", path: "/topic", field: "topic_name" };
    browse("live-topics", async |browser| {
        browser.sign_in_by_token(&site).await;
        follows(browser, &site, &list).await;
    })
    .await;
}

#[tokio::test]
async fn service_users_follow_what_somebody_else_does() {
    let site = Site::new();
    let list = List { page: "users", path: "/user", field: "username" };
    browse("live-users", async |browser| {
        browser.sign_in_by_token(&site).await;
        follows(browser, &site, &list).await;
    })
    .await;
}

/// What was opened stays open.
#[tokio::test]
async fn acls_quotas_events_and_services_follow_what_somebody_else_does() {
    let site = Site::new();
    let user = format!("console-live-{}", std::process::id());
    browse("live-others", async |browser| {
        browser.sign_in_by_token(&site).await;
        browser.open(&site.page(&format!("/acls?q={user}"))).await;
        let entry = json!({ "permission": "read", "topic": "logs-*", "username": user });
        let added = site.create("/acl", &entry).await;
        browser.wait_for_text(&user).await;
        let entry = added["acl"].as_array().unwrap().iter().find(|it| it["username"] == user);
        let id = entry.unwrap()["id"].as_str().unwrap().to_owned();

        browser.open(&site.page(&format!("/events?text={user}"))).await;
        browser.wait_for_text("service_acl_add").await;
        browser.script("document.querySelector('td details').open = true", vec![]).await;
        site.delete(&format!("/acl/{id}")).await;
        browser.wait_for_text("service_acl_delete").await;
        let open = "return [...document.querySelectorAll('td details')].map(it => it.open)";
        assert_eq!(browser.script(open, vec![]).await, json!([false, true]));

        browser.open(&site.page(&format!("/quotas?q={user}"))).await;
        site.create("/quota", &json!({ "user": user, "producer_byte_rate": 1_048_576 })).await;
        browser.wait_for_text("1048576").await;
        site.delete(&format!("/quota?user={user}")).await;
        gone(browser, "1048576").await;

        browser.open(&site.console("")).await;
        browser.wait_for_text(&site.service).await;
        let changed = "return document.querySelector('tbody time').dateTime";
        let before = browser.script(changed, vec![]).await;
        for value in [json!(1_300_000), json!(null)] {
            site.update(&json!({ "user_config": { "kafka": { "message_max_bytes": value } } }))
                .await;
        }
        browser
            .wait_until("the moment of the last change", KAFKA, async || {
                let now = browser.script(changed, vec![]).await;
                if now == before { Err(now.to_string()) } else { Ok(()) }
            })
            .await;
    })
    .await;
}

/// Counts what the page hears; what it asks for the browser counts.
const COUNT: &str = "window.heard = 0; performance.clearResourceTimings();
    document.addEventListener('htmx:sseMessage', () => { window.heard += 1 })";
/// How often it was told and how often it asked; nothing while it asks.
const COUNTED: &str = "if (document.querySelector('.htmx-request')) return null;
    const asked = performance.getEntriesByType('resource')
        .filter(it => it.initiatorType === 'xmlhttprequest').map(it => it.name);
    return { heard: window.heard, asked }";
/// Writes over what each part shows, and puts one there that the page has not.
const SPOIL: &str = "document.querySelectorAll('[data-part] :is(td, dd)')
        .forEach(it => { it.textContent = 'spoiled' });
    document.querySelector('main').insertAdjacentHTML('beforeend',
        '<p id=gone data-part=gone>spoiled</p>')";
const CHANGE: &str = "htmx.trigger('#follow', 'sse:changed')";

async fn mended(browser: &Browser) {
    gone(browser, "spoiled").await;
    assert_eq!(browser.script("return document.getElementById('gone')", vec![]).await, json!(null));
}

#[tokio::test]
async fn a_page_asks_once_at_each_change_for_all_that_follows() {
    let site = Site::new();
    browse("live-once", async |browser| {
        browser.sign_in_by_token(&site).await;
        let address = site.page("");
        browser.open(&address).await;
        let parts = "return [...document.querySelectorAll('[data-part]')].map(it => it.id)";
        assert_eq!(browser.script(parts, vec![]).await, json!(["now", "nodes-found"]));
        browser.script(COUNT, vec![]).await;
        browser.script(SPOIL, vec![]).await;
        // What follows it is as good as any other change of the service.
        site.update(&json!({ "user_config": { "kafka": { "message_max_bytes": 1_300_000 } } }))
            .await;
        mended(browser).await;
        site.update(&json!({ "user_config": { "kafka": { "message_max_bytes": null } } })).await;
        browser
            .wait_until("two changes are heard of, each asked for", KAFKA, async || {
                let counted = browser.script(COUNTED, vec![]).await;
                let heard = counted["heard"].as_u64().unwrap_or_default();
                if heard >= 2 { Ok(()) } else { Err(counted.to_string()) }
            })
            .await;
        let counted = browser.script(COUNTED, vec![]).await;
        let asked = counted["asked"].as_array().unwrap();
        assert!(asked.iter().all(|it| *it == json!(address)), "{counted}");
        // Two that come at once are asked for once.
        let heard = usize::try_from(counted["heard"].as_u64().unwrap()).unwrap();
        assert!((1..=heard).contains(&asked.len()), "{counted}");
    })
    .await;
}

/// Whichever comes first, and if two lists of a page are asked for different things.
#[tokio::test]
async fn what_somebody_asks_for_is_not_undone_by_a_change() {
    let site = Site::new();
    let user = format!("console-live-{}", std::process::id());
    browse("live-asked", async |browser| {
        browser.sign_in_by_token(&site).await;
        let sort = "document.querySelector('#nodes th[aria-sort] a').click()";
        for both in [format!("{CHANGE}; {sort}"), format!("{sort}; {CHANGE}")] {
            browser.open(&site.page("?sort=node")).await;
            let names = "return [...document.querySelectorAll('#nodes tbody th')]
                .map(it => it.innerText).join()";
            let before = browser.script(names, vec![]).await;
            browser.script(SPOIL, vec![]).await;
            browser.script(&both, vec![]).await;
            mended(browser).await;
            assert_eq!(
                (before, browser.script(names, vec![]).await),
                ("1,2,3".into(), "3,2,1".into())
            );
            assert_eq!(browser.url().await, site.page("?sort=-node"));
        }

        let entry = json!({ "permission": "read", "topic": "a", "username": user });
        let added = site.create("/acl", &entry).await;
        let added = added["acl"].as_array().unwrap().iter().find(|it| it["username"] == user);
        let native = json!({
            "principal": format!("User:{user}"), "host": "*", "resource_type": "Topic",
            "resource_name": "a", "pattern_type": "LITERAL", "operation": "Read",
            "permission_type": "ALLOW",
        });
        let native = site.create("/kafka/acl", &native).await;
        browser.open(&site.page("/acls")).await;
        for (list, of) in [("entries for service users", ""), ("kafka-native entries", "&of=kafka")]
        {
            browser.fill(&format!("Filter {list}"), &user).await;
            browser.wait_for_url(&site.page(&format!("/acls?q={user}{of}"))).await;
        }
        let ours = "return [...document.querySelectorAll('tbody')].map(it =>
            [...it.rows].map(it => it.innerText.includes(arguments[0])).join())";
        browser.script(SPOIL, vec![]).await;
        browser.script(CHANGE, vec![]).await;
        mended(browser).await;
        assert_eq!(browser.script(ours, vec![json!(user)]).await, json!(["true", "true"]));
        for (path, id) in [("/acl", &added.unwrap()["id"]), ("/kafka/acl", &native["acl"]["id"])] {
            site.delete(&format!("{path}/{}", id.as_str().unwrap())).await;
        }
    })
    .await;
}
