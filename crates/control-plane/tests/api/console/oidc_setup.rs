//! OIDC set-up: an issuer is looked up, a token is tried.

use http::StatusCode;
use model::Role;
use serde_json::json;
use sqlx::PgPool;
use testkit::issuer::{Issuer, JwksFault, Running, TokenRequest};

use super::browser::{Browser, Seen};
use super::settings::{fields, path, send, with_role};
use crate::harness::{Api, TOKEN};

const ISSUER: &str = "may.kafka.sasl_oauthbearer_expected_issuer";

/// A service with OIDC, whose issuer is that.
async fn with_oidc(api: &Api, issuer: &Running) {
    let config = json!({ "kafka": {
        "sasl_oauthbearer_jwks_endpoint_url": issuer.issuer.jwks_url(),
        "sasl_oauthbearer_expected_issuer": issuer.url,
        "sasl_oauthbearer_expected_audience": TokenRequest::of("x").audiences[0],
    }});
    api.update(config).await.ok();
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_issuer_is_looked_up_and_saved_after_a_review(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let issuer = Issuer::serve().await.unwrap();
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let page = browser.get(&path("oidc")).await;
    assert!(page.has("OIDC is") && page.has(">off<") && !page.has("Try a token"), "{}", page.body);
    let page = send(&mut browser, "oidc", &fields(&page, &[(ISSUER, &issuer.url)])).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let jwks = issuer.issuer.jwks_url();
    assert!(page.has(&format!("value=\"{jwks}\"")), "{}", page.body);
    assert!(page.has("Published keys") && page.has(">usable<"), "{}", page.body);
    let typed = [
        (ISSUER, issuer.url.as_str()),
        ("may.kafka.sasl_oauthbearer_jwks_endpoint_url", jwks.as_str()),
        ("may.kafka.sasl_oauthbearer_expected_audience", "kafka"),
        ("may.kafka.sasl_oauthbearer_sub_claim_name", ""),
    ];
    let page = send(&mut browser, "settings/review", &fields(&page, &typed)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.has("Every node is restarted, one after another"), "{}", page.body);
    let saved = send(&mut browser, "settings/save", &fields(&page, &[])).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let page = browser.get(&path("settings?done=settings-saved")).await;
    assert!(page.has("REBUILDING") && page.has("Rolling restart"), "{}", page.body);
    assert!(browser.get(&path("oidc")).await.has("Try a token"));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_is_wrong_with_an_issuer_is_said_at_its_field(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let issuer = Issuer::serve().await.unwrap();
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let page = browser.get(&path("oidc")).await;
    let other = format!("{}/", issuer.url);
    for (named, error) in [("", "Paste the issuer first"), (&other, "is of another issuer")] {
        let page = send(&mut browser, "oidc", &fields(&page, &[(ISSUER, named)])).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.body);
        let at = format!("id=\"{ISSUER}-error\"");
        let text = page.body.split_once(&at).unwrap().1.split("</p>").next().unwrap();
        assert!(text.contains(error), "{text}");
    }
    issuer.issuer.set_jwks_fault(JwksFault::Unreachable500);
    let page = send(&mut browser, "oidc", &fields(&page, &[(ISSUER, &issuer.url)])).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.has("It gives no keys: "), "{}", page.body);
    // Nobody may make the platform ask addresses that are not an identity provider's.
    let inside = [("may.kafka.sasl_oauthbearer_jwks_endpoint_url", "http://169.254.169.254/keys")];
    let typed = [(ISSUER, "http://169.254.169.254"), inside[0]];
    let page = send(&mut browser, "oidc", &fields(&page, &typed)).await;
    assert!(page.has("It gives no keys: "), "{}", page.body);
    let mut reader = with_role(&api, Role::Developer).await;
    let page = reader.get(&path("oidc")).await;
    assert!(page.has("the role operator is needed") && !page.has("Look up the issuer"));
    let csrf = reader.csrf().await;
    let sent = [("csrf", csrf.as_str()), (ISSUER, issuer.url.as_str())];
    assert_eq!(reader.post(&path("oidc"), &sent).await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_token_is_tried_rule_by_rule_and_forgotten(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let issuer = Issuer::serve().await.unwrap();
    let mut browser = with_role(&api, Role::ReadOnly).await;
    let csrf = browser.csrf().await;
    let good = issuer.issuer.mint(&TokenRequest::of("alice")).unwrap();
    let sent = |token: &str| {
        vec![("csrf".to_owned(), csrf.clone()), ("token".to_owned(), token.to_owned())]
    };
    let off = send(&mut browser, "oidc/token", &sent(&good)).await;
    assert_eq!(off.status, StatusCode::CONFLICT, "{}", off.body);
    let asked = |name: &str, q: &str| {
        [("csrf", csrf.as_str()), ("principal", name), ("answers.q", q)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let off = send(&mut browser, "oidc/principal", &asked("alice", "")).await;
    assert_eq!(off.status, StatusCode::CONFLICT, "{}", off.body);
    with_oidc(&api, &issuer).await;
    let mut entry = json!({
        "principal": "User:alice", "host": "*", "resource_type": "Topic", "resource_name": "in",
        "pattern_type": "LITERAL", "operation": "Read", "permission_type": "ALLOW",
    });
    api.post("/v1/project/dev/service/my-kafka/kafka/acl", entry.clone()).await.ok();
    let page = send(&mut browser, "oidc/token", &sent(&good)).await;
    assert!(page.has("A broker would let it in, as User:alice."), "{}", page.body);
    assert_eq!(page.body.matches(">kept<").count(), 9, "{}", page.body);
    assert!(page.has("ALLOW Read on Topic LITERAL in"), "{}", page.body);
    let answer = |page: &Seen| {
        let row = page.body.split_once("<code>Topic LITERAL in</code>").unwrap().1;
        let row = row.split("</tr>").next().unwrap();
        let (denied, allowed) = row.split_once("data-title=\"Allowed\"").unwrap();
        (denied.to_owned(), allowed.to_owned())
    };
    let (denied, allowed) = answer(&page);
    assert!(denied.contains("nothing") && allowed.contains(">Read<"), "{denied} {allowed}");
    entry["permission_type"] = "DENY".into();
    api.post("/v1/project/dev/service/my-kafka/kafka/acl", entry).await.ok();
    let page = send(&mut browser, "oidc/token", &sent(&good)).await;
    let (denied, allowed) = answer(&page);
    assert!(denied.contains(">Read<") && !allowed.contains(">Read<"), "{denied} {allowed}");
    assert!(allowed.contains(">Describe<"), "{allowed}");
    assert!(page.has("No service user is called so"), "{}", page.body);
    assert!(!page.has(&good) && !page.has(&good[..40]), "it is not shown again");
    // Another order, or less of it, is asked for by name.
    let page = send(&mut browser, "oidc/principal", &asked("alice", "describe")).await;
    assert_eq!(answer(&page), (denied, allowed), "{}", page.body);
    assert!(page.has("<code>User:alice</code>") && !page.has(">kept<"), "{}", page.body);
    let page = send(&mut browser, "oidc/principal", &asked("alice", "Alter")).await;
    assert!(page.has("Nothing has “Alter” in it."), "{}", page.body);
    let page = send(&mut browser, "oidc/principal", &asked("nobody", "")).await;
    assert!(page.has("No ACL entry is about it"), "{}", page.body);
    let page = send(&mut browser, "oidc/principal", &asked("", "")[..1]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);

    let foreign = TokenRequest { audiences: vec!["other".into()], ..TokenRequest::of("bob") };
    let foreign = issuer.issuer.mint(&foreign).unwrap();
    let page = send(&mut browser, "oidc/token", &sent(&foreign)).await;
    assert!(page.has("It would be refused") && page.has("for another audience"), "{}", page.body);
    assert_eq!(page.body.matches(">kept<").count(), 8, "{}", page.body);
    assert!(page.has("No ACL entry is about it"), "{}", page.body);
    issuer.issuer.set_jwks_fault(JwksFault::Unreachable500);
    let page = send(&mut browser, "oidc/token", &sent(&good)).await;
    assert!(page.has("The keys could not be fetched just now"), "{}", page.body);
    assert!(page.has(">not reached<"), "{}", page.body);
    let page = send(&mut browser, "oidc/token", &sent("no token")).await;
    assert!(page.has("the token is no signed JWT") && !page.has("no token<"), "{}", page.body);
    let events = api.get("/v1/project/dev/events?limit=100").await.ok();
    assert!(!events.to_string().contains(&good[..40]));
}

/// Also when it is saved: the keys may be gone since it was reviewed.
#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_the_review_refuses_is_said_at_its_field_and_the_input_is_kept(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let issuer = Issuer::serve().await.unwrap();
    let mut browser = Browser::signed_in(&api, TOKEN).await;
    let form = browser.get(&path("oidc")).await;
    let jwks = issuer.issuer.jwks_url();
    let option = |it: &str| format!("may.kafka.sasl_oauthbearer_{it}");
    let names = ["jwks_endpoint_url", "expected_audience", "sub_claim_name"].map(option);
    let typed = |named: &str, jwks: &str| {
        let typed = [
            (ISSUER, named),
            (names[0].as_str(), jwks),
            (names[1].as_str(), "kafka"),
            (names[2].as_str(), "sub"),
        ];
        fields(&form, &typed)
    };
    let nowhere = format!("{}/nothing-here", issuer.url);
    let other = format!("{}/", issuer.url);
    let (url, keys) = (issuer.url.as_str(), names[0].as_str());
    for (named, jwks, wrong, error) in [
        (url, nowhere.as_str(), keys, "404"),
        (url, "http://keys.example/jwks", keys, "https"),
        (&other, &jwks, ISSUER, "byte for byte"),
        ("", &jwks, ISSUER, "required"),
    ] {
        let page = send(&mut browser, "settings/review", &typed(named, jwks)).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.body);
        assert!(page.has("Look up the issuer"), "it is the same form: {}", page.body);
        let at = format!("id=\"{wrong}-error\"");
        let text = page.body.split_once(&at).map(|it| it.1.split("</p>").next().unwrap());
        assert!(text.is_some_and(|it| it.contains(error)), "{text:?}");
        for value in [named, jwks, "kafka", "sub"].into_iter().filter(|it| !it.is_empty()) {
            assert!(page.has(&format!("value=\"{value}\"")), "{value}: {}", page.body);
        }
    }
    let review = send(&mut browser, "settings/review", &typed(url, &jwks)).await;
    assert!(review.has("formaction=\"/console/project/dev/service/my-kafka/oidc/edit\""));
    let again = send(&mut browser, "oidc/edit", &fields(&review, &[])).await;
    assert!(again.has(&format!("value=\"{jwks}\"")), "{}", again.body);
    issuer.issuer.set_jwks_fault(JwksFault::Unreachable500);
    let page = send(&mut browser, "settings/save", &fields(&review, &[])).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.body);
    assert!(page.has("Look up the issuer") && page.has(&format!("{}-error", names[0])));
    assert!(page.has(&format!("value=\"{jwks}\"")), "{}", page.body);
}
