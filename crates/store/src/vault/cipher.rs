//! AES-256-GCM, and what a ciphertext is bound to.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of a key.
pub(super) const KEY: usize = 32;

/// A key that seals and opens. Shows nothing in `Debug`.
pub(super) struct Cipher(RandomizedNonceKey);

/// The machine gives no random numbers, or AES does not work on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("AES-256-GCM or random numbers fail on this machine")]
pub struct CipherFailed;

impl Cipher {
    pub(super) fn new(key: &[u8; KEY]) -> Result<Self, CipherFailed> {
        RandomizedNonceKey::new(&AES_256_GCM, key).map(Self).map_err(|_| CipherFailed)
    }

    /// base64url of a new random nonce, the ciphertext and its tag. It opens only together with the
    /// same `bound_to`, which is not in it.
    pub(super) fn seal(&self, bound_to: &str, content: &[u8]) -> Result<String, CipherFailed> {
        let mut sealed = content.to_vec();
        let bound_to = Aad::from(bound_to);
        let nonce = self.0.seal_in_place_append_tag(bound_to, &mut sealed);
        let nonce = nonce.map_err(|_| CipherFailed)?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_ref(), sealed.as_slice()].concat()))
    }

    /// What was sealed; `None` if any of it differs from what [`Self::seal`] has made: the text, the
    /// key or `bound_to`.
    pub(super) fn open(&self, bound_to: &str, text: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.0.open_in_place(nonce, Aad::from(bound_to), sealed).ok()?;
        Some(opened.to_vec())
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(..)")
    }
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N], CipherFailed> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| CipherFailed)?;
    Ok(bytes)
}

/// 16 hexadecimal digits.
pub(super) fn hex(bytes: [u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(bytes))
}

/// Whether it may have come from [`hex`].
pub(super) fn is_hex(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
