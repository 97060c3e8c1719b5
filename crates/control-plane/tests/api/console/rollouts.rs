//! Rollouts: listed, looked at, told what to do, and started.

use http::StatusCode;
use http::header::LOCATION;
use model::{
    BlockerStatus, Grants, NodeId, PhaseStatus, ProbeFigures, Role, RolloutStatus, Scope, Timestamp,
};
use serde_json::json;
use sqlx::PgPool;

use super::OVERVIEW;
use super::browser::{Browser, Seen};
use crate::harness::{Api, OTHER_TOKEN, SERVICE, TOKEN, add_token};

fn list() -> String {
    format!("{OVERVIEW}/rollouts")
}

/// A service with a rollout of every node under way, and the address of its page.
async fn rolling(pool: &PgPool) -> (Api, String) {
    let api = Api::with_service(pool).await;
    let answer = api.post(&format!("{SERVICE}/rollouts"), json!({ "all_nodes": true })).await;
    let id = answer.body["rollout"]["id"].as_str().unwrap();
    let page = format!("{}/{id}", list());
    (api, page)
}

async fn see(api: &Api, code: &str, text: &str) {
    let active = api.active().await;
    let now = Timestamp::now();
    let node = |id: i32, phase: &str| PhaseStatus {
        node: NodeId(id),
        phase: phase.into(),
        since: now.plus_ms(-5000),
    };
    let status = RolloutStatus {
        blocker: Some(BlockerStatus { code: code.into(), text: text.into(), since: now }),
        nodes: vec![node(1, "done"), node(2, "catching_up")],
        probe: Some(ProbeFigures { sent: 900, failed: 2, slowest_ms: 80, longest_gap_ms: 140 }),
    };
    let happened =
        [(Some(NodeId(2)), "phase", "stopping"), (Some(NodeId(2)), "phase", "catching_up")];
    api.store.rollouts.publish(active.id, &status, &happened).await.unwrap();
}

