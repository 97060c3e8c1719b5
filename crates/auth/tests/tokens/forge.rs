//! Makes tokens that no identity provider should make.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Timestamp;
use serde_json::{Map, Value, json};
use testkit::issuer::{Alg, Issuer, SigningKey, TokenRequest};

/// An issuer, and a stranger who would like to be it.
pub(crate) struct Forge {
    pub(crate) issuer: Issuer,
    pub(crate) stranger: SigningKey,
    pub(crate) now: i64,
    /// Published without `alg`, as `any-rsa`: it serves every algorithm of RSA.
    any_rsa: RsaKeyPair,
    p384: EcdsaKeyPair,
    p521: EcdsaKeyPair,
}

/// The secret of the key `secret`.
pub(crate) const SECRET: &[u8] =
    b"a secret that everybody can read, of more than 64 bytes, for HS512 as well";

impl Forge {
    pub(crate) fn new() -> Self {
        Self {
            issuer: Issuer::new("https://idp.example.com").unwrap(),
            stranger: SigningKey::generate(Alg::Rs256).unwrap(),
            now: Timestamp::now().0 / 1000,
            any_rsa: RsaKeyPair::generate(KeySize::Rsa3072).unwrap(),
            p384: EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap(),
            p521: EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap(),
        }
    }

    /// The issuer's keys, some more kinds of keys, and some that cannot verify anything.
    pub(crate) fn jwks(&self) -> Value {
        let mut jwks = self.issuer.jwks();
        let stranger = self.stranger.jwk();
        let with = |changes: Value| {
            let mut jwk = stranger.as_object().unwrap().clone();
            jwk = changed(jwk, changes);
            Value::Object(jwk)
        };
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = self.any_rsa.public_key();
        let ec = |kid: &str, crv: &str, pair: &EcdsaKeyPair| {
            let point = &pair.public_key().as_ref()[1..];
            let (x, y) = point.split_at(point.len() / 2);
            json!({ "kty": "EC", "kid": kid, "crv": crv, "x": text(x), "y": text(y) })
        };
        let n = stranger["n"].as_str().unwrap();
        let keys = jwks["keys"].as_array_mut().unwrap();
        keys.extend([
            json!({
                "kty": "RSA", "kid": "any-rsa", "use": "sig", "x5t": "thumb",
                "n": text(public.modulus().big_endian_without_leading_zero()),
                "e": text(public.exponent().big_endian_without_leading_zero()),
            }),
            ec("p384", "P-384", &self.p384),
            ec("p521", "P-521", &self.p521),
            with(json!({ "kid": "encrypts", "use": "enc" })),
            with(json!({ "kid": "only-signs", "key_ops": ["sign"] })),
            with(json!({ "kid": "signs-and-verifies", "key_ops": ["sign", "verify"] })),
            with(json!({ "kid": "twice" })),
            with(json!({ "kid": "twice" })),
            with(json!({ "kid": "for-ps256", "alg": "PS256" })),
            with(json!({ "kid": "for-rsa-oaep", "alg": "RSA-OAEP" })),
            with(json!({ "kid": "private", "d": "AQAB" })),
            with(json!({ "kid": "weak", "n": &n[..n.len() / 2] })),
            with(json!({ "kid": "e-is-1", "e": "AQ" })),
            with(json!({ "kid": "e-is-3", "e": "Aw" })),
            with(json!({ "kid": "no-e", "e": null })),
            with(json!({ "kid": "no-kty", "kty": null })),
            with(json!({ "kid": "says-ec", "kty": "EC" })),
            with(json!({ "kid": "k".repeat(257) })),
            with(json!({ "kid": "d\u{e9}j\u{e0} vu \u{1f980}" })),
            json!({ "kty": "oct", "kid": "secret", "k": text(SECRET) }),
            json!({ "kty": "EC", "kid": "off-curve", "crv": "P-256", "x": text(&[1; 32]), "y": text(&[1; 32]) }),
            json!({}),
        ]);
        jwks
    }

    pub(crate) fn claims(&self) -> Map<String, Value> {
        self.issuer.claims(&TokenRequest::of("alice"))
    }

    /// A sound RS256 token but for these claims; `null` removes one.
    pub(crate) fn claiming(&self, changes: Value) -> String {
        let claims = changed(self.claims(), changes);
        self.payload(Value::Object(claims).to_string().as_bytes())
    }

