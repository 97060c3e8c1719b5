//! Which published keys are used.

use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::issuer::{Alg, SigningKey};

use super::*;
use crate::error::KeyRefusal as No;

fn read(keys: &[Value]) -> (KeySet, JwksReport) {
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn refusal(key: &Value) -> Option<KeyRefusal> {
    read(std::slice::from_ref(key)).1.keys[0].refused
}

fn jwk(alg: Alg) -> Value {
    SigningKey::generate(alg).unwrap().jwk().clone()
}

fn with(key: &Value, name: &str, value: Value) -> Value {
    let mut key = key.clone();
    key[name] = value;
    key
}

/// A number of `bytes` bytes, for a member of a JWK.
fn base64(bytes: &[u8]) -> Value {
    use base64::Engine;
    json!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

#[test]
fn a_key_is_used_if_it_can_only_be_meant_for_tokens() {
    let (rsa, ec, ed) = (jwk(Alg::Rs256), jwk(Alg::Es256), jwk(Alg::EdDsa));
    let modulus = |bits: usize| base64(&vec![0xff; bits / 8]);
    let cases = [
        (rsa.clone(), None),
        (ec.clone(), None),
        (ed.clone(), None),
        (with(&rsa, "use", Value::Null), None),
        (with(&rsa, "alg", Value::Null), None),
        (with(&rsa, "alg", json!("PS512")), None),
        (with(&rsa, "key_ops", json!(["verify"])), None),
        (with(&rsa, "use", json!("enc")), Some(No::NotForSignatures)),
        (with(&rsa, "use", json!("")), Some(No::NotForSignatures)),
        (with(&rsa, "use", json!(1)), Some(No::Malformed)),
        (with(&rsa, "key_ops", json!(["sign"])), Some(No::NotForSignatures)),
        (with(&rsa, "key_ops", json!([])), Some(No::NotForSignatures)),
        (with(&rsa, "key_ops", json!("verify")), Some(No::Malformed)),
        (with(&rsa, "alg", json!("RSA-OAEP")), Some(No::UnsupportedAlg)),
        (with(&rsa, "alg", json!("ES256")), Some(No::UnsupportedAlg)),
        (with(&rsa, "alg", json!("HS256")), Some(No::UnsupportedAlg)),
        (with(&rsa, "kty", json!("oct")), Some(No::UnsupportedType)),
        (with(&rsa, "kty", json!("rsa")), Some(No::UnsupportedType)),
        (with(&rsa, "kty", Value::Null), Some(No::UnsupportedType)),
        (with(&rsa, "d", base64(&[1])), Some(No::Private)),
        (with(&rsa, "kid", json!("k".repeat(257))), Some(No::LongKid)),
        (with(&rsa, "kid", json!(7)), Some(No::Malformed)),
        (with(&rsa, "n", Value::Null), Some(No::Malformed)),
        (with(&rsa, "n", json!("!")), Some(No::Malformed)),
        (with(&rsa, "n", modulus(1024)), Some(No::ModulusSize)),
        (with(&rsa, "n", modulus(2040)), Some(No::ModulusSize)),
        (with(&rsa, "n", modulus(16384)), Some(No::ModulusSize)),
        (with(&rsa, "n", json!("")), Some(No::ModulusSize)),
        (with(&rsa, "e", base64(&[1])), Some(No::Exponent)),
        (with(&rsa, "e", base64(&[3])), Some(No::Exponent)),
        (with(&rsa, "e", base64(&[0, 0, 0, 3])), Some(No::Exponent)),
        (with(&rsa, "e", base64(&[1, 0, 0])), Some(No::Exponent)),
        (with(&rsa, "e", base64(&[0xff; 8])), Some(No::Exponent)),
        (with(&ec, "crv", json!("secp256k1")), Some(No::UnsupportedCurve)),
        (with(&ec, "crv", json!("P-521")), Some(No::UnsupportedCurve)),
        (with(&ec, "crv", json!("P-384")), Some(No::Point)),
        (with(&ec, "alg", json!("ES384")), Some(No::UnsupportedAlg)),
        (with(&ec, "x", ec["y"].clone()), Some(No::Point)),
        (with(&with(&ec, "x", base64(&[0; 32])), "y", base64(&[0; 32])), Some(No::Point)),
        (with(&ed, "crv", json!("Ed448")), Some(No::UnsupportedCurve)),
        (with(&ed, "crv", json!("X25519")), Some(No::UnsupportedCurve)),
        (with(&ed, "x", base64(&[0; 32])), Some(No::Point)),
        (with(&ed, "x", base64(&[9; 31])), Some(No::Point)),
        (json!("text"), Some(No::Malformed)),
        (json!({}), Some(No::UnsupportedType)),
    ];
    for (key, expected) in cases {
        assert_eq!(refusal(&key), expected, "{key}");
    }
}

#[test]
fn a_modulus_may_be_led_by_zeros() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let key = jwk(Alg::Rs256);
    let n = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
    assert_eq!(refusal(&with(&key, "n", base64(&[vec![0], n].concat()))), None);
}

#[test]
fn of_two_keys_with_one_name_neither_is_used() {
    let (one, two) = (jwk(Alg::Rs256), jwk(Alg::Es256));
    let named = |key: &Value| with(key, "kid", json!("k"));
    let (set, report) = read(&[named(&one), two.clone(), named(&two)]);
    let refused: Vec<_> = report.keys.iter().map(|key| key.refused).collect();
    assert_eq!(refused, [Some(No::DuplicateKid), None, Some(No::DuplicateKid)]);
    assert_eq!(set.find(Some("k"), Algorithm::Rs256).unwrap_err(), AuthError::UnknownKey);

    let encrypts = with(&named(&two), "use", json!("enc"));
    let (set, _) = read(&[named(&one), encrypts]);
    assert!(set.find(Some("k"), Algorithm::Rs256).is_ok());
}

#[test]
fn without_a_name_there_has_to_be_one_key_of_the_type() {
    let (one, two) = (jwk(Alg::Rs256), jwk(Alg::Rs256));
    let (set, _) = read(&[one.clone(), jwk(Alg::Es256)]);
    assert!(set.find(None, Algorithm::Rs256).is_ok());
    assert!(set.find(None, Algorithm::Es256).is_ok());
    assert_eq!(set.find(None, Algorithm::Ps256).unwrap_err(), AuthError::WrongKey);
    assert_eq!(set.find(None, Algorithm::EdDsa).unwrap_err(), AuthError::UnknownKey);
    // Kafka would take the first, so a refused one counts.
    let weak = with(&two, "e", base64(&[3]));
    let (set, _) = read(&[weak, one]);
    assert_eq!(set.find(None, Algorithm::Rs256).unwrap_err(), AuthError::UnknownKey);
}

#[test]
fn what_is_no_key_set() {
    let refused = |body: &str| KeySet::read(body.as_bytes()).unwrap_err();
    for body in ["", "[]", "{}", "null", "<html>", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert!(matches!(refused(body), JwksError::NotJwks), "{body}");
    }
    let many = json!({ "keys": vec![json!({}); 65] }).to_string();
    assert!(matches!(refused(&many), JwksError::TooManyKeys(65)));
    assert_eq!(read(&[]).1.usable(), 0);
}

#[test]
fn a_report_shows_no_control_characters() {
    let (_, report) = read(&[json!({ "kid": "a\nb\u{1b}[31m", "alg": "x".repeat(1000) })]);
    assert_eq!(report.keys[0].kid.as_deref(), Some(r"a\nb\u{1b}[31m"));
    assert_eq!(report.keys[0].alg.as_ref().unwrap().len(), 64);
}

proptest! {
    #[test]
    fn no_body_makes_the_reader_panic(
        kty in "RSA|EC|OKP|oct|", crv in "P-256|P-384|Ed25519|", member in "[A-Za-z0-9_-]{0,44}",
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let _ = KeySet::read(&body);
        let key = json!({
            "kty": kty, "crv": crv, "x": member, "y": member, "n": member, "e": member,
        });
        prop_assert!(refusal(&key).is_some() || kty == "OKP");
    }
}
