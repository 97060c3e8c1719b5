//! The outside of a token: its three parts, and what its header may say.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::accepted::{Algorithm, MAX_KID};
use crate::error::AuthError;
use crate::json::{self, Json, Object};
use crate::jwk::Key;

/// The longest token that is looked at.
pub(crate) const MAX_TOKEN: usize = 16 * 1024;
/// The longest header, decoded.
const MAX_HEADER: usize = 4 * 1024;
/// A token taken apart. Nothing of it is proven.
pub(crate) struct Jws<'t> {
    /// What it is signed with, by its own word; one of those that we accept.
    pub(crate) alg: Algorithm,
    /// Which key signed it, by its own word.
    pub(crate) kid: Option<String>,
    /// What is signed: header, dot, payload.
    message: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'t> Jws<'t> {
    /// Takes `token` apart and judges its header.
    pub(crate) fn parse(token: &'t str) -> Result<Self, AuthError> {
        if token.len() > MAX_TOKEN {
            return Err(AuthError::TooLong);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(AuthError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(AuthError::Malformed)?;
        let header = decode(header)?;
        if header.len() > MAX_HEADER {
            return Err(AuthError::TooLong);
        }
        let header = json::object(&header).ok_or(AuthError::Malformed)?;
        let alg = accepted_alg(&header)?;
        refuse_extensions(&header)?;
        refuse_other_types(&header)?;
        let kid = kid(&header)?;
        Ok(Self { alg, kid, message, payload: decode(payload)?, signature: decode(signature)? })
    }

    /// The claims, unproven as well.
    pub(crate) fn claims(&self) -> Result<Object<'_>, AuthError> {
        json::object(&self.payload).ok_or(AuthError::Claims)
    }

    /// Whether `key` signed all of it. From then on header and claims are proven.
    pub(crate) fn check_signature(&self, key: &Key) -> Result<(), AuthError> {
        let good = key.verifies(self.alg, self.message.as_bytes(), &self.signature);
        if good { Ok(()) } else { Err(AuthError::Signature) }
    }
}

/// Strict base64url: no padding, no other alphabet, no stray bits at the end, and not nothing.
fn decode(part: &str) -> Result<Vec<u8>, AuthError> {
    if part.is_empty() {
        return Err(AuthError::Malformed);
    }
    URL_SAFE_NO_PAD.decode(part).map_err(|_| AuthError::Malformed)
}

fn accepted_alg(header: &Object<'_>) -> Result<Algorithm, AuthError> {
    header.get("alg").and_then(Json::as_str).and_then(Algorithm::named).ok_or(AuthError::Algorithm)
}

/// Refuses what changes the meaning of the rest. `jwk`, `jku`, `x5u` and `x5c` change nothing: the
/// key is never taken from a token.
fn refuse_extensions(header: &Object<'_>) -> Result<(), AuthError> {
    // With `cty: JWT` jose4j takes the payload for another token.
    if ["crit", "b64", "zip", "enc", "cty"].iter().any(|&name| header.has(name)) {
        return Err(AuthError::Extension);
    }
    // jose4j looks for the key by these as well, and fails if they are no strings.
    if ["x5t", "x5t#S256"]
        .iter()
        .any(|&name| header.member(name).is_some_and(|it| it.as_str().is_none()))
    {
        return Err(AuthError::Malformed);
    }
    Ok(())
}

/// Refuses an explicit type (RFC 8725, 3.11) other than those of access tokens.
fn refuse_other_types(header: &Object<'_>) -> Result<(), AuthError> {
    let accepted = ["jwt", "at+jwt", "application/at+jwt"];
    match header.get("typ") {
        None => Ok(()),
        Some(Json::Text(typ)) if accepted.iter().any(|it| it.eq_ignore_ascii_case(typ)) => Ok(()),
        Some(_) => Err(AuthError::NotAccessToken),
    }
}

fn kid(header: &Object<'_>) -> Result<Option<String>, AuthError> {
    match header.member("kid") {
        None => Ok(None),
        Some(Json::Text(kid)) if kid.len() <= MAX_KID => Ok(Some(kid.clone().into_owned())),
        Some(Json::Text(_)) => Err(AuthError::UnknownKey),
        Some(_) => Err(AuthError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(
            token in "[A-Za-z0-9_.-]{0,40}|[a-z]{1,4}\\.\\.|.{0,20}",
            header in "\\{\"(alg|kid)\":(\"RS256\"|\"\"|1|null|\\[\\])\\}",
        ) {
            let _ = Jws::parse(&token);
            let _ = Jws::parse(&format!("{}.e30.x", URL_SAFE_NO_PAD.encode(header)));
        }
    }
}
