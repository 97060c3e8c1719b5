//! One published key, and whether it may verify tokens.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::accepted::{Algorithm, MAX_KID};
use crate::error::KeyRefusal;
use crate::json::{Json, Object};

/// A key that may verify tokens, parsed once: a verification does nothing but arithmetic.
pub(crate) struct Key {
    /// One entry for each algorithm that it serves. An RSA key that names none serves six.
    ready: Vec<(Algorithm, ParsedPublicKey)>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ready.iter().map(|(alg, _)| alg)).finish()
    }
}

impl Key {
    /// Reads a member of a JWKS.
    pub(crate) fn read(jwk: &Object<'_>) -> Result<Self, KeyRefusal> {
        check_purpose(jwk)?;
        let mut ready = match text(jwk, "kty")? {
            Some("RSA") => rsa(jwk)?,
            Some("EC") => match text(jwk, "crv")? {
                Some("P-256") => vec![(Algorithm::Es256, ec(jwk, 32, &ECDSA_P256_SHA256_FIXED)?)],
                Some("P-384") => vec![(Algorithm::Es384, ec(jwk, 48, &ECDSA_P384_SHA384_FIXED)?)],
                _ => return Err(KeyRefusal::UnsupportedCurve),
            },
            Some("OKP") => match text(jwk, "crv")? {
                Some("Ed25519") => vec![(Algorithm::EdDsa, ed25519(jwk)?)],
                _ => return Err(KeyRefusal::UnsupportedCurve),
            },
            _ => return Err(KeyRefusal::UnsupportedType),
        };
        if let Some(name) = text(jwk, "alg")? {
            let only = Algorithm::named(name).ok_or(KeyRefusal::UnsupportedAlg)?;
            ready.retain(|(alg, _)| *alg == only);
        }
        if ready.is_empty() { Err(KeyRefusal::UnsupportedAlg) } else { Ok(Self { ready }) }
    }

    /// Whether a token with this `alg` can be signed by it.
    pub(crate) fn serves(&self, alg: Algorithm) -> bool {
        self.for_alg(alg).is_some()
    }

    /// Whether `signature` is its signature of `message`.
    pub(crate) fn verifies(&self, alg: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.for_alg(alg).is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }

    fn for_alg(&self, alg: Algorithm) -> Option<&ParsedPublicKey> {
        self.ready.iter().find(|(it, _)| *it == alg).map(|(_, key)| key)
    }
}

/// How the signatures of an RSA key are made.
fn rsa_parameters(alg: Algorithm) -> &'static RsaParameters {
    match alg {
        Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        _ => &RSA_PKCS1_2048_8192_SHA256,
    }
}

/// The string member `name`.
fn text<'k>(jwk: &'k Object<'_>, name: &str) -> Result<Option<&'k str>, KeyRefusal> {
    match jwk.member(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(_) => Err(KeyRefusal::Malformed),
    }
}

fn check_purpose(jwk: &Object<'_>) -> Result<(), KeyRefusal> {
    if text(jwk, "kid")?.is_some_and(|kid| kid.len() > MAX_KID) {
        return Err(KeyRefusal::LongKid);
    }
    if text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(KeyRefusal::NotForSignatures);
    }
    match jwk.member("key_ops") {
        None => {}
        Some(Json::List(ops)) if ops.iter().any(|it| it.as_str() == Some("verify")) => {}
        Some(Json::List(_)) => return Err(KeyRefusal::NotForSignatures),
        Some(_) => return Err(KeyRefusal::Malformed),
    }
    // Whoever can read a published private key can sign tokens with it.
    if ["d", "p", "q"].iter().any(|&name| jwk.has(name)) {
        return Err(KeyRefusal::Private);
    }
    Ok(())
}

fn number(jwk: &Object<'_>, name: &str) -> Result<Vec<u8>, KeyRefusal> {
    let text = text(jwk, name)?.ok_or(KeyRefusal::Malformed)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyRefusal::Malformed)
}

fn rsa(jwk: &Object<'_>) -> Result<Vec<(Algorithm, ParsedPublicKey)>, KeyRefusal> {
    let (n, e) = (number(jwk, "n")?, number(jwk, "e")?);
    let (n, e) = (without_leading_zeros(&n), without_leading_zeros(&e));
    if !(2048..=8192).contains(&bits(n)) {
        return Err(KeyRefusal::ModulusSize);
    }
    // 257 or more: a smaller one makes forging easier. More than 32 bits the library refuses.
    let odd = e.last().is_some_and(|byte| byte % 2 == 1);
    if !odd || !(9..=32).contains(&bits(e)) {
        return Err(KeyRefusal::Exponent);
    }
    let components = RsaPublicKeyComponents { n, e };
    let parse = |alg| components.to_parsed_public_key(rsa_parameters(alg)).map(|it| (alg, it));
    Algorithm::RSA
        .into_iter()
        .map(parse)
        .collect::<Result<_, _>>()
        .map_err(|_| KeyRefusal::Malformed)
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    &number[zeros..]
}

/// How long a number without leading zeros is.
fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn ec(
    jwk: &Object<'_>,
    width: usize,
    curve: &'static dyn VerificationAlgorithm,
) -> Result<ParsedPublicKey, KeyRefusal> {
    let (x, y) = (number(jwk, "x")?, number(jwk, "y")?);
    if x.len() != width || y.len() != width {
        return Err(KeyRefusal::Point);
    }
    let point = [&[4_u8], x.as_slice(), y.as_slice()].concat();
    // Only a point on the curve can be parsed.
    ParsedPublicKey::new(curve, &point).map_err(|_| KeyRefusal::Point)
}

fn ed25519(jwk: &Object<'_>) -> Result<ParsedPublicKey, KeyRefusal> {
    let x = number(jwk, "x")?;
    if x.len() != 32 || is_small_order(&x) {
        return Err(KeyRefusal::Point);
    }
    ParsedPublicKey::new(&ED25519, &x).map_err(|_| KeyRefusal::Point)
}

/// Whether `x` is one of the points of Ed25519 by which anybody can forge signatures: those of
/// order 1, 2, 4 and 8, in every encoding (the sign bit does not matter).
fn is_small_order(x: &[u8]) -> bool {
    const ORDER_8: [[u8; 32]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let mut point = x.to_vec();
    let Some(last) = point.last_mut() else { return true };
    *last &= 0x7f;
    let middle = |byte: u8| point[1..31].iter().all(|&it| it == byte);
    // 0 and 1, then p - 1, p and p + 1 with p = 2^255 - 19.
    let zero_or_one = point[0] <= 1 && middle(0) && point[31] == 0;
    let near_p = (0xec..=0xee).contains(&point[0]) && middle(0xff) && point[31] == 0x7f;
    zero_or_one || near_p || ORDER_8.iter().any(|it| it.as_slice() == point)
}
