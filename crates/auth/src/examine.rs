//! A token, rule by rule: for people who want to know why one is refused.

use std::sync::Arc;

use model::{IdpPolicy, IdpUrl, Timestamp};

use crate::claims::{Rules, check_types, refuse_other_purposes, times};
use crate::error::{AuthError, JwksError};
use crate::fetch::fetch_key_set;
use crate::header::Jws;
use crate::json::Object;
use crate::key_set::KeySet;

/// A rule that a token has to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRule {
    /// It is a signed JWT with a header and an algorithm that are accepted.
    Form,
    /// Its key is published, and for its algorithm.
    Key,
    /// That key has signed it.
    Signature,
    /// It is an access token that a bearer may use.
    Purpose,
    /// It has been issued, and has not expired.
    Times,
    /// It is of the configured issuer.
    Issuer,
    /// It is for one of the configured audiences.
    Audience,
    /// What else Kafka looks at has the right types.
    OtherClaims,
    /// The configured claim names a principal.
    Principal,
}

/// How it went with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The token keeps it.
    Kept,
    /// It does not.
    Broken(AuthError),
    /// That cannot be said, since another rule is broken that comes first.
    NotReached,
}

/// A token, rule by rule. Nothing of the token is in it but the principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// Each rule, in the order of the rules.
    pub rules: [(TokenRule, Outcome); 9],
    /// What its claim names, **proven only if every rule is kept**.
    pub principal: Option<String>,
}

impl TokenRule {
    /// What it asks for, in a few words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Form => "It is a signed JWT with an accepted algorithm",
            Self::Key => "Its key is published, for its algorithm",
            Self::Signature => "That key has signed it",
            Self::Purpose => "It is an access token for bearers",
            Self::Times => "It is valid now",
            Self::Issuer => "It is of the configured issuer",
            Self::Audience => "It is for a configured audience",
            Self::OtherClaims => "Its other claims are well formed",
            Self::Principal => "Its claim names a principal",
        }
    }
}

impl Examined {
    /// Whether every rule is kept, which is exactly when [`crate::Verifier`] accepts the token.
    pub fn is_accepted(&self) -> bool {
        self.rules.iter().all(|(_, it)| *it == Outcome::Kept)
    }
}

/// Examines `token` under these rules, with the keys as they are at `jwks_url` now. Keys that cannot
/// be had are told of as well; what needs none is looked at all the same.
pub async fn examine(
    token: &str,
    (issuer, audiences, principal_claim): (&str, &[String], &str),
    jwks_url: &IdpUrl,
    policy: &IdpPolicy,
) -> (Examined, Option<JwksError>) {
    let rules = Rules {
        issuer: Arc::from(issuer),
        audiences: audiences.to_vec(),
        principal_claim: principal_claim.to_owned(),
    };
    let (keys, error) = match fetch_key_set(jwks_url, policy).await {
        Ok((keys, _)) => (Some(keys), None),
        Err(error) => (None, Some(error)),
    };
    (judge(token, &rules, keys.as_ref(), Timestamp::now()), error)
}

fn judge(token: &str, rules: &Rules, keys: Option<&KeySet>, now: Timestamp) -> Examined {
    let jws = Jws::parse(token);
    let form = jws.as_ref().map(|_| ()).map_err(|it| *it);
    let key = jws.as_ref().ok().map(|jws| {
        keys.map_or(Err(AuthError::KeysUnavailable), |it| it.find(jws.kid.as_deref(), jws.alg))
    });
    let signature = match (&jws, &key) {
        (Ok(jws), Some(Ok(key))) => Some(jws.check_signature(key)),
        _ => None,
    };
    let claims = jws.as_ref().ok().map(Jws::claims);
    let of_claims = |check: &dyn Fn(&Object<'_>) -> Result<(), AuthError>| match &claims {
        None => Outcome::NotReached,
        Some(Err(error)) => Outcome::Broken(*error),
        Some(Ok(claims)) => check(claims).into(),
    };
    let known = claims.as_ref().and_then(|it| it.as_ref().ok());
    let principal = known.and_then(|it| rules.principal(it).ok());
    Examined {
        rules: [
            (TokenRule::Form, form.into()),
            (TokenRule::Key, key.map_or(Outcome::NotReached, |it| it.map(|_| ()).into())),
            (TokenRule::Signature, signature.map_or(Outcome::NotReached, Into::into)),
            (TokenRule::Purpose, of_claims(&refuse_other_purposes)),
            (TokenRule::Times, of_claims(&|it| times(it, now).map(|_| ()))),
            (TokenRule::Issuer, of_claims(&|it| rules.check_issuer(it))),
            (TokenRule::Audience, of_claims(&|it| rules.check_audience(it))),
            (TokenRule::OtherClaims, of_claims(&check_types)),
            (TokenRule::Principal, of_claims(&|it| rules.principal(it).map(|_| ()))),
        ],
        principal,
    }
}

