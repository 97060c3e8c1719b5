//! Service settings: seen, changed in a draft, reviewed and saved; the authorization switch.

use http::StatusCode;
use http::header::LOCATION;
use model::{Grants, Principal, Role, Scope, SeenAt, SeenReport, SeenUse, Timestamp};
use serde_json::json;
use sqlx::PgPool;

use super::OVERVIEW;
use super::browser::{Browser, Seen};
use crate::harness::{Api, TOKEN, add_token};

const OPTION: &str = "set.kafka.log_roll_ms";

pub(super) fn path(end: &str) -> String {
    format!("{OVERVIEW}/{end}")
}

/// What is hidden in the form of a page that saves options, or else in the first that has some, with
/// these fields instead.
pub(super) fn fields(page: &Seen, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let main = page.body.split_once("<main").unwrap().1;
    let marks = ["/settings/save\"", "name=\"generation\""];
    let (before, _) = marks.iter().find_map(|it| main.split_once(it)).unwrap();
    let form =
        main[before.rsplit_once("<form").unwrap().0.len()..].split_once("</form>").unwrap().0;
    for tag in form.split("<input ").skip(1).filter(|it| it.contains("type=\"hidden\"")) {
        let get = |name: &str| {
            let rest = tag.split_once(&format!("{name}=\"")).unwrap().1;
            rest.split('"').next().unwrap().replace("&quot;", "\"").replace("&lt;", "<")
        };
        fields.push((get("name"), get("value")));
    }
    fields.extend(typed.iter().map(|&(name, it)| (name.to_owned(), it.to_owned())));
    fields
}

pub(super) async fn send(
    browser: &mut Browser<'_>,
    end: &str,
    fields: &[(String, String)],
) -> Seen {
    let fields: Vec<_> = fields.iter().map(|(name, it)| (name.as_str(), it.as_str())).collect();
    browser.post(&path(end), &fields).await
}

