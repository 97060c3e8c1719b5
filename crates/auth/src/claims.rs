//! What a token says, and whether that is enough: a pure function of claims, rules and time.

use std::sync::Arc;

use model::Timestamp;

use crate::error::AuthError;
use crate::json::{Json, Object};

/// Kafka's `sasl.oauthbearer.clock.skew.seconds`, granted for `nbf` and `iat` only.
const SKEW_SECS: i64 = 30;
/// The end of the year 9999, in seconds: no time claim is later.
const LAST_SECS: i64 = 253_402_300_799;
/// The longest principal, in bytes.
const MAX_PRINCIPAL: usize = 256;

/// What a token has to say.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) issuer: Arc<str>,
    pub(crate) audiences: Vec<String>,
    pub(crate) principal_claim: String,
}

/// What a sound token has said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) principal: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Rules {
    /// Judges `claims` at the moment `now`.
    pub(crate) fn check(&self, claims: &Object<'_>, now: Timestamp) -> Result<Identity, AuthError> {
        refuse_other_purposes(claims)?;
        self.identity(claims, now)
    }

    /// Judges the claims of an ID token (`OpenID` Connect Core, 3.1.3.7). `self` has the client as its
    /// only audience.
    pub(crate) fn check_id_token(
        &self,
        claims: &Object<'_>,
        nonce: &str,
        now: Timestamp,
    ) -> Result<Identity, AuthError> {
        let text = |name| claims.member(name).map(|it| it.as_str().unwrap_or_default());
        if claims.has("events") || text("typ").is_some_and(|it| it != "ID" && it != "JWT") {
            return Err(AuthError::NotIdToken);
        }
        if text("nonce") != Some(nonce) {
            return Err(AuthError::Nonce);
        }
        let ours = |it: &str| self.audiences.iter().any(|audience| audience == it);
        let is_for_many = matches!(claims.member("aud"), Some(Json::List(all)) if all.len() > 1);
        match text("azp") {
            Some(azp) if ours(azp) => {}
            None if !is_for_many => {}
            _ => return Err(AuthError::Audience),
        }
        self.identity(claims, now)
    }

    fn identity(&self, claims: &Object<'_>, now: Timestamp) -> Result<Identity, AuthError> {
        let (iat, exp) = times(claims, now)?;
        self.check_issuer(claims)?;
        self.check_audience(claims)?;
        check_types(claims)?;
        Ok(Identity {
            principal: self.principal(claims)?,
            issued_at: Timestamp(iat * 1000),
            expires_at: Timestamp(exp * 1000),
        })
    }

    pub(crate) fn check_issuer(&self, claims: &Object<'_>) -> Result<(), AuthError> {
        match claims.member("iss") {
            Some(Json::Text(issuer)) if **issuer == *self.issuer => Ok(()),
            _ => Err(AuthError::Issuer),
        }
    }

    pub(crate) fn check_audience(&self, claims: &Object<'_>) -> Result<(), AuthError> {
        let ours = |audience: &str| self.audiences.iter().any(|it| it == audience);
        let matches = match claims.member("aud") {
            Some(Json::Text(audience)) => ours(audience),
            Some(Json::List(items)) => {
                strings(items).ok_or(AuthError::Audience)?.into_iter().any(ours)
            }
            _ => false,
        };
        if matches { Ok(()) } else { Err(AuthError::Audience) }
    }

    pub(crate) fn principal(&self, claims: &Object<'_>) -> Result<String, AuthError> {
        let Some(Json::Text(name)) = claims.member(&self.principal_claim) else {
            return Err(AuthError::NoPrincipal);
        };
        // Kafka would trim the name: two spellings, one principal. `*` and `ANONYMOUS` mean
        // everybody and nobody in Kafka's ACLs.
        let acceptable = !name.is_empty()
            && name.len() <= MAX_PRINCIPAL
            && name.trim() == name
            && !name.chars().any(is_control)
            && name != "*"
            && name != "ANONYMOUS";
        if acceptable { Ok(name.clone().into_owned()) } else { Err(AuthError::Principal) }
    }
}

/// Control characters, and those that end a line or turn the direction of text in a log.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Refuses tokens that the same keys sign for other purposes, and those that are no bearer tokens.
pub(crate) fn refuse_other_purposes(claims: &Object<'_>) -> Result<(), AuthError> {
    // `nonce` and `at_hash` are of ID tokens, `events` of logout and security event tokens.
    if ["nonce", "at_hash", "events"].iter().any(|&name| claims.has(name)) {
        return Err(AuthError::NotAccessToken);
    }
    // Keycloak writes the purpose into the payload.
    let other = ["ID", "Refresh", "Offline", "Logout"];
    if claims.get("typ").and_then(Json::as_str).is_some_and(|typ| other.contains(&typ)) {
        return Err(AuthError::NotAccessToken);
    }
    if claims.has("cnf") {
        return Err(AuthError::Bound);
    }
    Ok(())
}

