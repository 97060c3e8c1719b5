//! Tokens as real identity providers write them, signed again with keys of our own: which four
//! values make them good, and what comes close and is refused. The README says the same in words.

use serde_json::{Map, Value, json};
use testkit::issuer::{Alg, SigningKey};

use crate::AuthError;
use crate::forge::changed;
use crate::stage::{Stage, issuer, verifier};

/// A provider, a token of it that is good, and how.
struct Provider {
    name: &'static str,
    issuer: &'static str,
    audience: &'static str,
    principal_claim: &'static str,
    principal: &'static str,
    /// Beside `alg` and `kid`.
    header: Value,
    /// Beside the times.
    claims: Value,
    /// What a published key has beside `kty`, `n` and `e`.
    key: Value,
    /// Changes of the claims that nobody may accept.
    misses: Vec<(&'static str, Value, AuthError)>,
}

const TENANT: &str = "11111111-2222-3333-4444-555555555555";

#[tokio::test]
async fn the_four_values_make_its_tokens_good() {
    let keys = [(); 3].map(|()| SigningKey::generate(Alg::Rs256).unwrap());
    for provider in providers() {
        check(&provider, &keys).await;
    }
}

async fn check(provider: &Provider, [key, old, stranger]: &[SigningKey; 3]) {
    let name = provider.name;
    let keys = [published(old, provider), published(key, provider), for_encryption(old)];
    let stage = Stage::serve(json!({ "keys": keys })).await;
    let values = (provider.issuer, provider.audience, provider.principal_claim);
    let rules = issuer(values.0, &[values.1], values.2, &stage);
    let verifier = verifier(vec![rules], 0);

    let answer = verifier.verify(&token(key, provider, json!({}))).await;
    let principal = answer.as_ref().map(|it| &*it.principal);
    assert_eq!(principal, Ok(provider.principal), "{name}");
    let answer = verifier.verify(&token(old, provider, json!({}))).await;
    assert!(answer.is_ok(), "{name}: the key before");
    for (miss, change, error) in &provider.misses {
        let answer = verifier.verify(&token(key, provider, change.clone())).await;
        assert_eq!(answer.unwrap_err(), *error, "{name}: {miss}");
    }
    let answer = verifier.verify(&token(stranger, provider, json!({}))).await;
    assert_eq!(answer.unwrap_err(), AuthError::UnknownKey, "{name}: another tenant's key");
    assert!(stage.asked() <= 2, "{name}");
}

fn token(key: &SigningKey, provider: &Provider, changes: Value) -> String {
    let now = model::Timestamp::now().0 / 1000;
    let header = object(json!({ "alg": "RS256", "kid": key.kid() }));
    let header = changed(header, provider.header.clone());
    let times = object(json!({ "iat": now, "exp": now + 3600, "iss": provider.issuer }));
    let claims = changed(changed(times, provider.claims.clone()), changes);
    let text = |it: Map<String, Value>| Value::Object(it).to_string().into_bytes();
    key.token(&text(header), &text(claims)).unwrap()
}

/// As the provider publishes it.
fn published(key: &SigningKey, provider: &Provider) -> Value {
    let bare = changed(object(key.jwk().clone()), json!({ "use": null, "alg": null }));
    Value::Object(changed(bare, provider.key.clone()))
}

/// Keycloak's and others' second key.
fn for_encryption(key: &SigningKey) -> Value {
    let changes = json!({ "kid": "for-encryption", "use": "enc", "alg": "RSA-OAEP" });
    Value::Object(changed(object(key.jwk().clone()), changes))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => panic!("an object"),
    }
}

fn providers() -> Vec<Provider> {
    let mut all = vec![auth0_machine(), auth0_user(), okta(), entra_v1(), entra_v2()];
    all.extend([google("https://accounts.google.com"), google("accounts.google.com")]);
    all.extend([keycloak(), ping(), zitadel()]);
    all
}

fn auth0_machine() -> Provider {
    Provider {
        name: "Auth0, machine to machine",
        issuer: "https://tidegate.eu.auth0.com/",
        audience: "https://kafka.example.com",
        principal_claim: "sub",
        principal: "XkYz0123456789@clients",
        header: json!({ "typ": "JWT" }),
        claims: json!({
            "sub": "XkYz0123456789@clients", "aud": "https://kafka.example.com",
            "azp": "XkYz0123456789", "gty": "client-credentials", "scope": "kafka:write",
        }),
        key: json!({ "use": "sig", "alg": "RS256", "x5t": "thumb", "x5c": ["MIIDDTCCAfWg"] }),
        misses: vec![
            (
                "no slash at the end",
                json!({ "iss": "https://tidegate.eu.auth0.com" }),
                AuthError::Issuer,
            ),
            ("another tenant", json!({ "iss": "https://other.eu.auth0.com/" }), AuthError::Issuer),
            (
                "the management API",
                json!({ "aud": "https://tidegate.eu.auth0.com/api/v2/" }),
                AuthError::Audience,
            ),
            (
                "an ID token",
                json!({ "aud": "XkYz0123456789", "nonce": "n" }),
                AuthError::NotAccessToken,
            ),
            ("an ID token without nonce", json!({ "aud": "XkYz0123456789" }), AuthError::Audience),
        ],
    }
}

