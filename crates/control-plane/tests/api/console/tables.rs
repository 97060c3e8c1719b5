//! Tables are sorted, filtered and paged on the server, those behind a form too.

use http::StatusCode;
use model::{Principal, SeenAt, SeenReport, SeenUse, Timestamp};
use serde_json::json;
use sqlx::PgPool;

use super::browser::{Browser, Seen};
use super::settings::{fields, path, send};
use crate::harness::{Api, SERVICE, TOKEN};

/// `n` callers who wrote to a topic each by the REST proxy, the later the greater their number.
async fn saw(api: &Api, n: i64) {
    let a_use = |n: i64| SeenUse {
        principal: Some(Principal(format!("client-{n:03}"))),
        proven: true,
        resource_type: "Topic".parse().unwrap(),
        resource_name: format!("out_{}", n % 3),
        operation: "Write".parse().unwrap(),
        last: Timestamp::now().plus_ms(-1_000_000 + n),
    };
    let report = SeenReport { uses: (0..n).map(a_use).collect(), claims: Vec::new() };
    let service = api.service().await.id;
    api.store.seen.record(service, SeenAt::RestProxy, &report, Timestamp::now()).await.unwrap();
}

/// The names that begin so in the rows of the table in the section of that id, from top to bottom.
fn names(page: &Seen, section: &str, beginning: &str) -> Vec<String> {
    let (_, rest) = page.body.split_once(&format!("id=\"{section}\"")).unwrap();
    let table = rest.split_once("<tbody>").unwrap().1.split_once("</tbody>").unwrap().0;
    let rows = table.split("<tr ").skip(1);
    let name = |row: &str| {
        let (_, rest) = row.split_once(&format!("<code>{beginning}")).unwrap();
        format!("{beginning}{}", rest.split_once('<').unwrap().0)
    };
    rows.map(name).collect()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn losses_are_paged_through_by_the_address_and_beyond_the_apis_hundred(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    saw(&api, 130).await;
    // An ACL entry would give it back to a service user, and to nobody else.
    api.post(&format!("{SERVICE}/user"), json!({ "username": "client-120" })).await.ok();
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let first = browser.get(&path("authorization")).await;
    assert!(first.has("130 things") && first.has("1–50 of 130"), "{}", first.body);
    assert_eq!(names(&first, "losses", "client-")[0], "client-129");
    let last = browser.get(&path("authorization?sort=seen&page=3")).await;
    let (shown, wanted) = (names(&last, "losses", "client-"), 100..130);
    assert_eq!(shown, wanted.map(|n| format!("client-{n:03}")).collect::<Vec<_>>());
    let some = browser.get(&path("authorization?q=CLIENT-12&sort=-principal")).await;
    assert!(some.has("1–10 of 10 (130 in all)"), "{}", some.body);
    assert_eq!(names(&some, "losses", "client-")[0], "client-129");
    // Whoever adds an entry from there comes back there.
    let action = path("authorization/acl?q=CLIENT-12&amp;sort=-principal");
    assert!(some.has(&format!("action=\"{action}\"")), "{}", some.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_review_keeps_its_draft_while_its_tables_are_looked_through(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    saw(&api, 130).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let form = browser.get(&path("settings/configure")).await;
    let typed = [
        ("set.kafka_rest_authorization", "true"),
        ("set.kafka.log_roll_ms", "7200000"),
        ("set.kafka.message_max_bytes", "1500000"),
    ];
    let page = send(&mut browser, "settings/review", &fields(&form, &typed)).await;
    assert!(page.has("1–50 of 130") && page.has("1–3 of 3"), "{}", page.body);
    let draft = fields(&page, &[]);
    let with = |asked: &[(&str, &str)]| {
        let asked = asked.iter().map(|&(name, it)| (name.to_owned(), it.to_owned()));
        draft.iter().cloned().chain(asked).collect::<Vec<_>>()
    };
    // What the form of the list sends: what it has hidden, and then the button's own.
    let asked = [
        ("losses.q", "client-1"),
        ("losses.sort", "what"),
        ("losses.sort", "seen"),
        ("changes.sort", "-option"),
    ];
    let page = send(&mut browser, "settings/review", &with(&asked)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.has("1–30 of 30 (130 in all)"), "{}", page.body);
    assert_eq!(names(&page, "losses", "client-")[0], "client-100");
    assert_eq!(names(&page, "changes", "kafka")[0], "kafka_rest_authorization");
    // Each list carries what is asked of the other, and both carry the draft.
    for hidden in [
        "name=\"changes.sort\" value=\"-option\"",
        "name=\"losses.q\" value=\"client-1\"",
        "name=\"set.kafka.log_roll_ms\" value=\"7200000\"",
    ] {
        assert!(page.body.matches(hidden).count() >= 2, "{hidden}: {}", page.body);
    }
    let second = send(&mut browser, "settings/review", &with(&[("losses.page", "2")])).await;
    assert!(second.has("51–100 of 130"), "{}", second.body);
    let saved = send(&mut browser, "settings/save", &fields(&page, &[])).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    assert_eq!(api.service().await.user_config["kafka"]["log_roll_ms"], 7_200_000);
}

/// What somebody else has changed stays there while one looks through it.
#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_stale_review_is_stale_in_another_order_too(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let form = browser.get(&path("settings/configure")).await;
    let theirs = json!({ "kafka": { "log_roll_ms": 3_600_000, "message_max_bytes": 1_500_000 } });
    api.update(theirs).await.ok();
    let typed = [("set.kafka.log_cleaner_min_compaction_lag_ms", "1000")];
    let mine = fields(&form, &typed);
    let told = send(&mut browser, "settings/review", &mine).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "{}", told.body);
    assert_eq!(names(&told, "theirs", "kafka."), ["kafka.log_roll_ms", "kafka.message_max_bytes"]);
    let mut sorted = mine.clone();
    sorted.push(("theirs.sort".to_owned(), "-option".to_owned()));
    let told = send(&mut browser, "settings/review", &sorted).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "{}", told.body);
    assert_eq!(names(&told, "theirs", "kafka."), ["kafka.message_max_bytes", "kafka.log_roll_ms"]);
    // The form that saves is on top of theirs, all the same.
    let saved = send(&mut browser, "settings/save", &fields(&told, &[])).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_denial_is_asked_for_in_any_order_before_it_is_confirmed(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    saw(&api, 60).await;
    for n in 0..60 {
        let user = json!({ "username": format!("client-{n:03}") });
        api.post(&format!("{SERVICE}/user"), user).await.ok();
    }
    let entry = json!({
        "principal": "User:*", "resource_type": "Topic", "resource_name": "*",
        "pattern_type": "LITERAL", "operation": "All", "permission_type": "ALLOW",
    });
    api.post(&format!("{SERVICE}/kafka/acl"), entry).await.ok();
    api.update(json!({ "kafka_rest_authorization": true })).await.ok();
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let csrf = browser.csrf().await;
    let denial = [
        ("csrf", csrf.as_str()),
        ("permission_type", "DENY"),
        ("principal", "User:*"),
        ("operation", "Write"),
        ("resource_type", "Topic"),
        ("pattern_type", "PREFIXED"),
        ("resource_name", "out_"),
    ];
    let asked = browser.post(&path("new-kafka-acl"), &denial).await;
    assert!(asked.has("60 uses of the last 14 days") && asked.has("1–50 of 60"), "{}", asked.body);
    let mut second = denial.to_vec();
    second.extend([("losses.sort", "-seen"), ("losses.sort", "principal"), ("losses.page", "2")]);
    let page = browser.post(&path("new-kafka-acl"), &second).await;
    let wanted: Vec<_> = (50..60).map(|n| format!("client-{n:03}")).collect();
    assert_eq!(names(&page, "losses", "client-"), wanted, "{}", page.body);
    let kept = api.store.kafka_acls.list(api.service().await.id).await.unwrap();
    assert_eq!(kept.len(), 1, "nothing is added by looking");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn acl_entries_are_sorted_filtered_and_paged(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    for n in 0..60 {
        let entry = json!({ "permission": "read", "topic": "t", "username": format!("u_{n:02}") });
        api.post(&format!("{SERVICE}/acl"), entry).await.ok();
    }
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let page = browser.get(&path("acls?sort=-username&page=99")).await;
    assert!(page.has("51–61 of 61"), "{}", page.body);
    let page = browser.get(&path("acls?q=U_&sort=-username")).await;
    assert!(page.has("1–50 of 60 (61 in all)"), "{}", page.body);
    assert_eq!(names(&page, "acl", "u_")[0], "u_59");
    for nothing in ["%25", "u%5C_", "x%00", "In+Kafka"] {
        let page = browser.get(&path(&format!("acls?q={nothing}"))).await;
        assert_eq!(page.status, StatusCode::OK, "{nothing}: {}", page.body);
        assert!(page.has("0 of 61"), "{nothing}: {}", page.body);
    }
}
