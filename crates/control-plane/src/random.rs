//! Passwords, tokens and ids that nobody can guess.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{AclId, Secret};

/// The machine has no random numbers to give.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandomness;

pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// A password of 256 bits, for the platform's own principals.
pub(crate) fn own_password() -> Result<Secret, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?).into())
}

/// A password of 24 characters, for a service user.
pub(crate) fn user_password() -> Result<Secret, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<18>()?).into())
}

/// Kafka's cluster id: 16 bytes as 22 characters. Not with a `-` in front, which looks like an
/// option to Kafka's tools.
pub(crate) fn cluster_id() -> Result<String, NoRandomness> {
    loop {
        let id = URL_SAFE_NO_PAD.encode(bytes::<16>()?);
        if !id.starts_with('-') {
            return Ok(id);
        }
    }
}

/// `acl` and 11 hexadecimal digits.
pub(crate) fn acl_id() -> Result<AclId, NoRandomness> {
    let mut id = "acl".to_owned();
    for byte in bytes::<6>()? {
        // Writing to a `String` cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id.truncate(14);
    Ok(AclId(id))
}

/// How every API token starts, so that one that leaked is recognised.
pub(crate) const TOKEN_START: &str = "tidegate_";

/// How much of a token behind [`TOKEN_START`] tells it from others: 48 of its 256 bits.
const SHOWN: usize = 8;

/// An API token.
pub fn api_token() -> Result<Secret, NoRandomness> {
    Ok(format!("{TOKEN_START}{}", URL_SAFE_NO_PAD.encode(bytes::<32>()?)).into())
}

/// How a token starts, to tell it from others.
pub fn token_prefix(token: &str) -> String {
    token.chars().take(TOKEN_START.len() + SHOWN).collect()
}

/// What is kept of an API token. It is random and long, so a plain hash cannot be searched.
pub fn token_hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_passwords_have_the_length_that_others_expect() {
        assert_eq!(cluster_id().unwrap().len(), 22);
        assert_eq!(user_password().unwrap().expose().len(), 24);
        assert_eq!(own_password().unwrap().expose().len(), 43);
        let AclId(acl) = acl_id().unwrap();
        assert_eq!(acl.len(), 14);
        assert!(acl[3..].bytes().all(|b| b.is_ascii_hexdigit()), "{acl}");
    }
}