/// `iat` and `exp` in seconds, if `now` is between them.
pub(crate) fn times(claims: &Object<'_>, now: Timestamp) -> Result<(i64, i64), AuthError> {
    let expires = seconds(claims, "exp")?.ok_or(AuthError::NoTimes)?;
    let issued = seconds(claims, "iat")?.ok_or(AuthError::NoTimes)?;
    let not_before = seconds(claims, "nbf")?.unwrap_or(0);
    if expires < issued || expires < not_before {
        return Err(AuthError::Claims);
    }
    if expires * 1000 <= now.0 {
        return Err(AuthError::Expired);
    }
    let latest = now.0.div_euclid(1000) + SKEW_SECS;
    if not_before > latest || issued > latest {
        return Err(AuthError::NotYetValid);
    }
    Ok((issued, expires))
}

/// A `NumericDate` in whole seconds, rounded towards zero as jose4j does.
fn seconds(claims: &Object<'_>, name: &str) -> Result<Option<i64>, AuthError> {
    let Some(value) = claims.member(name) else { return Ok(None) };
    let Json::Number(value) = value else { return Err(AuthError::Claims) };
    let secs =
        value.as_i64().or_else(|| value.as_f64().and_then(whole)).ok_or(AuthError::Claims)?;
    if (0..=LAST_SECS).contains(&secs) { Ok(Some(secs)) } else { Err(AuthError::Claims) }
}

fn whole(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
    let whole = || value as i64;
    (0.0..=1e12).contains(&value).then(whole)
}

/// Claims that do not matter here, but that make Kafka refuse a token if they are of another type.
pub(crate) fn check_types(claims: &Object<'_>) -> Result<(), AuthError> {
    let text = |name| claims.member(name).is_none_or(|it| it.as_str().is_some());
    if !text("sub") || !text("jti") {
        return Err(AuthError::Claims);
    }
    let mut elements = match claims.member("scope") {
        None => return Ok(()),
        Some(Json::Text(one)) => vec![&**one],
        Some(Json::List(items)) => strings(items).ok_or(AuthError::Scope)?,
        Some(_) => return Err(AuthError::Scope),
    };
    // Java's `trim` takes control characters away, too.
    let blank = |c: char| c.is_whitespace() || c <= ' ';
    for element in &mut elements {
        *element = element.trim_matches(blank);
    }
    elements.sort_unstable();
    if elements.contains(&"") || elements.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(AuthError::Scope);
    }
    Ok(())
}

/// All of `items`, if they are strings.
fn strings<'c>(items: &'c [Json<'_>]) -> Option<Vec<&'c str>> {
    items.iter().map(Json::as_str).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn value() -> impl Strategy<Value = Value> {
        let secs = NOW.0 / 1000;
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(|it| json!(it)),
            any::<f64>().prop_map(|it| json!(it)),
            (secs - 60..secs + 60).prop_map(|it| json!(it)),
            "[ a*\n\u{200b}]{0,3}".prop_map(|it| json!(it)),
            Just(json!("us")),
            Just(json!(["us", 1])),
            Just(json!({})),
        ]
    }

    proptest! {
        /// Whatever the claims are: no panic, and who is let in has a plain name and time left.
        #[test]
        fn who_is_let_in_has_a_plain_name_and_time_left(
            values in prop::collection::vec(value(), 8),
        ) {
            let rules = Rules {
                issuer: "us".into(),
                audiences: vec!["us".to_owned()],
                principal_claim: "sub".to_owned(),
            };
            let secs = NOW.0 / 1000;
            let mut claims = Map::new();
            for (name, value) in [
                ("iss", json!("us")), ("aud", json!("us")), ("sub", json!("a")),
                ("iat", json!(secs)), ("exp", json!(secs + 60)),
            ] {
                claims.insert(name.to_owned(), value);
            }
            let check = |claims: &Map<String, Value>| {
                let text = serde_json::to_vec(claims).unwrap();
                rules.check(&crate::json::object(&text).unwrap(), NOW)
            };
            prop_assert!(check(&claims).is_ok());
            let names = ["iss", "aud", "sub", "iat", "exp", "nbf", "jti", "scope"];
            // One claim of the eight is replaced by each of the values in turn.
            for (name, value) in names.into_iter().zip(values) {
                let mut claims = claims.clone();
                claims.insert(name.to_owned(), value);
                if let Ok(identity) = check(&claims) {
                    prop_assert!(identity.expires_at > NOW);
                    prop_assert!(identity.issued_at <= identity.expires_at);
                    prop_assert_eq!(identity.principal.trim(), &identity.principal);
                    prop_assert!(!identity.principal.chars().any(is_control));
                }
            }
        }
    }
}
