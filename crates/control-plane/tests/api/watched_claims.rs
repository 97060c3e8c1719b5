//! A subject claim that somebody asks about is watched, so that the next answer knows.

use std::time::{Duration, Instant};

use axum::body::Body;
use control_plane::{alarm, token_hash};
use http::{Request, StatusCode, header};
use model::{AclOperation, Grants, Principal, ResourceType, Role, Scope, SeenUse, Timestamp};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::issuer::{Issuer, Running};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::harness::{Answer, Api, SERVICE, add_token};

const PROXY_TOKEN: &str = "token-of-proxy";

/// A service with OIDC and a REST proxy, where `id-1` and `id-2` may read `in`, and do.
async fn with_oidc(api: &Api, issuer: &Running) {
    api.add_service().await;
    let service = api.service().await.id;
    api.store.tokens.replace_rest_proxy(&token_hash(PROXY_TOKEN), service).await.unwrap();
    let oidc = json!({ "kafka_rest_authorization": true, "kafka": {
        "sasl_oauthbearer_jwks_endpoint_url": issuer.issuer.jwks_url(),
        "sasl_oauthbearer_expected_issuer": "http://127.0.0.1:8090",
        "sasl_oauthbearer_expected_audience": "my-audience",
    }});
    api.update(oidc).await.ok();
    for principal in ["id-1", "id-2", "e-1"] {
        let entry = json!({
            "principal": format!("User:{principal}"), "host": "*", "resource_type": "Topic",
            "resource_name": "in", "pattern_type": "LITERAL", "operation": "Read",
            "permission_type": "ALLOW",
        });
        api.post(&format!("{SERVICE}/kafka/acl"), entry).await.ok();
    }
    tell(api, json!([claims("id-1", &json!({}), &[]), claims("id-2", &json!({}), &[])])).await;
}

fn a_use(principal: &str) -> SeenUse {
    SeenUse {
        principal: Some(Principal(principal.into())),
        proven: true,
        resource_type: ResourceType::Topic,
        resource_name: "in".into(),
        operation: AclOperation::Read,
        last: Timestamp::now(),
    }
}

fn claims(principal: &str, claims: &Value, absent: &[&str]) -> Value {
    json!({ "principal": principal, "claims": claims, "absent": absent })
}

/// As the proxy does it.
async fn tell(api: &Api, claims: Value) {
    let report = json!({ "uses": [a_use("id-1"), a_use("id-2")], "claims": claims });
    api.call_as(PROXY_TOKEN, "POST", "/v1/rest-proxy/seen", Some(report)).await.ok();
}

async fn settings(api: &Api, known: Option<&str>) -> Answer {
    let request = Request::get("/v1/rest-proxy/settings")
        .header(header::AUTHORIZATION, format!("Bearer {PROXY_TOKEN}"))
        .header("prefer", "wait=20");
    let request = match known {
        Some(etag) => request.header(header::IF_NONE_MATCH, etag),
        None => request,
    };
    api.send(request.body(Body::empty()).unwrap()).await
}

fn etag(answer: &Answer) -> String {
    answer.headers[header::ETAG].to_str().unwrap().to_owned()
}

fn subject(claim: &str) -> Value {
    json!({ "user_config": { "kafka": { "sasl_oauthbearer_sub_claim_name": claim } } })
}

