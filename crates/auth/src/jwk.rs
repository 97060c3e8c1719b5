//! One published key, and whether it may verify tokens.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::{Map, Value};

use crate::accepted::{MAX_KID, algorithm};
use crate::error::KeyRefusal;
use crate::json::member;

type Jwk = Map<String, Value>;

/// A key that may verify tokens.
pub(crate) struct Key {
    shape: Shape,
    alg: Option<Algorithm>,
    decoding: DecodingKey,
}

/// Kind and curve of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?}, {:?})", self.shape, self.alg)
    }
}

impl Key {
    /// Reads a member of a JWKS.
    pub(crate) fn read(jwk: &Jwk) -> Result<Self, KeyRefusal> {
        check_purpose(jwk)?;
        let (shape, decoding) = match text(jwk, "kty")? {
            Some("RSA") => (Shape::Rsa, rsa(jwk)?),
            Some("EC") => match text(jwk, "crv")? {
                Some("P-256") => (Shape::P256, ec(jwk, 32, &ECDSA_P256_SHA256_FIXED)?),
                Some("P-384") => (Shape::P384, ec(jwk, 48, &ECDSA_P384_SHA384_FIXED)?),
                _ => return Err(KeyRefusal::UnsupportedCurve),
            },
            Some("OKP") => match text(jwk, "crv")? {
                Some("Ed25519") => (Shape::Ed25519, ed25519(jwk)?),
                _ => return Err(KeyRefusal::UnsupportedCurve),
            },
            _ => return Err(KeyRefusal::UnsupportedType),
        };
        let alg = match text(jwk, "alg")? {
            None => None,
            Some(name) => Some(algorithm(name).ok_or(KeyRefusal::UnsupportedAlg)?),
        };
        if alg.is_some_and(|alg| !shape.fits(alg)) {
            return Err(KeyRefusal::UnsupportedAlg);
        }
        Ok(Self { shape, alg, decoding })
    }

    /// Whether a token with this `alg` can be signed by it.
    pub(crate) fn serves(&self, alg: Algorithm) -> bool {
        self.shape.fits(alg) && self.alg.is_none_or(|only| only == alg)
    }

    pub(crate) const fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

impl Shape {
    fn fits(self, alg: Algorithm) -> bool {
        match self {
            Self::Rsa => alg.family() == AlgorithmFamily::Rsa,
            Self::P256 => alg == Algorithm::ES256,
            Self::P384 => alg == Algorithm::ES384,
            Self::Ed25519 => alg == Algorithm::EdDSA,
        }
    }
}

/// The `kty` of the keys that can sign with `alg`.
pub(crate) fn key_type(alg: Algorithm) -> &'static str {
    match alg.family() {
        AlgorithmFamily::Rsa => "RSA",
        AlgorithmFamily::Ec => "EC",
        AlgorithmFamily::Ed => "OKP",
        AlgorithmFamily::Hmac => "oct",
    }
}

/// The string member `name`.
fn text<'k>(jwk: &'k Jwk, name: &str) -> Result<Option<&'k str>, KeyRefusal> {
    match member(jwk, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyRefusal::Malformed),
    }
}

fn check_purpose(jwk: &Jwk) -> Result<(), KeyRefusal> {
    if text(jwk, "kid")?.is_some_and(|kid| kid.len() > MAX_KID) {
        return Err(KeyRefusal::LongKid);
    }
    if text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(KeyRefusal::NotForSignatures);
    }
    match member(jwk, "key_ops") {
        None => {}
        Some(Value::Array(ops)) if ops.iter().any(|it| it == "verify") => {}
        Some(Value::Array(_)) => return Err(KeyRefusal::NotForSignatures),
        Some(_) => return Err(KeyRefusal::Malformed),
    }
    // Whoever can read a published private key can sign tokens with it.
    if ["d", "p", "q"].iter().any(|&name| jwk.contains_key(name)) {
        return Err(KeyRefusal::Private);
    }
    Ok(())
}

fn number(jwk: &Jwk, name: &str) -> Result<Vec<u8>, KeyRefusal> {
    let text = text(jwk, name)?.ok_or(KeyRefusal::Malformed)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyRefusal::Malformed)
}

fn rsa(jwk: &Jwk) -> Result<DecodingKey, KeyRefusal> {
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
    Ok(DecodingKey::from_rsa_raw_components(n, e))
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
    jwk: &Jwk,
    width: usize,
    curve: &'static dyn VerificationAlgorithm,
) -> Result<DecodingKey, KeyRefusal> {
    let (x, y) = (number(jwk, "x")?, number(jwk, "y")?);
    if x.len() != width || y.len() != width {
        return Err(KeyRefusal::Point);
    }
    let point = [&[4_u8], x.as_slice(), y.as_slice()].concat();
    // Only a point on the curve can be parsed.
    ParsedPublicKey::new(curve, &point).map_err(|_| KeyRefusal::Point)?;
    Ok(DecodingKey::from_ec_der(&point))
}

fn ed25519(jwk: &Jwk) -> Result<DecodingKey, KeyRefusal> {
    let x = number(jwk, "x")?;
    if x.len() != 32 || is_small_order(&x) {
        return Err(KeyRefusal::Point);
    }
    Ok(DecodingKey::from_ed_der(&x))
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
