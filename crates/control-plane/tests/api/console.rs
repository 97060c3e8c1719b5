//! The console as a browser sees it: signing in and out, who gets in, what answers carry.

mod browser;
mod contents;
mod limits;
mod oidc;
mod oidc_setup;
mod pages;
mod rollouts;
mod settings;
mod tables;

use console::assets::ASSETS;
use http::StatusCode;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE,
};
use sqlx::PgPool;

use self::browser::Browser;
use crate::harness::{Api, TOKEN};

const OVERVIEW: &str = "/console/project/dev/service/my-kafka";

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn somebody_signs_in_with_a_token_and_goes_where_they_wanted(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut browser = Browser::new(&api);
    let first = browser.get(OVERVIEW).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    let sign_in = "/console/sign-in?return_to=%2Fconsole%2Fproject%2Fdev%2Fservice%2Fmy-kafka";
    assert_eq!(first.header(LOCATION), sign_in);
    let page = browser.get(sign_in).await;
    assert!(page.has("type=\"password\"") && page.has(&format!("value=\"{OVERVIEW}\"")));
    let fields = [("token", TOKEN), ("return_to", OVERVIEW)];
    let answer = browser.post("/console/sign-in", &fields).await;
    assert_eq!((answer.status, answer.header(LOCATION)), (StatusCode::SEE_OTHER, OVERVIEW));
    let cookie = answer.header(SET_COOKIE);
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    let page = browser.get(OVERVIEW).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.has("my-kafka: Overview") && page.has("owner of token-of-dev"), "{}", page.body);
    assert_eq!(browser.events().await, ["console_sign_in"]);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_wrong_token_opens_nothing_and_is_not_shown_again(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let mut browser = Browser::new(&api);
    for wrong in ["", "tidegate_wrong", "a.b.c"] {
        let answer = browser.post("/console/sign-in", &[("token", wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.has("This token opens nothing") && !answer.has("tidegate_wrong"));
        assert!(answer.headers.get(SET_COOKIE).is_none());
    }
    assert_eq!(browser.events().await, ["console_sign_in_refused"; 3]);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_leads_elsewhere_leads_to_the_console(pool: PgPool) {
    let api = Api::empty(&pool).await;
    for evil in ["https://evil.example/", "//evil.example/console", "/v1/me", "/console/../v1/me"] {
        let mut browser = Browser::new(&api);
        let fields = [("token", TOKEN), ("return_to", evil)];
        let answer = browser.post("/console/sign-in", &fields).await;
        assert_eq!(answer.header(LOCATION), "/console", "{evil}");
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_form_needs_its_token_and_has_to_come_from_here(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let csrf = browser.csrf().await;
    let out = "/console/sign-out-everywhere";
    for csrf in ["", "wrong", &"A".repeat(86)] {
        let answer = browser.post(out, &[("csrf", csrf)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{csrf}");
    }
    let other = Browser::signed_in(&api, TOKEN).await.csrf().await;
    assert_eq!(browser.post(out, &[("csrf", &other)]).await.status, StatusCode::FORBIDDEN);
    for site in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[],
    ] {
        let answer = browser.post_from(out, &[("csrf", &csrf)], site).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{site:?}");
        let answer = browser.post_from("/console/sign-in", &[("token", TOKEN)], site).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "signing somebody in: {site:?}");
    }
    assert_eq!(browser.get("/console").await.status, StatusCode::OK, "still signed in");
    assert_eq!(browser.post(out, &[("csrf", &csrf)]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/console").await.status, StatusCode::SEE_OTHER);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn every_answer_carries_the_strict_policy(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let mut tried = 0;
    for route in control_plane::console_routes() {
        let path = route
            .replace("{project}", "dev")
            .replace("{service}", "my-kafka")
            .replace("{file}", ASSETS[0].file)
            .replace("{*rest}", "no/such/page");
        for method in ["GET", "POST", "PUT"] {
            let answer = browser.head(method, &path).await;
            let policy = answer.header(CONTENT_SECURITY_POLICY).to_owned();
            assert!(
                policy.starts_with("default-src 'none'; script-src 'self';"),
                "{method} {path}"
            );
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            let is_kept = answer.header(CACHE_CONTROL).contains("max-age");
            assert_eq!(is_kept, method == "GET" && path.contains("/assets/"), "{method} {path}");
            assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{method} {path}");
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn assets_never_change_under_their_names(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let mut browser = Browser::new(&api);
    let page = browser.get("/console/sign-in").await;
    for asset in &ASSETS {
        let path = format!("/console/assets/{}", asset.file);
        assert!(page.has(&path), "{path}");
        let plain = browser.get(&path).await;
        assert_eq!(plain.header(CACHE_CONTROL), "public, max-age=31536000, immutable");
        assert!(plain.headers.get(CONTENT_ENCODING).is_none());
        let packed = browser.get_with(&path, &[("accept-encoding", "br, gzip")]).await;
        assert_eq!(packed.header(CONTENT_ENCODING), "gzip");
        assert_eq!(packed.bytes, asset.gzip);
    }
    let stale = browser.get("/console/assets/htmx.0000000000000000.js").await;
    assert_eq!(stale.status, StatusCode::NOT_FOUND);
    assert!(!page.body.contains("<style") && !page.body.contains(" style="), "{}", page.body);
    assert!(!page.body.contains(" on") || !page.body.contains("onclick"), "{}", page.body);
    assert_eq!(page.body.matches("<script").count(), page.body.matches("<script src=").count());
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_first_page_is_compressed_and_small(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let page = browser.get_with("/console", &[("accept-encoding", "gzip")]).await;
    assert_eq!(page.header(CONTENT_ENCODING), "gzip");
    let assets: usize = ASSETS.iter().map(|it| it.gzip.len()).sum();
    assert!(page.bytes.len() + assets < 120_000, "{} + {assets}", page.bytes.len());
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_browser_is_sent_from_the_root_to_the_console_and_a_program_is_not(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let mut browser = Browser::new(&api);
    let html = (ACCEPT.as_str(), "text/html,application/xhtml+xml,*/*;q=0.8");
    let sent = browser.get_with("/", &[html]).await;
    assert_eq!((sent.status, sent.header(LOCATION)), (StatusCode::SEE_OTHER, "/console"));
    let refused = api.get("/").await;
    assert_eq!(refused.brief(), "404 Not found");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn reports_of_browsers_are_counted_for_who_has_signed_in(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let mut browser = Browser::new(&api);
    let path = "/console/csp-report";
    let kind = [("content-type", "application/csp-report")];
    let report = r#"{"csp-report":{"effective-directive":"script-src","blocked-uri":"inline"}}"#;
    let sent = browser.send("POST", path, &kind, Some(report.to_owned())).await;
    assert_eq!(sent.status, StatusCode::NO_CONTENT);
    let nonsense = browser.send("POST", path, &kind, Some("<".to_owned())).await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST);
    let huge = browser.send("POST", path, &kind, Some("[".repeat(1 << 20))).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(browser.get(path).await.status, StatusCode::UNAUTHORIZED);
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    assert_eq!(browser.get(path).await.body, r#"{"reports":1}"#);
}