/// Who would lose access by another subject claim, and why.
async fn dry_run(api: &Api, claim: &str) -> Vec<String> {
    let told = api.put(&format!("{SERVICE}?dry_run=true"), subject(claim)).await.ok();
    let losses = told["tidegate"]["would_lose_access"].as_array().unwrap().iter();
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let mut lost: Vec<_> =
        losses.map(|it| format!("{}: {}", text(&it["principal"]), text(&it["reason"]))).collect();
    lost.sort();
    lost
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_first_dry_run_has_the_claim_watched_and_the_next_one_knows(pool: PgPool) {
    let (alarm, wake) = alarm(CancellationToken::new());
    let api = Api::with_wake(&pool, wake).await;
    let issuer = Issuer::serve().await.unwrap();
    with_oidc(&api, &issuer).await;
    let mut tasks = JoinSet::new();
    tasks.spawn(alarm.run(api.store.clone(), CancellationToken::new()));
    // Long enough for the alarm to listen, and far shorter than the slow poll.
    tokio::time::sleep(Duration::from_millis(500)).await;

    let first = settings(&api, None).await;
    assert_eq!(first.body["watched_claims"], json!([]));
    let before = api.service().await.generation;
    let waiting = {
        let (api, known) = (api.clone(), etag(&first));
        async move { (settings(&api, Some(&known)).await, Instant::now()) }
    };
    let asking = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        (dry_run(&api, "employee_id").await, Instant::now())
    };
    let ((answer, heard), (lost, asked)) = tokio::join!(waiting, asking);
    assert!(heard.saturating_duration_since(asked) < Duration::from_secs(2));
    assert_eq!(answer.body["watched_claims"], json!(["employee_id"]));
    assert_eq!(api.service().await.generation, before, "the configuration is the same");
    let unknown = "what this principal would be called is not known: values of the claim \
                   'employee_id' were not kept; they are from now on, for 30 days: ask again after \
                   the clients have been seen";
    assert_eq!(lost, ["id-1", "id-2"].map(|it| format!("{it}: {unknown}")));
    let again = settings(&api, None).await;
    assert_eq!((etag(&again), again.body), (etag(&answer), answer.body));

    // One was seen since.
    tell(&api, json!([claims("id-1", &json!({ "employee_id": "e-1", "ssn": "1" }), &[])])).await;
    let lost = dry_run(&api, "employee_id").await;
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(lost[0].starts_with("id-2: ") && lost[0].contains("are kept since 20"), "{lost:?}");
    tell(&api, json!([claims("id-2", &json!({}), &["employee_id"])])).await;
    let expected = "id-2: what this principal would be called is not known: its tokens have no text \
                    in the claim 'employee_id'";
    assert_eq!(dry_run(&api, "employee_id").await, [expected]);
    tell(&api, json!([claims("id-2", &json!({ "employee_id": "e-2" }), &[])])).await;
    let expected = "id-2: it would be called 'e-2', and no ACL allows that name to do it";
    assert_eq!(dry_run(&api, "employee_id").await, [expected]);

    let kept = api.get(&format!("{SERVICE}/seen")).await.ok();
    assert_eq!(
        kept["claims"][0]["claims"],
        json!({ "employee_id": "e-1" }),
        "nobody asked for more"
    );
    let events = api.get("/v1/project/dev/events").await.ok();
    let events = events["events"].as_array().unwrap().iter();
    assert_eq!(events.filter(|it| it["event_type"] == "claim_watched").count(), 1);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_claim_that_is_set_is_watched_and_the_one_before_too(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let issuer = Issuer::serve().await.unwrap();
    with_oidc(&api, &issuer).await;
    let watched = async || settings(&api, None).await.body["watched_claims"].clone();
    api.put(SERVICE, subject("client_id")).await.ok();
    assert_eq!(watched().await, json!([]), "it is among the common ones");
    api.put(SERVICE, subject("https://example.com/client")).await.ok();
    assert_eq!(watched().await, json!(["https://example.com/client"]));
    // Whoever goes back wants to know what follows.
    sqlx::query("delete from watched_claim").execute(&pool).await.unwrap();
    api.put(SERVICE, subject("badge")).await.ok();
    assert_eq!(watched().await, json!(["badge", "https://example.com/client"]));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn who_may_not_change_a_service_has_nothing_watched(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let issuer = Issuer::serve().await.unwrap();
    with_oidc(&api, &issuer).await;
    for role in [Role::ReadOnly, Role::Developer] {
        let token = format!("token-of-{role:?}");
        add_token(&api.store, &token, Grants::one(Scope::Everywhere, role)).await;
        let path = format!("{SERVICE}?dry_run=true");
        let answer = api.call_as(&token, "PUT", &path, Some(subject("badge"))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let long = "x".repeat(257);
    let refused = api.put(&format!("{SERVICE}?dry_run=true"), subject(&long)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    assert_eq!(settings(&api, None).await.body["watched_claims"], json!([]));
}