impl From<Result<(), AuthError>> for Outcome {
    fn from(result: Result<(), AuthError>) -> Self {
        result.map_or_else(Self::Broken, |()| Self::Kept)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn rules() -> Rules {
        Rules {
            issuer: "us".into(),
            audiences: vec!["kafka".to_owned()],
            principal_claim: "sub".to_owned(),
        }
    }

    fn token(header: &Value, changed: &Value) -> String {
        let secs = NOW.0 / 1000;
        let mut claims =
            json!({ "iss": "us", "aud": "kafka", "sub": "alice", "iat": secs, "exp": secs + 60 });
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let part = |it: &Value| URL_SAFE_NO_PAD.encode(it.to_string());
        format!("{}.{}.{}", part(header), part(&claims), URL_SAFE_NO_PAD.encode("signature"))
    }

    /// The rules that are broken, with why; and whether any was not reached.
    fn broken(token: &str) -> (Vec<(TokenRule, AuthError)>, usize) {
        let it = judge(token, &rules(), Some(&KeySet::default()), NOW);
        let broken = it.rules.iter().filter_map(|&(rule, it)| match it {
            Outcome::Broken(error) => Some((rule, error)),
            _ => None,
        });
        let unreached = it.rules.iter().filter(|(_, it)| *it == Outcome::NotReached).count();
        assert!(!it.is_accepted());
        (broken.collect(), unreached)
    }

    #[test]
    fn each_rule_is_told_of_whatever_the_others_say() {
        let good = json!({ "alg": "RS256", "kid": "k" });
        // No key is published here, so this one is broken always.
        let key = (TokenRule::Key, AuthError::UnknownKey);
        for (changed, rule) in [
            (json!({}), None),
            (json!({ "nonce": "n" }), Some((TokenRule::Purpose, AuthError::NotAccessToken))),
            (json!({ "exp": 1, "iat": 0 }), Some((TokenRule::Times, AuthError::Expired))),
            (json!({ "exp": null }), Some((TokenRule::Times, AuthError::NoTimes))),
            (json!({ "iss": "them" }), Some((TokenRule::Issuer, AuthError::Issuer))),
            (json!({ "aud": ["other"] }), Some((TokenRule::Audience, AuthError::Audience))),
            (json!({ "scope": "" }), Some((TokenRule::OtherClaims, AuthError::Scope))),
            (json!({ "sub": " alice" }), Some((TokenRule::Principal, AuthError::Principal))),
        ] {
            let wanted: Vec<_> = [Some(key), rule].into_iter().flatten().collect();
            assert_eq!(broken(&token(&good, &changed)), (wanted, 1), "{changed}");
        }
        let two = json!({ "iss": "them", "aud": "other" });
        assert_eq!(broken(&token(&good, &two)).0.len(), 3, "more than the first");
    }

    #[test]
    fn of_what_is_no_token_nothing_else_is_said() {
        for (text, error) in [("", AuthError::Malformed), ("a.b.c", AuthError::Malformed)] {
            assert_eq!(broken(text), (vec![(TokenRule::Form, error)], 8), "{text}");
        }
        let symmetric = token(&json!({ "alg": "HS256" }), &json!({}));
        assert_eq!(broken(&symmetric), (vec![(TokenRule::Form, AuthError::Algorithm)], 8));
    }

    #[test]
    fn without_keys_the_claims_are_looked_at_all_the_same() {
        let token = token(&json!({ "alg": "ES256", "kid": "k" }), &json!({}));
        let it = judge(&token, &rules(), None, NOW);
        assert_eq!(it.rules[1].1, Outcome::Broken(AuthError::KeysUnavailable));
        assert_eq!(it.rules[2].1, Outcome::NotReached);
        assert!(it.rules[3..].iter().all(|(_, it)| *it == Outcome::Kept));
        assert_eq!(it.principal.as_deref(), Some("alice"));
    }
}
