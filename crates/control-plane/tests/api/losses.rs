//! Who would lose access, as answers tell it.

use http::StatusCode;
use model::{Grants, Principal, Role, Scope, SeenAt, SeenClaims, SeenReport, SeenUse, Timestamp};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::issuer::Issuer;

use crate::harness::{Api, SERVICE, add_token};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// `alice Read Topic t`; `?alice ...` of a name that was only said; `- ...` of nobody.
fn a_use(line: &str, days_ago: i64) -> SeenUse {
    let words: Vec<&str> = line.split(' ').collect();
    let [name, operation, resource_type, resource_name] = words[..] else { panic!("{line}") };
    SeenUse {
        principal: (name != "-").then(|| Principal(name.trim_start_matches('?').into())),
        proven: !name.starts_with(['-', '?']),
        resource_type: resource_type.parse().unwrap(),
        resource_name: resource_name.into(),
        operation: operation.parse().unwrap(),
        // Not on the edge of a day.
        last: Timestamp::now().plus_ms(-days_ago * DAY + DAY / 2),
    }
}

async fn record(api: &Api, at: SeenAt, uses: Vec<SeenUse>) {
    let report = SeenReport { uses, claims: Vec::new() };
    report.check().unwrap();
    let service = api.service().await.id;
    api.store.seen.record(service, at, &report, Timestamp::now()).await.unwrap();
}

async fn saw(api: &Api, at: SeenAt, lines: &[&str]) {
    record(api, at, lines.iter().map(|it| a_use(it, 1)).collect()).await;
}

/// Without the moments, which differ each time.
fn timeless(mut losses: Value) -> Value {
    for it in losses.as_array_mut().unwrap() {
        assert!(it["last_seen"].take().as_str().unwrap().ends_with('Z'));
    }
    losses
}

/// Who, to do what with which.
fn brief(losses: &Value) -> Vec<String> {
    let each = |it: &Value| {
        let name = it["principal"].as_str().unwrap_or("-");
        format!("{name} {} {}", it["operations"], it["resource_name"].as_str().unwrap())
    };
    losses.as_array().unwrap().iter().map(each).collect()
}

async fn post(api: &Api, path: &str, body: Value) -> Value {
    api.post(&format!("{SERVICE}/{path}"), body).await.ok()
}

async fn delete(api: &Api, path: &str) -> Value {
    api.delete(&format!("{SERVICE}/{path}")).await.ok()
}

/// With alice, who may read `in`, and without avnadmin's entry.
async fn with_alice(pool: &PgPool) -> Api {
    let api = Api::with_service(pool).await;
    post(&api, "user", json!({ "username": "alice" })).await;
    let entry = json!({ "permission": "read", "topic": "in", "username": "alice" });
    post(&api, "acl", entry).await;
    api
}

/// OIDC with this claim as the subject.
fn oidc(jwks_url: &str, claim: Option<&str>) -> Value {
    json!({ "kafka": {
        "sasl_oauthbearer_jwks_endpoint_url": jwks_url,
        "sasl_oauthbearer_expected_issuer": "http://127.0.0.1:8090",
        "sasl_oauthbearer_expected_audience": "my-audience",
        "sasl_oauthbearer_sub_claim_name": claim,
    }})
}

