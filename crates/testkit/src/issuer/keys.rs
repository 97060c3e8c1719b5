//! Signing keys, their public halves as JWKs, and their names.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// What a key signs with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alg {
    /// RSA 2048, PKCS#1 v1.5, SHA-256.
    #[default]
    Rs256,
    /// ECDSA on P-256, SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Alg {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    /// As a token's header spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// The cryptographic library could not make or use a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key could not be made or used")]
pub struct KeyError;

impl From<aws_lc_rs::error::Unspecified> for KeyError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

/// A private key with its public name.
pub struct SigningKey {
    alg: Alg,
    kid: String,
    jwk: Value,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, {})", self.alg.as_str(), self.kid)
    }
}

impl SigningKey {
    /// A fresh key.
    pub fn generate(alg: Alg) -> Result<Self, KeyError> {
        let pair = match alg {
            Alg::Rs256 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048)?),
            Alg::Es256 => Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            Alg::EdDsa => Pair::Ed(Ed25519KeyPair::generate()?),
        };
        let mut jwk = public_parts(&pair);
        let kid = thumbprint(&jwk);
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(alg.as_str());
        Ok(Self { alg, kid, jwk, pair })
    }

    /// Its name: the RFC 7638 thumbprint. So no other key ever has it, not even after a restart.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its public half.
    pub const fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// A token of exactly these bytes.
    pub fn token(&self, header: &[u8], claims: &[u8]) -> Result<String, KeyError> {
        let message = unsigned(header, claims);
        let signature = self.signature(message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The signature of `message`, as RFC 7518 wants it.
    pub fn signature(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        Ok(match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                signature
            }
            Pair::Ec(pair) => pair.sign(&random, message)?.as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        })
    }

    /// Its public half as a PEM file: what an attacker has who hopes that it is taken as a secret.
    pub fn public_pem(&self) -> Result<String, KeyError> {
        let der = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der()?,
            Pair::Ec(pair) => pair.public_key().as_der()?,
            Pair::Ed(pair) => pair.public_key().as_der()?,
        };
        let text = STANDARD.encode(der.as_ref());
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for line in text.as_bytes().chunks(64) {
            pem.extend(line.iter().copied().map(char::from));
            pem.push('\n');
        }
        pem.push_str("-----END PUBLIC KEY-----\n");
        Ok(pem)
    }
}

/// The name of the key `jwk` by RFC 7638.
pub fn thumbprint(jwk: &Value) -> String {
    let members: &[&str] = match jwk["kty"].as_str() {
        Some("RSA") => &["e", "kty", "n"],
        Some("EC") => &["crv", "kty", "x", "y"],
        _ => &["crv", "kty", "x"],
    };
    // The members in this order, without white space; their values need no escaping.
    let parts: Vec<String> =
        members.iter().map(|&name| format!("\"{name}\":{}", jwk[name])).collect();
    let canonical = format!("{{{}}}", parts.join(","));
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

/// Header and claims as a token starts with them, up to the second dot.
pub(super) fn unsigned(header: &[u8], claims: &[u8]) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

fn public_parts(pair: &Pair) -> Value {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match pair {
        Pair::Rsa(pair) => {
            let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
            json!({ "kty": "RSA", "n": text(&public.n), "e": text(&public.e) })
        }
        Pair::Ec(pair) => {
            // An uncompressed point: 4, x, y.
            let point = pair.public_key().as_ref();
            let (x, y) = (&point[1..33], &point[33..]);
            json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
        }
        Pair::Ed(pair) => {
            json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
        }
    }
}

/// The keys that sign now, and the public halves of those that did.
#[derive(Debug)]
pub(super) struct Keyring {
    current: [Arc<SigningKey>; 3],
    retired: Vec<Value>,
}

impl Keyring {
    pub(super) fn generate() -> Result<Self, KeyError> {
        let fresh = |alg| SigningKey::generate(alg).map(Arc::new);
        let current = [fresh(Alg::Rs256)?, fresh(Alg::Es256)?, fresh(Alg::EdDsa)?];
        Ok(Self { current, retired: Vec::new() })
    }

    pub(super) fn current(&self, alg: Alg) -> Arc<SigningKey> {
        Arc::clone(&self.current[alg as usize])
    }

    pub(super) fn replace(&mut self, fresh: Self, overlap: bool) {
        self.retired = if overlap { self.published() } else { Vec::new() };
        self.current = fresh.current;
    }

    pub(super) fn published(&self) -> Vec<Value> {
        let current = self.current.iter().map(|key| key.jwk().clone());
        current.chain(self.retired.iter().cloned()).collect()
    }
}
