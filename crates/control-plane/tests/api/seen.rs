//! What REST proxies tell of who was seen.

use control_plane::token_hash;
use http::StatusCode;
use model::{AclOperation, Principal, ResourceType, SeenAt, SeenClaims, SeenUse, Timestamp};
use serde_json::{Value, json};
use sqlx::PgPool;
use store::Seen;

use crate::harness::{Answer, Api};

const PROXY_TOKEN: &str = "token-of-proxy";
const SEEN: &str = "/v1/rest-proxy/seen";

async fn tell(api: &Api, report: Value) -> Answer {
    api.call_as(PROXY_TOKEN, "POST", SEEN, Some(report)).await
}

async fn with_proxy(pool: &PgPool) -> Api {
    let api = Api::with_service(pool).await;
    let service = api.service().await.id;
    api.store.tokens.replace_rest_proxy(&token_hash(PROXY_TOKEN), service).await.unwrap();
    api
}

fn a_use(last: Timestamp) -> Value {
    json!({
        "principal": "alice", "proven": true, "resource_type": "Topic",
        "resource_name": "orders", "operation": "Write", "last": last,
    })
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_proxy_tells_what_it_has_seen(pool: PgPool) {
    let api = with_proxy(&pool).await;
    let last = Timestamp::now().plus_ms(-5000);
    let report = json!({
        "uses": [a_use(last)],
        "claims": [{ "principal": "alice", "claims": { "azp": "shop" } }],
    });
    assert_eq!(tell(&api, report).await.ok(), json!({ "message": "noted" }));
    let service = api.service().await.id;
    let alice = || Principal("alice".into());
    let seen_use = SeenUse {
        principal: Some(alice()),
        proven: true,
        resource_type: ResourceType::Topic,
        resource_name: "orders".into(),
        operation: AclOperation::Write,
        last,
    };
    let expected = Seen {
        uses: vec![(SeenAt::RestProxy, seen_use)],
        claims: vec![SeenClaims {
            principal: alice(),
            claims: [("azp".into(), "shop".into())].into(),
            absent: [].into(),
        }],
        truncated: false,
    };
    assert_eq!(api.store.seen.of_service(service, last).await.unwrap(), expected);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_nobody_can_have_seen_is_refused(pool: PgPool) {
    let api = with_proxy(&pool).await;
    let refused = async |report: Value| {
        let answer = tell(&api, report).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
        answer.body["message"].as_str().unwrap().to_owned()
    };
    let one = a_use(Timestamp::now());
    let mut own = one.clone();
    own["principal"] = " admin".into();
    let text = refused(json!({ "uses": [own], "claims": [] })).await;
    assert!(text.contains("Invalid 'principal' ' admin': "), "{text}");
    let text = refused(json!({ "uses": vec![one; 1001], "claims": [] })).await;
    assert!(text.contains("Invalid 'uses' '1001': there may be at most 1000"), "{text}");
    assert!(refused(json!({ "uses": [] })).await.contains("claims"));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn it_needs_the_token_of_a_proxy(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let answer = api.post(SEEN, json!({ "uses": [], "claims": [] })).await;
    assert_eq!(answer.brief(), "403 This needs the token of a REST proxy");
}
