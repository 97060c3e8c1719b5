//! Making tokens, sound and broken.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::codes::Granted;
use super::keys::unsigned;
use super::{Alg, Defect, Issuer, KeyError, SigningKey, TokenRequest};

pub(super) fn mint(issuer: &Issuer, request: &TokenRequest) -> Result<String, KeyError> {
    let mut claims = claims(issuer, request);
    if let Some(defect) = request.defect {
        spoil(&mut claims, defect, issuer);
    }
    let claims = bytes(claims);
    let key = issuer.key(request.alg);
    let name = request.alg.as_str();
    match request.defect {
        Some(Defect::AlgNone) => {
            Ok(format!("{}.", unsigned(&bytes(header("none", key.kid())), &claims)))
        }
        Some(Defect::HmacPublicKey) => hmac_signed(&issuer.key(Alg::Rs256), &claims),
        Some(Defect::UnknownKid) => {
            let kid = format!("unknown-{}", Uuid::new_v4().simple());
            key.token(&bytes(header(name, &kid)), &claims)
        }
        Some(Defect::SelfSignedKnownKid) => {
            let stranger = SigningKey::generate(request.alg)?;
            stranger.token(&bytes(header(name, key.kid())), &claims)
        }
        _ => key.token(&bytes(header(name, key.kid())), &claims),
    }
}

/// The ID token of somebody who signed in (`OpenID` Connect Core, 2).
pub(super) fn id_token(
    issuer: &Issuer,
    granted: &Granted,
    ttl_secs: u32,
) -> Result<String, KeyError> {
    let mut claims = of_person(issuer, granted, ttl_secs);
    claims.insert("auth_time".to_owned(), json!(granted.at.0 / 1000));
    if let Some(nonce) = &granted.nonce {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    signed(issuer, claims)
}

/// The access token of somebody who signed in: for who asked, as there is no `resource` here.
pub(super) fn access_token(
    issuer: &Issuer,
    granted: &Granted,
    ttl_secs: u32,
) -> Result<String, KeyError> {
    let mut claims = of_person(issuer, granted, ttl_secs);
    claims.insert("client_id".to_owned(), json!(granted.client));
    claims.insert("scope".to_owned(), json!(granted.scope));
    signed(issuer, claims)
}

fn signed(issuer: &Issuer, claims: Map<String, Value>) -> Result<String, KeyError> {
    let key = issuer.key(Alg::default());
    key.token(&bytes(header(Alg::default().as_str(), key.kid())), &bytes(claims))
}

fn of_person(issuer: &Issuer, granted: &Granted, ttl_secs: u32) -> Map<String, Value> {
    let (now, person) = (now_secs(), &granted.person);
    object(json!({
        "iss": issuer.url(),
        "sub": person.username,
        "aud": granted.client,
        "iat": now,
        "exp": now + i64::from(ttl_secs),
        "jti": Uuid::new_v4(),
        "name": person.name,
        "preferred_username": person.username,
        "groups": person.groups,
    }))
}

pub(super) fn header(alg: &str, kid: &str) -> Map<String, Value> {
    object(json!({ "alg": alg, "typ": "JWT", "kid": kid }))
}

pub(super) fn claims(issuer: &Issuer, request: &TokenRequest) -> Map<String, Value> {
    let now = now_secs();
    let subject = request.subject.as_ref().unwrap_or(&request.client);
    let audience = match request.audiences.as_slice() {
        [one] => json!(one),
        many => json!(many),
    };
    object(json!({
        "iss": issuer.url(),
        "sub": subject,
        "custom-sub": request.custom_sub.as_ref().unwrap_or(subject),
        "aud": audience,
        "iat": now,
        "nbf": now,
        "exp": now + i64::from(request.ttl_secs),
        "jti": Uuid::new_v4(),
        "client_id": request.client,
        "scope": request.scope,
    }))
}

/// Changes the claims of a sound token as `defect` wants. Defects of the signature change nothing.
fn spoil(claims: &mut Map<String, Value>, defect: Defect, issuer: &Issuer) {
    let now = now_secs();
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    match defect {
        Defect::Expired => {
            set("iat", json!(now - 720));
            set("nbf", json!(now - 720));
            set("exp", json!(now - 120));
        }
        Defect::NotYetValid => {
            set("nbf", json!(now + 300));
            set("exp", json!(now + 900));
        }
        Defect::WrongIssuer => {
            set("iss", json!(format!("{}/other", issuer.url())));
        }
        Defect::WrongAudience => {
            set("aud", json!("wrong-audience"));
        }
        Defect::NoAudience => {
            claims.remove("aud");
        }
        Defect::NoSubject => {
            claims.remove("sub");
            claims.remove("custom-sub");
        }
        Defect::AlgNone
        | Defect::HmacPublicKey
        | Defect::UnknownKid
        | Defect::SelfSignedKnownKid => {}
    }
}

/// An HS256 token whose secret is the PEM of a public key: it fools who lets the token choose the
/// algorithm and hands the published key to it.
fn hmac_signed(key: &SigningKey, claims: &[u8]) -> Result<String, KeyError> {
    let message = unsigned(&bytes(header("HS256", key.kid())), claims);
    let secret = hmac::Key::new(hmac::HMAC_SHA256, key.public_pem()?.as_bytes());
    let tag = hmac::sign(&secret, message.as_bytes());
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag)))
}

fn now_secs() -> i64 {
    Timestamp::now().0 / 1000
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn bytes(members: Map<String, Value>) -> Vec<u8> {
    Value::Object(members).to_string().into_bytes()
}
