//! Roles, tokens of an identity provider, and those who guess.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::sync::Arc;

use control_plane::{OidcAccess, OidcOptions, Settings, alarm};
use http::{StatusCode, header};
use model::{Grants, IdpPolicy, Role, Scope};
use serde_json::json;
use sqlx::PgPool;
use testkit::issuer::{Alg, DEFAULT_AUDIENCE, Issuer, TokenRequest};
use tokio_util::sync::CancellationToken;

use crate::harness::{Api, SERVICE, TOKEN, add_token, settings};
use crate::openapi::{filled, operations};

/// A token for `role` in project `dev`.
async fn token_for(api: &Api, role: Role) -> String {
    let token = format!("token-of-{role}");
    let scope = Scope::Project("dev".parse().unwrap());
    add_token(&api.store, &token, Grants::one(scope, role)).await;
    token
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_each_role_may_do_in_a_project(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut table = String::new();
    let mut tokens = Vec::new();
    for role in Role::ALL {
        tokens.push((role, token_for(&api, role).await));
    }
    for (method, path) in operations().into_iter().filter(|(_, it)| it.contains("{project}")) {
        // What would change the service for those that come after it is asked last, and without a
        // body that makes sense: who gets as far as that may do it.
        let mut weakest = None;
        for (role, token) in &tokens {
            let answer = api.call_as(token, &method, &filled(&path), None).await;
            let allowed = answer.status != StatusCode::FORBIDDEN
                || !answer.body["message"].as_str().unwrap_or_default().starts_with("This needs");
            match weakest {
                None if allowed => weakest = Some(*role),
                Some(_) => {
                    assert!(allowed, "{method} {path}: {role} may do less than a weaker role");
                }
                None => {}
            }
        }
        let weakest = weakest.map_or("nobody", Role::as_str);
        writeln!(table, "{weakest:<10} {method:<6} {path}").unwrap();
    }
    insta::assert_snapshot!(table);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_weak_role_is_told_which_one_it_needs(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let token = token_for(&api, Role::ReadOnly).await;
    let refused = api.call_as(&token, "PUT", SERVICE, Some(json!({ "user_config": {} }))).await;
    assert_eq!(
        refused.brief(),
        "403 This needs the role operator; yours in the project is read_only"
    );
    let developer = token_for(&api, Role::Developer).await;
    let path = format!("{SERVICE}/user");
    let made = api.call_as(&developer, "POST", &path, Some(json!({ "username": "alice" }))).await;
    assert_eq!(made.status, StatusCode::OK);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn passwords_are_shown_from_developer_on(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    for role in Role::ALL {
        let token = token_for(&api, role).await;
        for path in [SERVICE.to_owned(), format!("{SERVICE}/user/avnadmin")] {
            let body = api.call_as(&token, "GET", &path, None).await.ok();
            let user = body.pointer("/service/users/0").unwrap_or(&body["user"]);
            assert_eq!(user["password"].is_string(), role >= Role::Developer, "{role} {path}");
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_role_everywhere_opens_projects_that_come_later_and_makes_them(pool: PgPool) {
    let api = Api::empty(&pool).await;
    add_token(&api.store, "all", Grants::one(Scope::Everywhere, Role::Admin)).await;
    let body = json!({ "project": "later", "cloud": null, "billing_currency": "EUR" });
    let refused = api.post("/v1/project", body.clone()).await;
    assert_eq!(refused.brief(), "403 This needs the role admin in every project");
    let made = api.call_as("all", "POST", "/v1/project", Some(body.clone())).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let again = api.call_as("all", "POST", "/v1/project", Some(body)).await;
    assert_eq!(again.brief(), "409 Project already exists");
    let bad = api.call_as("all", "POST", "/v1/project", Some(json!({ "project": "A b" }))).await;
    assert_eq!(
        bad.brief(),
        "400 invalid project name 'A b': 1-63 of a-z, 0-9 and '-', the first a letter"
    );
    let listed = api.call_as("all", "GET", "/v1/project", None).await.ok();
    assert_eq!(
        listed["project_membership"],
        json!({ "dev": "admin", "later": "admin", "other": "admin" })
    );
    assert_eq!(api.get("/v1/project/later").await.status, StatusCode::NOT_FOUND);
    let mine = api.get("/v1/project").await.ok();
    assert_eq!(mine["project_membership"], json!({ "dev": "admin" }));
}

/// The same database, with an identity provider that knows people.
fn with_idp(api: &Api, issuer: &Issuer) -> Api {
    let options = OidcOptions {
        oidc_issuer: Some(issuer.url().to_owned()),
        oidc_audience: vec![DEFAULT_AUDIENCE.to_owned()],
        oidc_jwks_url: Some(issuer.jwks_url()),
        oidc_name_claim: "sub".to_owned(),
        oidc_roles_claim: "realm_access.roles".to_owned(),
        oidc_roles: vec![
            "devs=dev:developer".parse().unwrap(),
            "watchers=*:read_only".parse().unwrap(),
        ],
        ..OidcOptions::default()
    };
    let oidc = OidcAccess::new(&options, &IdpPolicy::new(true, Vec::new()), None).unwrap().unwrap();
    let (_, wake) = alarm(CancellationToken::new());
    Api::of(api.store.clone(), settings(), wake, Some(Arc::new(oidc)))
}

fn token_with(issuer: &Issuer, roles: &[&str]) -> String {
    let request = TokenRequest::of("ann");
    let mut claims = issuer.claims(&request);
    claims.insert("realm_access".into(), json!({ "roles": roles }));
    let bytes = |it| serde_json::to_vec(it).unwrap();
    issuer.sign(Alg::Rs256, &bytes(&issuer.header(Alg::Rs256)), &bytes(&claims)).unwrap()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_token_of_the_identity_provider_has_the_roles_of_its_claims(pool: PgPool) {
    let running = Issuer::serve().await.unwrap();
    let issuer = &running.issuer;
    let api = with_idp(&Api::with_service(&pool).await, issuer);
    let status =
        async |token: &str, method, path: &str| api.call_as(token, method, path, None).await.status;
    let developer = token_with(issuer, &["devs", "unknown"]);
    let me = api.call_as(&developer, "GET", "/v1/me", None).await.ok();
    assert_eq!(me["user"]["user"], "oidc:ann");
    assert_eq!(me["user"]["projects"], json!(["dev"]));
    let made = format!("{SERVICE}/user");
    let made = api.call_as(&developer, "POST", &made, Some(json!({ "username": "bob" }))).await;
    assert_eq!(made.status, StatusCode::OK);
    assert_eq!(status(&developer, "PUT", SERVICE).await, StatusCode::FORBIDDEN);
    assert_eq!(status(&developer, "GET", "/v1/project/other").await, StatusCode::NOT_FOUND);
    let watcher = token_with(issuer, &["watchers"]);
    assert_eq!(status(&watcher, "GET", "/v1/project/other").await, StatusCode::OK);
    let nobody = token_with(issuer, &[]);
    assert_eq!(status(&nobody, "GET", SERVICE).await, StatusCode::NOT_FOUND);
    let none = api.call_as(&nobody, "POST", "/v1/access_token", Some(json!({}))).await;
    assert_eq!(none.brief(), "403 You have no role that a token could have");
    let stranger = Issuer::new(issuer.url()).unwrap();
    assert_eq!(
        status(&token_with(&stranger, &["devs"]), "GET", SERVICE).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(status(TOKEN, "GET", SERVICE).await, StatusCode::OK, "API tokens still work");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_audit_log_says_who_did_it_in_which_request(pool: PgPool) {
    let running = Issuer::serve().await.unwrap();
    let api = with_idp(&Api::with_service(&pool).await, &running.issuer);
    let bearer = format!("Bearer {}", token_with(&running.issuer, &["devs"]));
    let headers = [("authorization", bearer.as_str()), ("x-request-id", "mine-1")];
    let body = json!({ "permission": "read", "topic": "orders", "username": "bob" });
    api.call_with("POST", &format!("{SERVICE}/acl"), &headers, Some(body)).await.ok();
    let path = "/v1/project/dev/audit?actor=oidc:ann&service=my-kafka";
    let log = api.get(path).await.ok();
    let [entry] = log["audit"].as_array().unwrap().as_slice() else { panic!("{log}") };
    assert_eq!(entry["request_id"], "mine-1");
    assert_eq!(entry["event_type"], "service_acl_add");
    assert_eq!(entry["after"]["topic"], "orders");
    let everything = api.get("/v1/audit").await;
    assert_eq!(everything.brief(), "403 This needs the role admin in every project");
    add_token(&api.store, "all", Grants::one(Scope::Everywhere, Role::Admin)).await;
    let first = api.call_as("all", "GET", "/v1/audit?limit=2", None).await.ok();
    let ids: Vec<i64> =
        first["audit"].as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    let path = format!("/v1/audit?limit=1&before_id={}", ids[1]);
    let next = api.call_as("all", "GET", &path, None).await.ok();
    assert!(next["audit"][0]["id"].as_i64().unwrap() < ids[1]);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn who_guesses_is_slowed_down_and_a_good_token_is_not(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let (_, wake) = alarm(CancellationToken::new());
    let few = Settings { auth_failures: NonZeroU32::new(3).unwrap(), ..settings() };
    let api = Api::of(api.store.clone(), few, wake, None);
    for _ in 0..3 {
        let answer = api.call_as("guess", "GET", "/v1/me", None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = api.call_as("guess", "GET", "/v1/me", None).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=21).contains(&wait), "{wait}");
    api.call_as(TOKEN, "GET", "/v1/me", None).await.ok();
}