fn auth0_user() -> Provider {
    Provider {
        name: "Auth0, a user",
        principal: "auth0|5f7c8ec7c33c6c004bbafe82",
        header: json!({ "typ": "at+jwt" }),
        claims: json!({
            "sub": "auth0|5f7c8ec7c33c6c004bbafe82", "azp": "XkYz0123456789",
            "aud": ["https://kafka.example.com", "https://tidegate.eu.auth0.com/userinfo"],
            "scope": "openid profile kafka:write", "permissions": ["kafka:write"],
        }),
        ..auth0_machine()
    }
}

fn okta() -> Provider {
    Provider {
        name: "Okta",
        issuer: "https://dev-123456.okta.com/oauth2/default",
        audience: "api://kafka",
        principal_claim: "sub",
        principal: "0oa1b2c3d4e5f6g7h8i9",
        // No `typ`.
        header: json!({}),
        claims: json!({
            "ver": 1, "jti": "AT.abc", "aud": "api://kafka", "cid": "0oa1b2c3d4e5f6g7h8i9",
            "scp": ["kafka"], "sub": "0oa1b2c3d4e5f6g7h8i9",
        }),
        key: json!({ "use": "sig", "alg": "RS256" }),
        misses: vec![
            (
                "the org authorization server",
                json!({ "iss": "https://dev-123456.okta.com" }),
                AuthError::Issuer,
            ),
            (
                "a slash at the end",
                json!({ "iss": "https://dev-123456.okta.com/oauth2/default/" }),
                AuthError::Issuer,
            ),
            ("another audience", json!({ "aud": "api://default" }), AuthError::Audience),
            (
                "an ID token",
                json!({ "jti": "ID.abc", "aud": "0oa1b2c3d4e5f6g7h8i9", "at_hash": "h", "scp": null }),
                AuthError::NotAccessToken,
            ),
        ],
    }
}

