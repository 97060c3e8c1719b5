//! API tokens: whose they are, what they open, and for how long.

use model::{Grants, Role, Scope};
use sqlx::PgPool;
use store::{ApiToken, NewToken, Store, TokenScope};

use crate::fixture::{by, project, with_service};

fn token(digit: u8, owner: &str) -> NewToken {
    NewToken {
        hash: [digit; 32],
        prefix: format!("tidegate_{digit}"),
        owner: owner.into(),
        grants: Grants::one(Scope::Project(project()), Role::Developer),
        description: "mine".into(),
        max_age_secs: None,
        extend_when_used: false,
    }
}

async fn opens(store: &Store, digit: u8) -> Option<TokenScope> {
    store.lookups().token_scope(&[digit; 32]).await.unwrap()
}

async fn prefixes(store: &Store, owner: &str) -> Vec<String> {
    let tokens = store.tokens.list(owner).await.unwrap();
    tokens.into_iter().map(|it| it.prefix).collect()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_token_opens_what_it_was_made_for(pool: PgPool) {
    let (store, _) = with_service(pool).await;
    let mut new = token(1, "ann");
    new.grants.add(Scope::Everywhere, Role::ReadOnly);
    store.tokens.add(&new, &by()).await.unwrap();
    let expected =
        TokenScope::Person { owner: "ann".into(), grants: new.grants.clone(), note_use: true };
    assert_eq!(opens(&store, 1).await, Some(expected));
    assert_eq!(opens(&store, 2).await, None);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_token_of_the_version_before_opens_its_project(pool: PgPool) {
    let (store, _) = with_service(pool.clone()).await;
    sqlx::query(
        "insert into api_token (token_hash, project_name, role, description)
         values (decode(repeat('07', 32), 'hex'), 'dev', 'admin', 'old')",
    )
    .execute(&pool)
    .await
    .unwrap();
    let Some(TokenScope::Person { grants, .. }) = opens(&store, 7).await else { panic!("nothing") };
    assert_eq!(grants, Grants::one(Scope::Project(project()), Role::Admin));
    assert_eq!(prefixes(&store, "admin").await, ["0707070707070707"]);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_proxys_new_token_replaces_the_old_one_and_no_persons(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    store.tokens.add(&token(9, "ann"), &by()).await.unwrap();
    store.tokens.replace_rest_proxy(&[1; 32], service.id).await.unwrap();
    store.tokens.replace_rest_proxy(&[2; 32], service.id).await.unwrap();
    assert!(matches!(opens(&store, 9).await, Some(TokenScope::Person { .. })));
    assert_eq!(opens(&store, 1).await, None);
    assert_eq!(opens(&store, 2).await, Some(TokenScope::RestProxy(service.id)));
    assert_eq!(prefixes(&store, "admin").await, [""; 0], "it is nobody's");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_owner_sees_and_revokes_its_own_tokens_only(pool: PgPool) {
    let (store, _) = with_service(pool).await;
    for new in [token(1, "ann"), token(2, "ann"), token(3, "bob")] {
        store.tokens.add(&new, &by()).await.unwrap();
    }
    assert_eq!(prefixes(&store, "ann").await, ["tidegate_2", "tidegate_1"]);
    let revoke = async |owner: &str, prefix: Option<&str>| {
        store.tokens.revoke(owner, prefix, &by()).await.unwrap()
    };
    assert_eq!(revoke("ann", Some("tidegate_3")).await, 0);
    assert_eq!(revoke("ann", Some("tidegate_1")).await, 1);
    assert_eq!(opens(&store, 1).await, None);
    let described = store.tokens.describe("bob", "tidegate_2", "his", &by()).await.unwrap();
    assert_eq!(described, None);
    let described = store.tokens.describe("bob", "tidegate_3", "his", &by()).await.unwrap();
    assert_eq!(described.map(|it| it.description).as_deref(), Some("his"));
    assert_eq!(revoke("ann", None).await, 1);
    assert!(opens(&store, 3).await.is_some());
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_token_ends_with_its_age_and_use_moves_that_if_it_shall(pool: PgPool) {
    let (store, _) = with_service(pool.clone()).await;
    let aged = |digit, extend_when_used| NewToken {
        max_age_secs: Some(3600),
        extend_when_used,
        ..token(digit, "ann")
    };
    store.tokens.add(&aged(1, false), &by()).await.unwrap();
    store.tokens.add(&aged(2, true), &by()).await.unwrap();
    let half_an_hour_passes =
        "update api_token set expires_at = expires_at - interval '30 minutes'";
    sqlx::query(half_an_hour_passes).execute(&pool).await.unwrap();
    for digit in [1, 2] {
        store.lookups().note_token_use(&[digit; 32], Some("10.0.0.1"), Some("avn")).await.unwrap();
    }
    let tokens = store.tokens.list("ann").await.unwrap();
    let left = |it: &ApiToken| (it.expires_at.unwrap().0 - it.created_at.0 + 30_000) / 60_000;
    assert_eq!(tokens.iter().map(left).collect::<Vec<_>>(), [60, 30]);
    assert_eq!(tokens[0].last_ip.as_deref(), Some("10.0.0.1"));
    assert_eq!(tokens[0].last_user_agent.as_deref(), Some("avn"));
    let noted = opens(&store, 1).await;
    assert!(matches!(noted, Some(TokenScope::Person { note_use: false, .. })), "{noted:?}");
    sqlx::query(half_an_hour_passes).execute(&pool).await.unwrap();
    assert_eq!(opens(&store, 1).await, None);
    assert_eq!(prefixes(&store, "ann").await, ["tidegate_2"]);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn of_many_first_starts_one_makes_the_first_token(pool: PgPool) {
    let store = Store::on(pool);
    let first = async |digit| {
        let everything = Grants::one(Scope::Everywhere, Role::Admin);
        let new = NewToken { grants: everything, ..token(digit, "admin") };
        store.tokens.add_first(&new, &by()).await.unwrap()
    };
    let made = tokio::join!(first(1), first(2), first(3), first(4));
    let made = [made.0, made.1, made.2, made.3];
    assert_eq!(made.iter().filter(|&&it| it).count(), 1, "{made:?}");
    assert_eq!(prefixes(&store, "admin").await.len(), 1);
    assert!(!first(5).await);
}