async fn send(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Seen {
    let csrf = browser.csrf().await;
    let mut fields = fields.to_vec();
    fields.push(("csrf", &csrf));
    browser.post(path, &fields).await
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn rollouts_are_listed_sorted_and_filtered(pool: PgPool) {
    let (api, one) = rolling(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let page = browser.get(&list()).await;
    assert!(page.has("1–2 of 2") && page.has(&format!("href=\"{one}\"")), "{}", page.body);
    assert!(page.has("running") && page.has("done") && page.has("as asked for"));
    let newest_first = page.body.find("running").unwrap() < page.body.find(">done<").unwrap();
    assert!(newest_first);
    let page = browser.get(&format!("{}?sort=started", list())).await;
    assert!(page.body.find("running").unwrap() > page.body.find(">done<").unwrap());
    let page = browser.get(&format!("{}?q=running", list())).await;
    assert!(page.has("1–1 of 1 (2 in all)"), "{}", page.body);
    let mut other = Browser::signed_in(&api, OTHER_TOKEN).await;
    for path in [&list(), &one] {
        assert_eq!(other.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for id in ["nonsense", "00000000-0000-0000-0000-000000000000"] {
        let answer = browser.get(&format!("{}/{id}", list())).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(answer.has("Rollout does not exist"));
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_rollout_says_what_its_nodes_do_and_what_clients_noticed(pool: PgPool) {
    let (api, one) = rolling(&pool).await;
    see(&api, "out_of_sync", "node 2: 3 replicas are <behind>").await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let page = browser.get(&one).await;
    for text in [
        "1 of 3",
        "replicas catch up",
        "waits for its turn",
        "3 replicas are &lt;behind&gt;",
        "2</span> of 900",
        "140 ms without an acknowledgement",
        "stopping: less than a second",
        "sse-connect",
        "Pause…",
        "Abort…",
    ] {
        assert!(page.has(text), "{text}: {}", page.body);
    }
    let overview = browser.get(OVERVIEW).await;
    assert!(overview.has(&format!("href=\"{one}\"")), "{}", overview.body);
    api.finish_rollout().await;
    let page = browser.get(&one).await;
    assert!(page.has("Ended") && !page.has("Pause…") && !page.has("sse-connect"), "{}", page.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn other_pages_say_that_nodes_are_restarted_until_it_has_ended(pool: PgPool) {
    let (api, one) = rolling(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let elsewhere = format!("{OVERVIEW}/authorization");
    let page = browser.get(&elsewhere).await;
    assert!(page.has("Nodes are being restarted") && page.has(&one), "{}", page.body);
    assert!(!browser.get("/console").await.has("Nodes are being restarted"));
    let banner = format!("{one}/banner");
    let part = [("hx-request", "true")];
    let under_way = browser.get_with(&banner, &part).await;
    assert!(under_way.has(&format!("hx-get=\"{banner}\"")), "{}", under_way.body);
    api.finish_rollout().await;
    let ended = browser.get_with(&banner, &part).await;
    assert!(ended.has("has ended") && !ended.has("hx-get"), "{}", ended.body);
    assert!(!browser.get(&elsewhere).await.has("restart"), "nothing to say any more");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_rollout_is_paused_with_a_reason_and_resumed(pool: PgPool) {
    let (api, one) = rolling(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let pause = format!("{one}/pause");
    assert!(browser.get(&pause).await.has("No further node is touched"));
    let wrong = send(&mut browser, &pause, &[("reason", " ")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.has("id=\"reason-error\"") && wrong.has("Invalid 'reason'"), "{}", wrong.body);
    let paused = send(&mut browser, &pause, &[("reason", "lunch <now>")]).await;
    assert_eq!(paused.status, StatusCode::SEE_OTHER, "{}", paused.body);
    let page = browser.get(paused.header(LOCATION)).await;
    assert!(page.has("Paused: a node that") && page.has("lunch &lt;now&gt;"), "{}", page.body);
    assert!(page.has("Resume…") && !page.has("Pause…"));
    let idle = browser.get(&pause).await;
    assert!(idle.has("not in a state") && !idle.has("name=\"reason\""), "{}", idle.body);
    let resumed = send(&mut browser, &format!("{one}/resume"), &[]).await;
    assert!(browser.get(resumed.header(LOCATION)).await.has("Resumed: it goes on."));
    assert!(api.active().await.rollout.paused.is_none());
    let events = api.store.events.latest(&store::EventFilter::default(), 2).await.unwrap();
    assert_eq!(events[0].event_type, "rollout_resumed");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn only_operators_tell_a_rollout_and_only_by_their_own_form(pool: PgPool) {
    let (api, one) = rolling(&pool).await;
    let developer = Grants::one(Scope::Everywhere, Role::Developer);
    add_token(&api.store, "tidegate_developer", developer).await;
    let mut weak = Browser::signed_in(&api, "tidegate_developer").await;
    let page = weak.get(&one).await;
    assert!(page.status == StatusCode::OK && !page.has("Pause…"), "{}", page.body);
    assert!(!weak.get(&list()).await.has("Start a rollout"));
    let mut strong = Browser::signed_in(&api, TOKEN).await;
    let commands = ["pause", "resume", "abort", "rollback", "consent", "start-now"];
    let paths = commands.map(|it| format!("{one}/{it}"));
    for path in paths.iter().chain([&format!("{}/start", list())]) {
        assert_eq!(weak.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(send(&mut weak, path, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
        let forged = strong.post(path, &[("reason", "r")]).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(api.active().await.rollout.paused.is_none());
    let nonsense = send(&mut strong, &format!("{one}/explode"), &[]).await;
    assert_eq!(nonsense.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn aborting_and_going_back_are_asked_for_twice(pool: PgPool) {
    let (api, one) = rolling(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let abort = format!("{one}/abort");
    assert!(browser.get(&abort).await.has("Nodes stay as they are"));
    assert!(!api.active().await.rollout.abort, "it was only asked");
    assert_eq!(send(&mut browser, &abort, &[]).await.status, StatusCode::SEE_OTHER);
    assert!(api.active().await.rollout.abort);
    let back = format!("{one}/rollback");
    assert!(browser.get(&back).await.has("not in a state"), "there is nothing to go back to");
    let refused = send(&mut browser, &back, &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    api.finish_rollout().await;
    let late = send(&mut browser, &abort, &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.has("Rollout has ended: done"), "{}", late.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn consent_needs_a_name_a_reason_and_a_remedy_and_what_was_seen(pool: PgPool) {
    let (api, one) = rolling(&pool).await;
    see(&api, "needs_consent", "2 partitions would be unavailable").await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    assert!(browser.get(&one).await.has("Give consent…"));
    let consent = format!("{one}/consent");
    let page = browser.get(&consent).await;
    assert!(page.has("Kafka cannot be asked") && page.has("name=\"version\""), "{}", page.body);
    let version = api.active().await.version.to_string();
    let fields = |version, name, remedy| {
        [("version", version), ("name", name), ("reason", "at night"), ("remedy", remedy)]
    };
    let nobody = send(&mut browser, &consent, &fields(&version, "", "outage")).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nobody.has("id=\"name-error\"") && nobody.has("value=\"at night\""), "{}", nobody.body);
    let hope = send(&mut browser, &consent, &fields(&version, "ann", "hope")).await;
    assert!(hope.status == StatusCode::UNPROCESSABLE_ENTITY && hope.has("Invalid 'remedy'"));
    let stale = send(&mut browser, &consent, &fields("99", "ann", "outage")).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    assert!(stale.has("has changed since") && stale.has("value=\"at night\""), "{}", stale.body);
    let agreed = send(&mut browser, &consent, &fields(&version, "ann", "outage")).await;
    let page = browser.get(agreed.header(LOCATION)).await;
    assert!(page.has("Your consent is written down.") && page.has("at night"), "{}", page.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_rollout_is_started_once_however_often_the_form_is_sent(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let start = format!("{}/start", list());
    let page = browser.get(&format!("{start}?all_nodes=true&soak_seconds=5")).await;
    assert!(page.has("Kafka cannot be asked") && page.has("name=\"generation\""), "{}", page.body);
    let wrong = browser.get(&format!("{start}?soak_seconds=soon")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.has("id=\"soak_seconds-error\"") && wrong.has("value=\"soon\""),
        "{}",
        wrong.body
    );
    let generation = api.service().await.generation.to_string();
    let fields = |generation, soak| {
        [("generation", generation), ("key", "k"), ("all_nodes", "true"), ("soak_seconds", soak)]
    };
    let many = send(&mut browser, &start, &fields(&generation, "86401")).await;
    assert!(many.status == StatusCode::UNPROCESSABLE_ENTITY && many.has("soak_seconds-error"));
    let stale = send(&mut browser, &start, &fields("99", "5")).await;
    assert!(stale.has("has changed since"), "{}", stale.body);
    let first = send(&mut browser, &start, &fields(&generation, "5")).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.body);
    assert!(browser.get(first.header(LOCATION)).await.has("Started."));
    let again = send(&mut browser, &start, &fields(&generation, "5")).await;
    assert_eq!(again.header(LOCATION), first.header(LOCATION));
    let rollout = api.active().await.rollout;
    assert!(rollout.restart_all && rollout.policy.soak_ms == 5000);
    let page = browser.get(&start).await;
    assert!(first.header(LOCATION).starts_with(page.header(LOCATION)), "to the one under way");
}