fn entra_v1() -> Provider {
    Provider {
        name: "Entra ID, v1 tokens",
        issuer: "https://sts.windows.net/11111111-2222-3333-4444-555555555555/",
        audience: "api://kafka",
        principal_claim: "oid",
        principal: "99999999-8888-7777-6666-555555555555",
        header: json!({ "typ": "JWT", "x5t": "thumb" }),
        claims: json!({
            "aud": "api://kafka", "appid": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "appidacr": "1",
            "idp": "https://sts.windows.net/11111111-2222-3333-4444-555555555555/",
            "oid": "99999999-8888-7777-6666-555555555555", "rh": "0.AAAA.",
            "sub": "99999999-8888-7777-6666-555555555555", "tid": TENANT, "uti": "u",
            "ver": "1.0", "nbf": model::Timestamp::now().0 / 1000, "aio": "E2==",
            "roles": ["Kafka.Write"],
        }),
        // No `alg`.
        key: json!({ "use": "sig", "x5t": "thumb", "x5c": ["MIIC/jCCAeag"] }),
        misses: vec![
            (
                "a v2 token",
                json!({ "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "ver": "2.0" }),
                AuthError::Issuer,
            ),
            (
                "no slash at the end",
                json!({ "iss": format!("https://sts.windows.net/{TENANT}") }),
                AuthError::Issuer,
            ),
            (
                "another tenant",
                json!({ "iss": "https://sts.windows.net/00000000-2222-3333-4444-555555555555/" }),
                AuthError::Issuer,
            ),
            (
                "for Graph",
                json!({ "aud": "00000003-0000-0000-c000-000000000000" }),
                AuthError::Audience,
            ),
        ],
    }
}

fn entra_v2() -> Provider {
    Provider {
        name: "Entra ID, v2 tokens",
        issuer: "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
        audience: "aaaaaaaa-0000-cccc-dddd-eeeeeeeeeeee",
        principal_claim: "azp",
        principal: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        header: json!({ "typ": "JWT" }),
        claims: json!({
            "aud": "aaaaaaaa-0000-cccc-dddd-eeeeeeeeeeee",
            "azp": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "azpacr": "1",
            "oid": "99999999-8888-7777-6666-555555555555",
            "sub": "99999999-8888-7777-6666-555555555555", "tid": TENANT, "uti": "u",
            "ver": "2.0", "nbf": model::Timestamp::now().0 / 1000, "rh": "0.AAAA.", "aio": "E2==",
        }),
        key: json!({
            "use": "sig", "x5t": "thumb", "x5c": ["MIIC/jCCAeag"],
            "cloud_instance_name": "microsoftonline.com",
            "issuer": "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
        }),
        misses: vec![
            (
                "a v1 token",
                json!({ "iss": format!("https://sts.windows.net/{TENANT}/"), "ver": "1.0" }),
                AuthError::Issuer,
            ),
            (
                "the tenant of everybody",
                json!({ "iss": "https://login.microsoftonline.com/common/v2.0" }),
                AuthError::Issuer,
            ),
            ("the audience of v1", json!({ "aud": "api://kafka" }), AuthError::Audience),
            ("an ID token", json!({ "nonce": "n", "azp": null }), AuthError::NotAccessToken),
            ("an ID token without nonce", json!({ "azp": null }), AuthError::NoPrincipal),
        ],
    }
}

/// Access tokens of Google are opaque. What can be used is an ID token of a service account, which
/// has neither `nonce` nor `at_hash`.
fn google(spelling: &'static str) -> Provider {
    let other = if spelling.starts_with("https") {
        "accounts.google.com"
    } else {
        "https://accounts.google.com"
    };
    Provider {
        name: "Google, a service account",
        issuer: spelling,
        audience: "https://kafka.example.com",
        principal_claim: "email",
        principal: "kafka@project.iam.gserviceaccount.com",
        header: json!({ "typ": "JWT" }),
        claims: json!({
            "aud": "https://kafka.example.com", "azp": "109876543210987654321",
            "email": "kafka@project.iam.gserviceaccount.com", "email_verified": true,
            "sub": "109876543210987654321",
        }),
        key: json!({ "use": "sig", "alg": "RS256" }),
        misses: vec![
            ("the other spelling", json!({ "iss": other }), AuthError::Issuer),
            (
                "an ID token of a person",
                json!({ "aud": "1.apps.googleusercontent.com", "at_hash": "h" }),
                AuthError::NotAccessToken,
            ),
            (
                "for another service",
                json!({ "aud": "https://other.example.com" }),
                AuthError::Audience,
            ),
            (
                "signed by the account itself",
                json!({ "iss": "kafka@project.iam.gserviceaccount.com" }),
                AuthError::Issuer,
            ),
        ],
    }
}

fn keycloak() -> Provider {
    Provider {
        name: "Keycloak",
        issuer: "https://sso.example.com/realms/kafka",
        audience: "kafka",
        principal_claim: "preferred_username",
        principal: "service-account-orders",
        header: json!({ "typ": "JWT" }),
        claims: json!({
            "jti": "trrtcc:1", "aud": ["kafka", "account"], "typ": "Bearer", "azp": "orders",
            "sub": "5d3a9c0e-0000-4000-8000-1234567890ab", "acr": "1", "allowed-origins": ["/*"],
            "realm_access": { "roles": ["offline_access"] },
            "resource_access": { "account": { "roles": ["view-profile"] } },
            "scope": "profile email", "clientHost": "10.0.0.7", "email_verified": false,
            "preferred_username": "service-account-orders", "client_id": "orders",
        }),
        key: json!({
            "use": "sig", "alg": "RS256", "x5c": ["MIICmzCCAYMC"], "x5t": "thumb",
            "x5t#S256": "thumb",
        }),
        misses: vec![
            ("without an audience mapper", json!({ "aud": "account" }), AuthError::Audience),
            (
                "the lightweight token",
                json!({ "preferred_username": null }),
                AuthError::NoPrincipal,
            ),
            (
                "another realm",
                json!({ "iss": "https://sso.example.com/realms/master" }),
                AuthError::Issuer,
            ),
            (
                "the path of old versions",
                json!({ "iss": "https://sso.example.com/auth/realms/kafka" }),
                AuthError::Issuer,
            ),
            ("an ID token", json!({ "typ": "ID" }), AuthError::NotAccessToken),
            ("a refresh token", json!({ "typ": "Refresh" }), AuthError::NotAccessToken),
            ("an offline token", json!({ "typ": "Offline" }), AuthError::NotAccessToken),
            ("a token bound by DPoP", json!({ "cnf": { "jkt": "t" } }), AuthError::Bound),
        ],
    }
}

fn ping() -> Provider {
    Provider {
        name: "PingOne",
        issuer: "https://auth.pingone.eu/aaaaaaaa-0000-4000-8000-000000000001/as",
        audience: "https://kafka.example.com",
        principal_claim: "client_id",
        principal: "bbbbbbbb-0000-4000-8000-000000000002",
        header: json!({}),
        // Without `sub`, if a client asks for itself.
        claims: json!({
            "client_id": "bbbbbbbb-0000-4000-8000-000000000002", "jti": "j", "scope": "kafka",
            "aud": ["https://kafka.example.com"], "env": "aaaaaaaa-0000-4000-8000-000000000001",
            "org": "cccccccc-0000-4000-8000-000000000003", "p1.rid": "r",
        }),
        key: json!({ "use": "sig", "x5t": "thumb", "x5c": ["MIIDHDCCAgSg"] }),
        misses: vec![
            (
                "another environment",
                json!({ "iss": "https://auth.pingone.eu/dddddddd-0000-4000-8000-000000000004/as" }),
                AuthError::Issuer,
            ),
            (
                "another region",
                json!({ "iss": "https://auth.pingone.com/aaaaaaaa-0000-4000-8000-000000000001/as" }),
                AuthError::Issuer,
            ),
            ("Ping's own API", json!({ "aud": ["https://api.pingone.eu"] }), AuthError::Audience),
            ("without iat", json!({ "iat": null }), AuthError::NoTimes),
            (
                "an ID token",
                json!({ "aud": "bbbbbbbb-0000-4000-8000-000000000002", "at_hash": "h" }),
                AuthError::NotAccessToken,
            ),
        ],
    }
}

fn zitadel() -> Provider {
    Provider {
        name: "Zitadel",
        issuer: "https://tidegate-abcdef.zitadel.cloud",
        audience: "181234567890123457",
        principal_claim: "sub",
        principal: "191234567890123456",
        header: json!({ "typ": "JWT" }),
        claims: json!({
            "aud": ["181234567890123456@kafka", "181234567890123457"], "jti": "V2_1-at_1",
            "client_id": "orders", "sub": "191234567890123456",
            "nbf": model::Timestamp::now().0 / 1000,
        }),
        key: json!({ "use": "sig", "alg": "RS256" }),
        misses: vec![
            (
                "a slash at the end",
                json!({ "iss": "https://tidegate-abcdef.zitadel.cloud/" }),
                AuthError::Issuer,
            ),
            (
                "another instance",
                json!({ "iss": "https://other-abcdef.zitadel.cloud" }),
                AuthError::Issuer,
            ),
            (
                "without the project's scope",
                json!({ "aud": ["181234567890123456@kafka"] }),
                AuthError::Audience,
            ),
            ("an ID token", json!({ "at_hash": "h", "azp": "orders" }), AuthError::NotAccessToken),
        ],
    }
}

/// Both spellings of Google's issuer, and two providers at once: each has its own keys.
#[tokio::test]
async fn one_verifier_for_several_issuers() {
    let one = SigningKey::generate(Alg::Rs256).unwrap();
    let two = SigningKey::generate(Alg::Rs256).unwrap();
    let (google_https, google_bare) =
        (google("https://accounts.google.com"), google("accounts.google.com"));
    let keycloak = keycloak();
    let google_keys = Stage::serve(json!({ "keys": [published(&one, &google_https)] })).await;
    let keycloak_keys = Stage::serve(json!({ "keys": [published(&two, &keycloak)] })).await;
    let rules =
        |it: &Provider, stage: &Stage| issuer(it.issuer, &[it.audience], it.principal_claim, stage);
    let verifier = verifier(
        vec![
            rules(&google_https, &google_keys),
            rules(&google_bare, &google_keys),
            rules(&keycloak, &keycloak_keys),
        ],
        100,
    );
    let principal = async |key: &SigningKey, provider: &Provider, changes: Value| {
        let answer = verifier.verify(&token(key, provider, changes)).await;
        answer.map(|it| it.principal.to_string())
    };
    assert_eq!(principal(&one, &google_https, json!({})).await.unwrap(), google_https.principal);
    assert_eq!(principal(&one, &google_bare, json!({})).await.unwrap(), google_bare.principal);
    assert_eq!(principal(&two, &keycloak, json!({})).await.unwrap(), keycloak.principal);
    // One issuer's key, claims or audience under the name of the other.
    let errors = [
        principal(&one, &keycloak, json!({})).await.unwrap_err(),
        principal(&two, &google_https, json!({})).await.unwrap_err(),
        principal(&two, &keycloak, json!({ "aud": google_https.audience })).await.unwrap_err(),
    ];
    assert_eq!(errors, [AuthError::UnknownKey, AuthError::UnknownKey, AuthError::Audience]);
    let asked = google_keys.asked() + keycloak_keys.asked();
    let unknown = json!({ "iss": "https://evil.example.com" });
    for key in [&one, &two] {
        let error = principal(key, &keycloak, unknown.clone()).await.unwrap_err();
        assert_eq!(error, AuthError::Issuer);
    }
    assert_eq!(google_keys.asked() + keycloak_keys.asked(), asked, "an unknown issuer costs none");
    let status = verifier.status();
    assert_eq!(status.len(), 3);
    assert!(status.iter().all(|it| it.state == auth::KeysState::Fresh && it.keys == 1));
}