    /// A sound header over exactly this payload.
    pub(crate) fn payload(&self, payload: &[u8]) -> String {
        let header = Value::Object(self.issuer.header(Alg::Rs256)).to_string();
        self.issuer.sign(Alg::Rs256, header.as_bytes(), payload).unwrap()
    }

    /// A sound token whose payload has this text right after its opening brace.
    pub(crate) fn claiming_text(&self, text: &str) -> String {
        let claims = Value::Object(self.claims()).to_string();
        self.payload(format!("{{{text},{}", &claims[1..]).as_bytes())
    }

    /// A sound token but for these members of its header; `null` removes one.
    pub(crate) fn heading(&self, changes: Value) -> String {
        self.heading_by(Alg::Rs256, changes)
    }

    /// The same, with another key.
    pub(crate) fn heading_by(&self, alg: Alg, changes: Value) -> String {
        let header = changed(self.issuer.header(alg), changes);
        self.header_by(alg, Value::Object(header).to_string().as_bytes())
    }

    /// Exactly this header over sound claims.
    pub(crate) fn header_by(&self, alg: Alg, header: &[u8]) -> String {
        let claims = Value::Object(self.claims()).to_string();
        self.issuer.sign(alg, header, claims.as_bytes()).unwrap()
    }

    /// A header with these changes and sound claims, signed by the stranger.
    pub(crate) fn by_stranger(&self, changes: Value) -> String {
        let header = Value::Object(changed(self.issuer.header(Alg::Rs256), changes)).to_string();
        let claims = Value::Object(self.claims()).to_string();
        self.stranger.token(header.as_bytes(), claims.as_bytes()).unwrap()
    }

    /// A sound token of an algorithm that the development issuer does not have.
    pub(crate) fn by_other_alg(&self, alg: &str) -> String {
        let kid = match alg {
            "ES384" => "p384",
            "ES512" => "p521",
            _ => "any-rsa",
        };
        let header = json!({ "alg": alg, "kid": kid }).to_string();
        let claims = Value::Object(self.claims()).to_string();
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let random = SystemRandom::new();
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; self.any_rsa.public_modulus_len()];
            self.any_rsa.sign(encoding, &random, message.as_bytes(), &mut signature).unwrap();
            signature
        };
        let ec =
            |pair: &EcdsaKeyPair| pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec();
        let signature = match alg {
            "ES384" => ec(&self.p384),
            "ES512" => ec(&self.p521),
            "RS256" => rsa(&RSA_PKCS1_SHA256),
            "RS384" => rsa(&RSA_PKCS1_SHA384),
            "RS512" => rsa(&RSA_PKCS1_SHA512),
            "PS256" => rsa(&RSA_PSS_SHA256),
            "PS384" => rsa(&RSA_PSS_SHA384),
            "PS512" => rsa(&RSA_PSS_SHA512),
            other => panic!("no key for {other}"),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A sound token whose signature went through `change`.
    pub(crate) fn signature(&self, alg: Alg, change: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
        let token = self.issuer.mint(&TokenRequest::of("alice").alg(alg)).unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = change(URL_SAFE_NO_PAD.decode(signature).unwrap());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Sound claims of an HS256 token with this secret, and the `kid` of the RSA key.
    pub(crate) fn hmac(&self, secret: &[u8], changes: Value) -> String {
        let token = self.heading(changed_value(json!({ "alg": "HS256" }), changes));
        let (message, _) = token.rsplit_once('.').unwrap();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    }
}

fn changed_value(members: Value, changes: Value) -> Value {
    let Value::Object(members) = members else { panic!("members are an object") };
    Value::Object(changed(members, changes))
}

pub(crate) fn changed(mut members: Map<String, Value>, changes: Value) -> Map<String, Value> {
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    members
}

/// An ECDSA signature in the form that X.509 uses, from the one that JOSE uses.
pub(crate) fn as_der(signature: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let zeros = number.iter().take_while(|&&byte| byte == 0).count();
        let number = &number[zeros..];
        let sign = if number[0] >= 0x80 { vec![0] } else { Vec::new() };
        let bytes = [sign.as_slice(), number].concat();
        [&[2, u8::try_from(bytes.len()).unwrap()], bytes.as_slice()].concat()
    };
    let body = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}
