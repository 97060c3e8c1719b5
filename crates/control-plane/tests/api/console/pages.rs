//! What is on the pages, and for whom.

use axum::body::Body;
use futures::StreamExt as _;
use http::header::{COOKIE, HOST};
use http::{Request, Response, StatusCode};
use model::{Grants, NodeState, Role, Scope};
use serde_json::json;
use sqlx::PgPool;

use super::OVERVIEW;
use super::browser::Browser;
use super::settings::with_role;
use crate::harness::{Api, OTHER_TOKEN, TOKEN, add_token};

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn everybody_sees_the_services_of_their_projects_and_no_others(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut dev = Browser::signed_in(&api, TOKEN).await;
    let page = dev.get("/console").await;
    assert!(page.has(&format!("href=\"{OVERVIEW}\"")) && page.has("RUNNING"), "{}", page.body);
    let mut other = Browser::signed_in(&api, OTHER_TOKEN).await;
    let page = other.get("/console").await;
    assert!(page.has("There is no service yet.") && !page.has("my-kafka\""), "{}", page.body);
    for path in [OVERVIEW, &format!("{OVERVIEW}/live"), "/console?project=dev"] {
        let answer = other.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.has("Project does not exist"), "{}", answer.body);
    }
    assert_eq!(dev.get("/console/project/dev/service/none").await.status, StatusCode::NOT_FOUND);
    add_token(&api.store, "tidegate_nothing", Grants::none()).await;
    let mut nobody = Browser::signed_in(&api, "tidegate_nothing").await;
    assert!(nobody.get("/console").await.has("You have no role in any project."));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_list_is_filtered_and_its_part_goes_to_htmx(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let everywhere = Grants::one(Scope::Everywhere, Role::ReadOnly);
    add_token(&api.store, "tidegate_reader", everywhere).await;
    let mut browser = Browser::signed_in(&api, "tidegate_reader").await;
    let page = browser.get("/console?q=MY-K&sort=-name").await;
    assert!(page.has("1–1 of 1") && page.has("aria-sort=\"descending\""), "{}", page.body);
    let page = browser.get("/console?q=%3Cnothing%3E&page=7").await;
    assert!(page.has("Nothing has “&lt;nothing&gt;” in it."), "{}", page.body);
    let part = browser.get_with("/console?q=my", &[("hx-request", "true")]).await;
    assert!(!part.has("<html") && part.has("id=\"services-found\""), "{}", part.body);
    let whole = [("hx-request", "true"), ("hx-history-restore-request", "true")];
    assert!(browser.get_with("/console", &whole).await.has("<html"));
    let lost = browser.get_with("/console/nowhere", &[("hx-request", "true")]).await;
    assert_eq!((lost.status, lost.header("hx-retarget")), (StatusCode::NOT_FOUND, "#notices"));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_overview_says_how_nodes_are_and_how_to_connect(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let service = api.service().await;
    api.publish(service.id, 1, NodeState::Running).await;
    api.publish(service.id, 2, NodeState::SyncingData).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let page = browser.get(OVERVIEW).await;
    for text in
        ["REBUILDING", "broker, active controller", "syncing_data", "unknown", "SCRAM-SHA-512"]
    {
        assert!(page.has(text), "{text}: {}", page.body);
    }
    for client in ["librdkafka", "Java", "Python", "curl", "kcat", "avn"] {
        assert!(page.has(&format!("<summary>{client}</summary>")), "{client}: {}", page.body);
    }
    let info = api.get("/v1/project/dev/service/my-kafka/connection_info").await.ok();
    let bootstrap = info["connection_info"]["bootstrap_servers"].as_str().unwrap();
    assert!(page.has(bootstrap));
}

/// What comes next in a stream of events, without heartbeats.
async fn next_event(body: &mut axum::body::BodyDataStream) -> Option<String> {
    loop {
        let piece = body.next().await?.unwrap();
        let text = String::from_utf8(piece.to_vec()).unwrap();
        if !text.starts_with(':') {
            return Some(text);
        }
    }
}

/// The only stream of a page, which it would follow.
async fn live(api: &Api, browser: &mut Browser<'_>, page: &str) -> Response<Body> {
    let page = browser.get(page).await.body;
    let (before, rest) = page.split_once("sse-connect=\"").unwrap();
    assert!(
        before.ends_with("<main id=\"main\" tabindex=\"-1\" ") && !rest.contains("sse-connect")
    );
    let path = rest.split('"').next().unwrap().replace("&amp;", "&");
    let request = Request::builder().uri(path).header(HOST, "localhost:8080");
    let cookie = browser.cookie.clone().unwrap();
    let request = request.header(COOKIE, cookie).header("accept", "text/event-stream");
    api.open(request.body(Body::empty()).unwrap()).await
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn each_list_is_a_part_of_a_page_that_hears_of_what_it_shows(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let user = json!({ "username": "ann" });
    let acl = json!({ "permission": "read", "topic": "in", "username": "ann" });
    let quota = json!({ "user": "ann", "producer_byte_rate": 1000 });
    let native = json!({
        "principal": "User:ann", "host": "*", "resource_type": "Topic", "resource_name": "in",
        "pattern_type": "LITERAL", "operation": "Read", "permission_type": "ALLOW",
    });
    let of_service = |end: &str| format!("{OVERVIEW}/{end}");
    for (page, parts, asked, change, body) in [
        (
            of_service("users?q=a&sort=-name"),
            vec!["users-found"],
            "users.q users.sort",
            "user",
            user,
        ),
        // What is empty comes with all that is around it.
        (of_service("acls?q=x"), vec!["acl-found", "kafka-acl"], "acl.q", "acl", acl),
        (of_service("events?text=quota"), vec!["events-found"], "", "quota", quota.clone()),
        (of_service("quotas"), vec!["quotas-found"], "", "quota", quota),
        ("/console/project/dev/events".to_owned(), vec!["events-found"], "", "kafka/acl", native),
    ] {
        let shown = browser.get(&page).await.body;
        let values = |before: &str| -> Vec<String> {
            let values = shown.split(before).skip(1).filter_map(|it| it.split('"').next());
            values.map(str::to_owned).collect()
        };
        assert_eq!(values(" data-part=\""), parts, "{page}");
        assert_eq!(values(" data-asked name=\"").join(" "), asked, "{page}");
        assert!(shown.contains(" hx-get=\"\" hx-trigger=\"sse:changed\""), "{page}: {shown}");
        let mut events = live(&api, &mut browser, &page).await.into_body().into_data_stream();
        let changed = async {
            api.post(&format!("/v1/project/dev/service/my-kafka/{change}"), body).await.ok();
        };
        let (event, ()) = tokio::join!(next_event(&mut events), changed);
        assert_eq!(event.as_deref(), Some("event: changed\ndata: now\n\n"), "{page}");
    }
    let page = "/console?project=dev&sort=state";
    let mut events = live(&api, &mut browser, page).await.into_body().into_data_stream();
    let changed = async { api.update(json!({ "kafka_rest": false })).await.ok() };
    let (event, _) = tokio::join!(next_event(&mut events), changed);
    assert!(event.is_some(), "{page}");
    // A project that one may not see has nothing to follow.
    let mut stranger = with_role(&api, Role::ReadOnly).await;
    let refused = stranger.get("/console/project/dev/live").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_page_hears_of_changes_and_of_the_end_of_its_session(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let answer = live(&api, &mut browser, OVERVIEW).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert!(!answer.headers().contains_key("content-encoding"));
    let mut events = answer.into_body().into_data_stream();
    // Nothing has changed since the page was made, so the first event is of this.
    let (event, ()) = tokio::join!(
        next_event(&mut events),
        api.publish(api.service().await.id, 3, NodeState::Leaving)
    );
    assert_eq!(event.as_deref(), Some("event: changed\ndata: now\n\n"));
    api.update(json!({ "kafka_rest": false })).await.ok();
    assert!(next_event(&mut events).await.is_some());
    api.store.tokens.revoke("owner of token-of-dev", None, &"test".into()).await.unwrap();
    assert!(next_event(&mut events).await.is_some(), "the page is to ask, and hears why");
    assert_eq!(next_event(&mut events).await, None);
}