fn native(principal: &str, operation: &str, permission_type: &str) -> Value {
    json!({
        "principal": principal, "host": "*", "resource_type": "Topic", "resource_name": "in",
        "pattern_type": "LITERAL", "operation": operation, "permission_type": permission_type,
    })
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn authorization_is_switched_on_knowing_who_loses_access(pool: PgPool) {
    let api = with_alice(&pool).await;
    let uses = ["- Write Topic in", "?alice Read Topic in", "?alice Write Topic out"];
    saw(&api, SeenAt::RestProxy, &uses).await;
    saw(&api, SeenAt::Broker, &["carol Write Topic out"]).await;
    let before = api.service().await.generation;
    let on = json!({ "user_config": { "kafka_rest_authorization": true } });
    let dry = api.put(&format!("{SERVICE}?dry_run=true"), on.clone()).await.ok();
    assert_eq!(api.service().await.generation, before, "a dry run");
    insta::assert_json_snapshot!(timeless(dry["tidegate"]["would_lose_access"].clone()));
    assert_eq!(dry["tidegate"]["would_lose_access_total"], 2);
    assert_eq!(dry["tidegate"]["seen_truncated"], false);

    let told = api.put(SERVICE, on.clone()).await.ok();
    for key in ["would_lose_access", "warnings"] {
        assert_eq!(told["tidegate"][key], dry["tidegate"][key], "{key}");
    }
    let warning = told["tidegate"]["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("2 principals seen in the last 14 days would lose access: "));
    let events = api.get("/v1/project/dev/events").await.ok();
    let warned = events["events"].as_array().unwrap().iter().any(|it| {
        it["event_type"] == "service_warning"
            && it["event_desc"].as_str().unwrap().contains("would lose access")
    });
    assert!(warned, "{events}");

    // It is done, and off again nobody loses anything.
    for body in [on, json!({ "user_config": { "kafka_rest_authorization": false } })] {
        let told = api.put(SERVICE, body).await.ok();
        assert_eq!(told["tidegate"]["would_lose_access"], json!([]));
        assert_eq!(told["tidegate"]["would_lose_access_total"], 0);
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_is_proposed_gives_access_back(pool: PgPool) {
    let api = with_alice(&pool).await;
    let issuer = Issuer::serve().await.unwrap();
    api.update(oidc(&issuer.issuer.jwks_url(), None)).await.ok();
    let uses = [
        "alice Write Topic out",
        "alice Read Topic out",
        "alice Read Group g",
        "auth0|1 Describe Topic in",
        "auth0|1 Write TransactionalId tx",
    ];
    saw(&api, SeenAt::RestProxy, &uses).await;
    let dry = format!("{SERVICE}?dry_run=true");
    let on = json!({ "user_config": { "kafka_rest_authorization": true } });
    let lost = async || -> Value {
        api.put(&dry, on.clone()).await.ok()["tidegate"]["would_lose_access"].take()
    };
    let first = lost().await;
    assert_eq!(first.as_array().unwrap().len(), 3, "alice may read with any group: {first}");
    for it in first.as_array().unwrap() {
        for acl in it["acls"].as_array().unwrap() {
            post(&api, acl["path"].as_str().unwrap(), acl["entry"].clone()).await;
        }
    }
    assert_eq!(lost().await, json!([]));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_entry_is_deleted_knowing_who_loses_access(pool: PgPool) {
    let api = with_alice(&pool).await;
    let acl = api.get(&format!("{SERVICE}/acl")).await.ok()["acl"].take();
    let [admin, mine] = &acl.as_array().unwrap()[..] else { panic!("{acl}") };
    let path = |of: &Value| format!("acl/{}", of["id"].as_str().unwrap());
    saw(&api, SeenAt::Broker, &["alice Read Topic in", "alice Describe Topic in"]).await;
    let told = delete(&api, &format!("{}?dry_run=true", path(mine))).await;
    assert_eq!(
        told["message"],
        "nothing was changed: this was a dry run; 1 principal seen in the last 14 days would lose \
         access: alice"
    );
    assert_eq!(told["acl"], acl, "a dry run");
    let told = delete(&api, &format!("{}?seen_days=7", path(mine))).await;
    assert_eq!(
        told["message"],
        "deleted; 1 principal seen in the last 7 days would lose access: alice"
    );
    assert_eq!(told["acl"], json!([admin]));
    insta::assert_json_snapshot!(timeless(told["would_lose_access"].clone()));
    let missing = api.delete(&format!("{SERVICE}/{}?dry_run=true", path(mine))).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    // What nobody has used.
    let told = delete(&api, &path(admin)).await;
    assert_eq!(told["message"], "deleted");
    assert_eq!(told["would_lose_access"], json!([]));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_native_entry_comes_and_goes_knowing_who_loses_access(pool: PgPool) {
    let api = with_alice(&pool).await;
    saw(&api, SeenAt::Broker, &["alice Read Topic in", "alice Describe Topic in"]).await;
    let denial = native("User:*", "Read", "DENY");
    let told = post(&api, "kafka/acl?dry_run=true", denial.clone()).await;
    let dry = "nothing was changed: this was a dry run";
    let sentence = "1 principal seen in the last 14 days would lose access: alice";
    assert_eq!(told["message"], format!("{dry}; {sentence}"));
    assert_eq!(brief(&told["would_lose_access"]), [r#"alice ["Read"] in"#]);
    assert_eq!(told["would_lose_access"][0]["acls"], json!([]));
    let told = post(&api, "kafka/acl", denial.clone()).await;
    assert_eq!(told["message"], format!("added; {sentence}"));
    let again = api.post(&format!("{SERVICE}/kafka/acl?dry_run=true"), denial).await;
    assert_eq!(again.brief(), "409 Identical ACL entry already exists");
    // A denial that goes takes nothing away.
    let path = format!("kafka/acl/{}", told["acl"]["id"].as_str().unwrap());
    let told = delete(&api, &path).await;
    assert_eq!((&told["message"], &told["would_lose_access"]), (&json!("deleted"), &json!([])));

    // Nor does an entry that allows, until it goes.
    let told = post(&api, "kafka/acl", native("User:alice", "Write", "ALLOW")).await;
    assert_eq!((&told["message"], &told["would_lose_access"]), (&json!("added"), &json!([])));
    saw(&api, SeenAt::RestProxy, &["alice Write Topic in"]).await;
    api.update(json!({ "kafka_rest_authorization": true })).await.ok();
    let path = format!("kafka/acl/{}", told["acl"]["id"].as_str().unwrap());
    let told = delete(&api, &format!("{path}?dry_run=true")).await;
    assert_eq!(told["message"], format!("{dry}; {sentence}"));
    assert_eq!(told["kafka_acl"].as_array().unwrap().len(), 1, "a dry run");
    let told = delete(&api, &path).await;
    assert_eq!(told["message"], format!("deleted; {sentence}"));
    assert_eq!(told["kafka_acl"], json!([]));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_user_is_deleted_knowing_what_it_loses(pool: PgPool) {
    let api = with_alice(&pool).await;
    saw(&api, SeenAt::Broker, &["alice Read Topic in", "bob Read Topic in"]).await;
    let told = delete(&api, "user/alice?dry_run=true").await;
    let sentence = "1 principal seen in the last 14 days would lose access: alice";
    assert_eq!(told["message"], format!("nothing was changed: this was a dry run; {sentence}"));
    api.get(&format!("{SERVICE}/user/alice")).await.ok();
    let told = delete(&api, "user/alice").await;
    assert_eq!(told["message"], format!("deleted; {sentence}"));
    insta::assert_json_snapshot!(timeless(told["would_lose_access"].clone()));
    let gone = api.get(&format!("{SERVICE}/user/alice")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn another_subject_claim_renames_whoever_has_a_token(pool: PgPool) {
    let api = with_alice(&pool).await;
    let issuer = Issuer::serve().await.unwrap();
    let url = issuer.issuer.jwks_url();
    let told = api.update(oidc(&url, None)).await.ok();
    assert_eq!(told["tidegate"]["would_lose_access"], json!([]));
    for principal in ["User:id-1", "User:id-2", "User:shop"] {
        post(&api, "kafka/acl", native(principal, "Read", "ALLOW")).await;
    }
    let claims = SeenClaims {
        principal: Principal("id-1".into()),
        claims: [("azp".to_owned(), "shop".to_owned())].into(),
        absent: [].into(),
    };
    let uses = ["id-1 Read Topic in", "id-2 Read Topic in", "alice Read Topic in"];
    let report =
        SeenReport { uses: uses.iter().map(|it| a_use(it, 1)).collect(), claims: vec![claims] };
    let service = api.service().await.id;
    let now = Timestamp::now();
    api.store.seen.record(service, SeenAt::Broker, &report, now).await.unwrap();
    let patch = json!({ "user_config": oidc(&url, Some("azp")) });
    let told = api.put(&format!("{SERVICE}?dry_run=true"), patch).await.ok();
    insta::assert_json_snapshot!(timeless(told["tidegate"]["would_lose_access"].clone()));
    let off = json!({ "user_config": { "kafka": { "sasl_oauthbearer_jwks_endpoint_url": null } } });
    let told = api.put(&format!("{SERVICE}?dry_run=true"), off).await.ok();
    let mut lost = brief(&told["tidegate"]["would_lose_access"]);
    lost.sort();
    let expected = ["alice", "id-1", "id-2"].map(|it| format!(r#"{it} ["Read"] in"#));
    assert_eq!(lost, expected);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn only_the_last_days_count_and_the_answer_has_a_bound(pool: PgPool) {
    let api = with_alice(&pool).await;
    let uses = [("alice Read Topic in", 20), ("alice Write Topic out", 1)];
    record(&api, SeenAt::Broker, uses.map(|(line, days_ago)| a_use(line, days_ago)).into()).await;
    let path = |query: &str| format!("user/alice?dry_run=true{query}");
    let lost = async |query: &str| {
        let told = delete(&api, &path(query)).await;
        (brief(&told["would_lose_access"]), told["message"].as_str().unwrap().to_owned())
    };
    // What alice did 20 days ago she may do; what she did yesterday she may not any more.
    assert_eq!(lost("").await, (vec![], "nothing was changed: this was a dry run".to_owned()));
    let (told, message) = lost("&seen_days=30").await;
    assert_eq!(told, [r#"alice ["Read"] in"#]);
    assert!(message.contains("in the last 30 days"), "{message}");
    for wrong in ["0", "31", "-1", "x"] {
        let path = format!("{SERVICE}/{}", path(&format!("&seen_days={wrong}")));
        assert_eq!(api.delete(&path).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }

    let many = (0..150).map(|n| a_use(&format!("alice Read Group g{n}"), 1)).collect();
    record(&api, SeenAt::Broker, many).await;
    let told = delete(&api, &path("")).await;
    assert_eq!(told["would_lose_access"].as_array().unwrap().len(), 100);
    assert_eq!(told["would_lose_access_total"], 150);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_was_seen_is_shown(pool: PgPool) {
    let api = with_alice(&pool).await;
    saw(&api, SeenAt::RestProxy, &["- Write Topic in", "?alice Read Topic in"]).await;
    let claims = SeenClaims {
        principal: Principal("alice".into()),
        claims: [("azp".to_owned(), "shop".to_owned())].into(),
        absent: [].into(),
    };
    let report = SeenReport { uses: vec![a_use("bob Read Group g", 20)], claims: vec![claims] };
    let (service, now) = (api.service().await.id, Timestamp::now());
    api.store.seen.record(service, SeenAt::Broker, &report, now).await.unwrap();
    let path = |query: &str| format!("{SERVICE}/seen{query}");
    let told = api.get(&path("?seen_days=30")).await.ok();
    let shown = json!({
        "seen": timeless(told["seen"].clone()), "seen_total": told["seen_total"],
        "seen_truncated": told["seen_truncated"], "claims": told["claims"],
    });
    insta::assert_json_snapshot!(shown);
    assert_eq!(api.get(&path("")).await.ok()["seen_total"], 2);
    let told = api.get(&path("?principal=alice")).await.ok();
    assert_eq!((&told["seen_total"], told["claims"].as_array().unwrap().len()), (&json!(1), 1));
    let told = api.get(&path("?principal=bob&limit=999")).await.ok();
    assert_eq!((&told["seen_total"], &told["claims"]), (&json!(0), &json!([])));
    let told = api.get(&path("?limit=1")).await.ok();
    assert_eq!((&told["seen_total"], told["seen"].as_array().unwrap().len()), (&json!(2), 1));

    // Who may only look is not told what else people are called.
    let viewer = Grants::one(Scope::Everywhere, Role::ReadOnly);
    add_token(&api.store, "token-of-viewer", viewer).await;
    let told = api.call_as("token-of-viewer", "GET", &path(""), None).await.ok();
    assert_eq!((&told["seen_total"], &told["claims"]), (&json!(2), &json!([])));
}