pub(super) async fn with_role(api: &Api, role: Role) -> Browser<'_> {
    let token = format!("tidegate_{role}");
    let grants = Grants::one(Scope::Project("dev".parse().unwrap()), role);
    add_token(&api.store, &token, grants).await;
    Browser::signed_in(api, &token).await
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn options_are_listed_with_value_and_origin_and_found_by_their_description(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    api.update(json!({ "kafka": { "log_roll_ms": 3_600_000 } })).await.ok();
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let page = browser.get(&path("settings?sort=-origin")).await;
    assert!(page.has("Advanced configuration") && page.has(">Configure</a>"), "{}", page.body);
    let first = page.body.split("<tbody>").nth(1).unwrap().split("</tr>").next().unwrap();
    assert!(first.contains(">user<"), "{first}");
    let page = browser.get(&path("settings?q=log.roll.ms")).await;
    assert!(page.has("1–1 of 1") && page.has("<code>3600000</code>"), "{}", page.body);
    let page = browser.get(&path("settings?q=public+key")).await;
    assert!(!page.has("kafka.log_roll_ms"), "{}", page.body);
    let page = browser.get(&path("settings?page=2")).await;
    assert!(page.has("51–"), "{}", page.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_option_is_added_reviewed_and_saved(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let page = browser.get(&path("settings/configure")).await;
    // Part of the name finds it, and its button adds it.
    let typed = [("find", "ROLL_MS"), ("do", "check"), ("set.kafka_rest", "true")];
    let page = send(&mut browser, "settings/configure", &fields(&page, &typed)).await;
    assert!(page.has("value=\"add kafka.log_roll_ms\""), "{}", page.body);
    assert!(!page.has("value=\"add kafka.log_segment_bytes\""));
    let typed = [("do", "add kafka.log_roll_ms")];
    let page = send(&mut browser, "settings/configure", &fields(&page, &typed)).await;
    assert!(page.has("name=\"set.kafka.log_roll_ms\"") && page.has("autofocus"), "{}", page.body);
    let before = api.service().await;
    let page = send(&mut browser, "settings/review", &fields(&page, &[(OPTION, "7200000")])).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for text in ["<code>kafka.log_roll_ms</code>", "<code>7200000</code>", "log.roll.ms"] {
        assert!(page.has(text), "{text}: {}", page.body);
    }
    assert!(page.has("Running brokers take over"), "{}", page.body);
    assert_eq!(api.service().await, before, "nothing is saved by a review");
    let saved = send(&mut browser, "settings/save", &fields(&page, &[])).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    assert_eq!(saved.header(LOCATION), path("settings?done=settings-saved"));
    assert_eq!(api.service().await.user_config["kafka"]["log_roll_ms"], 7_200_000);
    assert!(browser.get(saved.header(LOCATION)).await.has("The configuration is saved."));

    // And removed again.
    let page = browser.get(&path("settings/configure")).await;
    let typed = [("do", "unset kafka.log_roll_ms")];
    let page = send(&mut browser, "settings/configure", &fields(&page, &typed)).await;
    let page = send(&mut browser, "settings/review", &fields(&page, &[])).await;
    assert!(page.has("not set"), "{}", page.body);
    let saved = send(&mut browser, "settings/save", &fields(&page, &[])).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    assert!(api.service().await.user_config.get("kafka").is_none());
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_is_wrong_is_said_at_its_field_and_stays_there(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let page = browser.get(&path("settings/configure")).await;
    for (typed, rule) in
        [("many", "is not of type integer"), ("0", "is less than the minimum of 1")]
    {
        for end in ["settings/configure", "settings/review"] {
            let page = send(&mut browser, end, &fields(&page, &[(OPTION, typed)])).await;
            let is_review = end.ends_with("review");
            let status = if is_review { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            assert_eq!(page.status, status, "{}", page.body);
            let error = page.body.split_once("id=\"kafka-log_roll_ms-error\"").unwrap().1;
            let error = error.split("</div>").next().unwrap();
            assert!(error.contains(rule), "{error}");
            assert!(page.has(&format!("value=\"{typed}\"")), "{}", page.body);
        }
    }
    // An address that nobody answers at is only found out by asking it.
    let typed = [
        ("set.kafka.sasl_oauthbearer_jwks_endpoint_url", "http://127.0.0.1:1/jwks"),
        ("set.kafka.sasl_oauthbearer_expected_issuer", "http://127.0.0.1:1"),
        ("set.kafka.sasl_oauthbearer_expected_audience", "kafka"),
    ];
    let page = send(&mut browser, "settings/review", &fields(&page, &typed)).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let error = page.body.split_once("sasl_oauthbearer_jwks_endpoint_url-error\"").unwrap().1;
    assert!(error.split("</div>").next().unwrap().contains("is not accepted"), "{}", page.body);
    assert!(page.has("Invalid") || page.has("aria-invalid=\"true\""));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn of_two_who_change_it_the_second_is_told_and_loses_nothing(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut one = Browser::signed_in(&api, TOKEN).await;
    let mut two = with_role(&api, Role::Operator).await;
    let typed = [(OPTION, "3600000"), ("set.kafka_rest", "true")];
    let form = one.get(&path("settings/configure")).await;
    let one_reviews = send(&mut one, "settings/review", &fields(&form, &typed)).await;
    let form = two.get(&path("settings/configure")).await;
    let typed = [("set.kafka.message_max_bytes", "1500000"), ("set.kafka_rest", "true")];
    let two_reviews = send(&mut two, "settings/review", &fields(&form, &typed)).await;
    // The first also switches the proxy off, which the second has only seen.
    let mut first = fields(&one_reviews, &[("set.kafka_rest", "false")]);
    let saved = send(&mut one, "settings/save", &first).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let told = send(&mut two, "settings/save", &fields(&two_reviews, &[])).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "{}", told.body);
    assert!(told.has("Somebody else has changed this service meanwhile."));
    let (theirs, ours) = told.body.split_once("What changes</h2>").unwrap();
    assert!(theirs.contains("<code>kafka.log_roll_ms</code>"), "{theirs}");
    assert!(theirs.contains("<code>kafka_rest</code>"), "{theirs}");
    assert!(ours.contains("<code>kafka.message_max_bytes</code>"), "{ours}");
    assert!(!ours.split("</table>").next().unwrap().contains("kafka_rest"), "{ours}");
    let service = api.service().await;
    assert_eq!(service.user_config["kafka"], json!({ "log_roll_ms": 3_600_000 }), "not yet");
    let saved = send(&mut two, "settings/save", &fields(&told, &[])).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let config = api.service().await.user_config;
    assert_eq!(
        config["kafka"],
        json!({ "log_roll_ms": 3_600_000, "message_max_bytes": 1_500_000 })
    );
    assert_eq!(config["kafka_rest"], false);
    // The same form once more: it is stale.
    first.retain(|(name, _)| name != "set.kafka_rest");
    assert_eq!(send(&mut one, "settings/save", &first).await.status, StatusCode::CONFLICT);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_weak_role_is_offered_nothing_and_refused_nevertheless(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let before = api.service().await;
    for role in [Role::ReadOnly, Role::Developer] {
        let mut browser = with_role(&api, role).await;
        let csrf = browser.csrf().await;
        let page = browser.get(&path("settings")).await;
        assert!(page.has("the role operator is needed") && !page.has(">Configure</a>"));
        let page = browser.get(&path("authorization")).await;
        assert!(page.has("the role operator is needed") && !page.has("Review switching"));
        let configure = browser.get(&path("settings/configure")).await;
        assert_eq!(configure.status, StatusCode::FORBIDDEN);
        let generation = before.generation.to_string();
        let sent = [("csrf", csrf.as_str()), ("generation", &generation), (OPTION, "3600000")];
        for end in ["settings/configure", "settings/review", "settings/save"] {
            let answer = browser.post(&path(end), &sent).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{end}");
        }
        let entry = r#"{"permission":"read","topic":"in","username":"*"}"#;
        let sent = [("csrf", csrf.as_str()), ("path", "acl"), ("entry", entry)];
        let answer = browser.post(&path("authorization/acl"), &sent).await;
        let may = role == Role::Developer;
        let status = if may { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, status, "{role}");
    }
    let mut admin = Browser::signed_in(&api, TOKEN).await;
    for end in ["settings/configure", "settings/review", "settings/save", "authorization/acl"] {
        let answer = admin.post(&path(end), &[(OPTION, "3600000")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "without csrf: {end}");
    }
    assert_eq!(api.service().await, before);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn authorization_is_switched_on_when_who_would_lose_access_has_it(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let user = json!({ "username": "alice" });
    api.post("/v1/project/dev/service/my-kafka/user", user).await.ok();
    let seen = SeenUse {
        principal: Some(Principal("alice".into())),
        proven: true,
        resource_type: "Topic".parse().unwrap(),
        resource_name: "out".into(),
        operation: "Write".parse().unwrap(),
        last: Timestamp::now().plus_ms(-60_000),
    };
    let report = SeenReport { uses: vec![seen], claims: Vec::new() };
    let service = api.service().await.id;
    api.store.seen.record(service, SeenAt::RestProxy, &report, Timestamp::now()).await.unwrap();
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let page = browser.get(&path("authorization")).await;
    assert!(page.has("<code>alice</code>") && page.has("Write Topic out"), "{}", page.body);
    // The button of the proposal, with what it carries.
    let button = page.body.split_once("name=\"path\" value=\"").unwrap().1;
    let kind = button.split('"').next().unwrap().to_owned();
    let entry = button.split_once("name=\"entry\" value=\"").unwrap().1;
    let entry = entry.split('"').next().unwrap().replace("&quot;", "\"");
    let csrf = browser.csrf().await;
    let sent = [("csrf", csrf.as_str()), ("path", &kind), ("entry", &entry)];
    let added = browser.post(&path("authorization/acl"), &sent).await;
    assert_eq!(added.header(LOCATION), path("authorization?done=acl-added"), "{}", added.body);
    let again = browser.post(&path("authorization/acl"), &sent).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", again.body);
    let sent = [("csrf", csrf.as_str()), ("path", "acl"), ("entry", "{}")];
    let refused = browser.post(&path("authorization/acl"), &sent).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.has("missing field"), "{}", refused.body);
    let page = browser.get(added.header(LOCATION)).await;
    assert!(
        page.has("Nobody who was seen in the last 14 days would lose access."),
        "{}",
        page.body
    );
    let page = send(&mut browser, "settings/review", &fields(&page, &[])).await;
    assert!(page.has("The REST proxy reloads:"), "{}", page.body);
    let saved = send(&mut browser, "settings/save", &fields(&page, &[])).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    assert_eq!(api.service().await.user_config["kafka_rest_authorization"], true);
    assert!(browser.get(&path("authorization")).await.has("What switching it off would do"));
}
