//! Authorization codes: what each stands for, once and for ten minutes (RFC 6749, 4.1.2).

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Timestamp;

use super::{KeyError, Person};

/// How long a code is good for, in milliseconds: the most that RFC 6749 recommends.
pub(super) const LIFETIME_MS: i64 = 10 * 60 * 1000;

/// What somebody agreed to when they signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) client: String,
    /// Exactly as it was asked for.
    pub(super) redirect_uri: String,
    /// `code_challenge`: the SHA-256 of the verifier, base64url (RFC 7636, 4.2).
    pub(super) challenge: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) person: Person,
    pub(super) at: Timestamp,
}

/// Why a code gives no token. The client is told no more than `invalid_grant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CodeError {
    #[error("the code is unknown, or was used")]
    Unknown,
    #[error("the code is older than ten minutes")]
    Expired,
    #[error("the code was given to another client")]
    OtherClient,
    #[error("redirect_uri is not the one of the authorization request")]
    OtherRedirect,
    #[error("code_verifier does not match the code_challenge")]
    WrongVerifier,
}

/// The codes that nobody has used yet.
#[derive(Default)]
pub(super) struct Codes(HashMap<String, Granted>);

impl fmt::Debug for Codes {
    /// Whoever has a code may use it: so only how many there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codes({})", self.0.len())
    }
}

impl Codes {
    /// A fresh code of 256 random bits. Forgets those that are too old.
    pub(super) fn issue(&mut self, granted: Granted) -> Result<String, KeyError> {
        self.0.retain(|_, it| !expired(it, granted.at));
        let mut bytes = [0; 32];
        rand::fill(&mut bytes)?;
        let code = URL_SAFE_NO_PAD.encode(bytes);
        self.0.insert(code.clone(), granted);
        Ok(code)
    }

    /// What `code` stands for. Whatever comes of it, it is used up.
    pub(super) fn redeem(
        &mut self,
        code: &str,
        client: &str,
        redirect_uri: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<Granted, CodeError> {
        let granted = self.0.remove(code).ok_or(CodeError::Unknown)?;
        if expired(&granted, now) {
            return Err(CodeError::Expired);
        }
        if granted.client != client {
            return Err(CodeError::OtherClient);
        }
        if granted.redirect_uri != redirect_uri {
            return Err(CodeError::OtherRedirect);
        }
        if granted.challenge != challenge_of(verifier) {
            return Err(CodeError::WrongVerifier);
        }
        Ok(granted)
    }
}

/// The `code_challenge` of a `code_verifier` by the method `S256`.
pub(super) fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

fn expired(granted: &Granted, now: Timestamp) -> bool {
    now.0 - granted.at.0 > LIFETIME_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const REDIRECT: &str = "http://127.0.0.1:1/console/sign-in/callback";

    fn granted() -> Granted {
        Granted {
            client: "console".to_owned(),
            redirect_uri: REDIRECT.to_owned(),
            challenge: challenge_of(VERIFIER),
            scope: "openid".to_owned(),
            nonce: None,
            person: Person::of("ada").unwrap(),
            at: Timestamp(1_000_000),
        }
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        assert_eq!(challenge_of(VERIFIER), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_code_is_good_once_for_ten_minutes_and_for_who_asked() {
        let end = 1_000_000 + LIFETIME_MS;
        let cases = [
            ("console", REDIRECT, VERIFIER, end, None),
            ("console", REDIRECT, VERIFIER, end + 1, Some(CodeError::Expired)),
            ("alice", REDIRECT, VERIFIER, end, Some(CodeError::OtherClient)),
            ("console", "http://127.0.0.1:2/", VERIFIER, end, Some(CodeError::OtherRedirect)),
            ("console", REDIRECT, "other", end, Some(CodeError::WrongVerifier)),
        ];
        for (client, redirect, verifier, now, error) in cases {
            let mut codes = Codes::default();
            let code = codes.issue(granted()).unwrap();
            let mut redeem = || codes.redeem(&code, client, redirect, verifier, Timestamp(now));
            assert_eq!(redeem().err(), error);
            assert_eq!(redeem().err(), Some(CodeError::Unknown), "used up by {error:?}");
        }
    }

    #[test]
    fn no_two_codes_are_the_same_and_old_ones_are_forgotten() {
        let mut codes = Codes::default();
        let first = codes.issue(granted()).unwrap();
        let late = Granted { at: Timestamp(granted().at.0 + LIFETIME_MS + 1), ..granted() };
        assert_ne!(codes.issue(late).unwrap(), first);
        assert_eq!(codes.0.len(), 1);
    }
}
