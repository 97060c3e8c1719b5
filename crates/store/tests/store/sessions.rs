//! Sessions of the console: how long they are good, and what ends them.

use model::{Grants, Role, Scope, Secret};
use sqlx::PgPool;
use store::{
    EventFilter, NewSession, NewToken, PendingSignIn, Session, SessionLimits, SignedInBy, Store,
};

use crate::fixture::{by, project, with_service};

const LIMITS: SessionLimits = SessionLimits { idle_secs: 1800, absolute_secs: 43_200 };

fn grants(role: Role) -> Grants {
    Grants::one(Scope::Project(project()), role)
}

async fn add_token(store: &Store, digit: u8) {
    let token = NewToken {
        hash: [digit; 32],
        prefix: format!("tidegate_{digit}"),
        owner: "ann".into(),
        grants: grants(Role::Developer),
        description: "mine".into(),
        max_age_secs: None,
        extend_when_used: false,
    };
    store.tokens.add(&token, &by()).await.unwrap();
}

async fn begin(store: &Store, digit: u8, signed_in_by: SignedInBy) -> bool {
    let new = NewSession {
        hash: [digit; 32],
        owner: "ann".into(),
        signed_in_by,
        ip: Some("10.0.0.1".into()),
        user_agent: None,
    };
    store.sessions.begin(&new, LIMITS, &by()).await.unwrap()
}

async fn get(store: &Store, digit: u8) -> Option<Session> {
    store.sessions.get(&[digit; 32], LIMITS).await.unwrap()
}

async fn age(pool: &PgPool, what: &str) {
    let sql = format!("update console_session set {what}");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_session_has_the_grants_of_its_token_as_they_are_now(pool: PgPool) {
    let (store, _) = with_service(pool.clone()).await;
    add_token(&store, 1).await;
    assert!(begin(&store, 7, SignedInBy::ApiToken([1; 32])).await);
    let session = get(&store, 7).await.unwrap();
    assert_eq!((session.owner.as_str(), &session.grants), ("ann", &grants(Role::Developer)));
    assert_eq!(session.token_prefix.as_deref(), Some("tidegate_1"));
    sqlx::query("update api_token_grant set role = 'read_only'").execute(&pool).await.unwrap();
    assert_eq!(get(&store, 7).await.unwrap().grants, grants(Role::ReadOnly));
    sqlx::query("update api_token set expires_at = now()").execute(&pool).await.unwrap();
    assert_eq!(get(&store, 7).await, None, "it has expired");
    sqlx::query("update api_token set expires_at = null").execute(&pool).await.unwrap();
    assert!(get(&store, 7).await.is_some());
    store.tokens.revoke("ann", None, &by()).await.unwrap();
    assert_eq!(get(&store, 7).await, None, "it was revoked");
    assert!(!begin(&store, 8, SignedInBy::ApiToken([1; 32])).await, "and begins nothing");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_session_of_an_identity_provider_keeps_the_grants_of_its_sign_in(pool: PgPool) {
    let (store, _) = with_service(pool).await;
    let mut held = grants(Role::Operator);
    held.add(Scope::Everywhere, Role::ReadOnly);
    assert!(begin(&store, 7, SignedInBy::Oidc(held.clone())).await);
    let session = get(&store, 7).await.unwrap();
    assert_eq!((session.grants, session.token_prefix), (held, None));
    assert_eq!(get(&store, 8).await, None);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn both_limits_end_a_session_and_its_use_moves_one_of_them(pool: PgPool) {
    let (store, _) = with_service(pool.clone()).await;
    begin(&store, 7, SignedInBy::Oidc(Grants::none())).await;
    assert!(!get(&store, 7).await.unwrap().note_use, "it was just used");
    age(&pool, "last_used_at = now() - interval '61 seconds'").await;
    assert!(get(&store, 7).await.unwrap().note_use);
    age(&pool, "last_used_at = now() - interval '1790 seconds'").await;
    store.sessions.note_use(&[7; 32]).await.unwrap();
    assert!(!get(&store, 7).await.unwrap().note_use);
    age(&pool, "last_used_at = now() - interval '1800 seconds'").await;
    assert_eq!(get(&store, 7).await, None, "idle");
    age(&pool, "last_used_at = now(), created_at = now() - interval '43200 seconds'").await;
    assert_eq!(get(&store, 7).await, None, "old");
    assert!(store.sessions.list("ann", LIMITS).await.unwrap().is_empty());
    begin(&store, 8, SignedInBy::Oidc(Grants::none())).await;
    age(&pool, "created_at = now()").await;
    assert_eq!(get(&store, 7).await, None, "it was removed");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn one_session_ends_or_all_of_somebody_and_nobody_elses(pool: PgPool) {
    let (store, _) = with_service(pool).await;
    for digit in 1..=3 {
        begin(&store, digit, SignedInBy::Oidc(Grants::none())).await;
    }
    let end = async |owner: &str, hash: Option<&[u8; 32]>| {
        store.sessions.end(owner, hash, &by()).await.unwrap()
    };
    assert_eq!(end("bob", Some(&[1; 32])).await, 0);
    assert_eq!(end("bob", None).await, 0);
    assert_eq!(end("ann", Some(&[1; 32])).await, 1);
    let left = store.sessions.list("ann", LIMITS).await.unwrap();
    assert_eq!(left.iter().map(|it| it.hash[0]).max(), Some(3));
    assert_eq!((left.len(), left[0].by_token), (2, false));
    assert_eq!(end("ann", None).await, 2);
    store.sessions.refused("words", None, &by()).await.unwrap();
    let events = store.events.latest(&EventFilter::default(), 3).await.unwrap();
    let kinds: Vec<&str> = events.iter().map(|it| it.event_type.as_str()).collect();
    assert_eq!(kinds, ["console_sign_in_refused", "console_sign_out", "console_sign_out"]);
    assert_eq!(events[1].description, "ann signed out everywhere");
}

fn pending(state: u8) -> PendingSignIn {
    PendingSignIn {
        state_hash: [state; 32],
        browser_hash: [9; 32],
        nonce: Secret::new("nonce".into()),
        code_verifier: Secret::new("verifier".into()),
        return_to: "/console".into(),
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_sign_in_is_finished_once_in_its_browser_within_ten_minutes(pool: PgPool) {
    let (store, _) = with_service(pool.clone()).await;
    let take = async |state: u8, browser: u8| {
        store.sessions.take_sign_in(&[state; 32], &[browser; 32]).await.unwrap()
    };
    store.sessions.begin_sign_in(&pending(1)).await.unwrap();
    assert_eq!(take(1, 8).await, None, "another browser");
    assert_eq!(take(2, 9).await, None, "another state");
    assert_eq!(take(1, 9).await, Some(pending(1)));
    assert_eq!(take(1, 9).await, None, "once");
    store.sessions.begin_sign_in(&pending(1)).await.unwrap();
    let old = "update console_sign_in set created_at = now() - interval '600 seconds'";
    sqlx::query(old).execute(&pool).await.unwrap();
    assert_eq!(take(1, 9).await, None, "too late");
    store.sessions.begin_sign_in(&pending(2)).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from console_sign_in").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 1, "what took too long is removed");
}
