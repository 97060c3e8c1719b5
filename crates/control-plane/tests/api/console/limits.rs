//! How sessions end, and what becomes of a form that comes too late.

use std::num::NonZeroU32;

use control_plane::{ConsoleSettings, Settings, alarm};
use http::header::{LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{Method, StatusCode};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::OVERVIEW;
use super::browser::Browser;
use crate::harness::{Api, TOKEN, settings};

/// As if so many seconds had gone by.
async fn age(pool: &PgPool, column: &str, secs: u32) {
    let sql =
        format!("update console_session set {column} = {column} - make_interval(secs => {secs})");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

async fn is_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/console").await.status == StatusCode::OK
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_session_ends_when_nobody_uses_it(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    age(&pool, "last_used_at", 1790).await;
    assert!(is_in(&mut browser).await, "which is a use");
    age(&pool, "last_used_at", 1790).await;
    assert!(is_in(&mut browser).await);
    age(&pool, "last_used_at", 1790).await;
    let live = [("tidegate-live", "1"), ("hx-request", "true")];
    assert_eq!(browser.get_with("/console", &live).await.status, StatusCode::OK);
    age(&pool, "last_used_at", 20).await;
    let over = browser.get("/console").await;
    assert_eq!(over.status, StatusCode::SEE_OTHER, "what nobody asked for is no use");
    assert!(over.header(SET_COOKIE).contains("Max-Age=0"), "the cookie is taken away");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_session_ends_after_its_time_whatever_is_done_in_it(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    age(&pool, "created_at", 43_190).await;
    assert!(is_in(&mut browser).await);
    age(&pool, "created_at", 20).await;
    assert!(!is_in(&mut browser).await);
    let mut other = Browser::signed_in(&api, TOKEN).await;
    assert!(is_in(&mut other).await);
    let left: i64 =
        sqlx::query_scalar("select count(*) from console_session").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 1, "what has ended is removed by the next to sign in");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_session_ends_with_its_token(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    assert!(is_in(&mut browser).await);
    sqlx::query("update api_token set expires_at = now()").execute(&pool).await.unwrap();
    assert!(!is_in(&mut browser).await);
    sqlx::query("update api_token set expires_at = null").execute(&pool).await.unwrap();
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    assert_eq!(
        api.post("/v1/me/expire_tokens", serde_json::json!({})).await.status,
        StatusCode::OK
    );
    assert!(!is_in(&mut browser).await);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn one_signs_out_here_elsewhere_and_everywhere(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let mut here = Browser::signed_in(&api, TOKEN).await;
    let mut there = Browser::signed_in(&api, TOKEN).await;
    let page = here.get("/console/sessions").await;
    let (_, rest) = page.body.split_once("name=\"session\" value=\"").unwrap();
    let id = rest.split('"').next().unwrap().to_owned();
    let csrf = here.csrf().await;
    let fields = [("csrf", csrf.as_str()), ("session", id.as_str())];
    let answer = here.post("/console/sessions/end", &fields).await;
    assert_eq!(answer.header(LOCATION), "/console/sessions");
    assert!(is_in(&mut here).await && !is_in(&mut there).await);
    let answer = here.post("/console/sign-out", &[("csrf", &csrf)]).await;
    assert_eq!(answer.header(LOCATION), "/console/sign-in?signed_out=1");
    assert!(!is_in(&mut here).await && here.cookie.is_none());
    let mut here = Browser::signed_in(&api, TOKEN).await;
    let mut there = Browser::signed_in(&api, TOKEN).await;
    let csrf = here.csrf().await;
    here.post("/console/sign-out-everywhere", &[("csrf", &csrf)]).await;
    assert!(!is_in(&mut here).await && !is_in(&mut there).await);
    let events = here.events().await;
    assert_eq!(events.iter().filter(|it| *it == "console_sign_out").count(), 3, "{events:?}");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_form_that_comes_too_late_is_kept_and_sent_again(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let csrf = browser.csrf().await;
    age(&pool, "created_at", 50_000).await;
    let late = [("csrf", csrf.as_str()), ("session", "<what I typed>"), ("password", "hunter2")];
    let kept = browser.post("/console/sessions/end?a=1", &late).await;
    assert_eq!(kept.status, StatusCode::UNAUTHORIZED);
    assert!(kept.has("name=\"session\" value=\"&lt;what I typed&gt;\""), "{}", kept.body);
    assert!(kept.has("name=\"tidegate_send_to\" value=\"/console/sessions/end?a=1\""));
    assert!(kept.has("name=\"tidegate_left_out\" value=\"password\""), "{}", kept.body);
    assert!(!kept.has("hunter2") && !kept.has(&csrf), "{}", kept.body);
    let again = |token: &'static str| {
        [
            ("tidegate_send_to", "/console/sessions/end?a=1"),
            ("session", "<what I typed>"),
            ("tidegate_left_out", "password"),
            ("tidegate_token", token),
        ]
    };
    let refused = browser.post("/console/sign-in/again", &again("tidegate_wrong")).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.has("opens nothing") && refused.has("&lt;what I typed&gt;"));
    let offered = browser.post("/console/sign-in/again", &again(TOKEN)).await;
    assert_eq!(offered.status, StatusCode::OK);
    assert!(offered.has("action=\"/console/sessions/end?a=1\""), "{}", offered.body);
    assert!(offered.has("name=\"session\" value=\"&lt;what I typed&gt;\""));
    assert!(offered.has("name=\"password\" type=\"password\""));
    let (_, rest) = offered.body.split_once("name=\"csrf\" value=\"").unwrap();
    let csrf = rest.split('"').next().unwrap();
    let sent = browser.post("/console/sessions/end", &[("csrf", csrf), ("session", "x")]).await;
    assert_eq!(sent.status, StatusCode::NOT_FOUND, "it got as far as its handler");
    // Signed in in another tab.
    let offered = browser.post("/console/sign-in/again", &again(TOKEN)[..2]).await;
    assert!(offered.has("Send it now"), "{}", offered.body);
    // The same, and the form is sent from a page of the session before.
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let offered = browser.post("/console/sessions/end?a=1", &late).await;
    assert_eq!(offered.status, StatusCode::FORBIDDEN);
    assert!(offered.has("Send it now") && offered.has("value=\"&lt;what I typed&gt;\""));
    assert!(!offered.has("hunter2") && !offered.has(late[0].1), "{}", offered.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn htmx_hears_that_a_session_has_ended_and_pages_keep_their_forms(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut browser = Browser::new(&api);
    let htmx = [("hx-request", "true")];
    let answer = browser.get_with(OVERVIEW, &htmx).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("hx-retarget"), "#notices");
    assert!(answer.has("id=\"notice\"") && !answer.has("<html"), "{}", answer.body);
    let from_here = [("hx-request", "true"), ("sec-fetch-site", "same-origin")];
    let kept = browser.post_from("/console/sessions/end", &[("a", "b")], &from_here).await;
    assert_eq!((kept.status, kept.header("hx-retarget")), (StatusCode::UNAUTHORIZED, "#main"));
    assert!(kept.has("id=\"again\"") && !kept.has("<html"), "{}", kept.body);
    let stream = [("accept", "text/event-stream")];
    let answer = browser.get_with(&format!("{OVERVIEW}/live"), &stream).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn who_guesses_is_slowed_down_and_who_has_signed_in_is_not(pool: PgPool) {
    let few = Settings { auth_failures: NonZeroU32::new(3).unwrap(), ..settings() };
    let mut api = Api::empty(&pool).await;
    api = Api::of(api.store, few, alarm(CancellationToken::new()).1, None);
    let mut good = Browser::signed_in(&api, TOKEN).await;
    let mut browser = Browser::new(&api);
    browser.cookie = Some(format!("tidegate-session={}", "A".repeat(43)));
    assert_eq!(browser.get("/console").await.status, StatusCode::SEE_OTHER, "no such session");
    for _ in 0..2 {
        let answer = browser.post("/console/sign-in", &[("token", "wrong")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = browser.post("/console/sign-in", &[("token", "wrong")]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!answer.header(RETRY_AFTER).is_empty() && answer.has("Too many attempts"));
    assert!(is_in(&mut good).await);
    let me = api.call_as("wrong", Method::GET.as_str(), "/v1/me", None).await;
    assert_eq!(me.status, StatusCode::TOO_MANY_REQUESTS, "counted together");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn by_https_the_cookie_is_for_https_only(pool: PgPool) {
    let console = ConsoleSettings {
        public_url: Some("https://tidegate.example".parse().unwrap()),
        ..ConsoleSettings::default()
    };
    let mut api = Api::empty(&pool).await;
    let wake = alarm(CancellationToken::new()).1;
    api = Api::of(api.store, Settings { console, ..settings() }, wake, None);
    let mut browser = Browser::new(&api);
    let from_here = [("origin", "https://tidegate.example")];
    let answer = browser.post_from("/console/sign-in", &[("token", TOKEN)], &from_here).await;
    let cookie = answer.header(SET_COOKIE);
    assert!(cookie.starts_with("__Host-tidegate-session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    assert!(is_in(&mut browser).await);
}
