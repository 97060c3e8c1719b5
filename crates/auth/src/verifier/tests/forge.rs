//! Makes tokens that no identity provider should make.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Timestamp;
use serde_json::{Map, Value, json};
use testkit::issuer::{Alg, Issuer, SigningKey, TokenRequest};

/// An issuer, and a stranger who would like to be it.
pub(super) struct Forge {
    pub(super) issuer: Issuer,
    pub(super) stranger: SigningKey,
    pub(super) now: i64,
}

impl Forge {
    pub(super) fn new() -> Self {
        Self {
            issuer: Issuer::new("https://idp.example.com").unwrap(),
            stranger: SigningKey::generate(Alg::Rs256).unwrap(),
            now: Timestamp::now().0 / 1000,
        }
    }

    /// The issuer's keys, and some that cannot verify anything.
    pub(super) fn jwks(&self) -> Value {
        let mut jwks = self.issuer.jwks();
        let stranger = self.stranger.jwk();
        let with = |changes: Value| {
            let mut jwk = stranger.clone();
            for (name, value) in changes.as_object().unwrap() {
                jwk[name] = value.clone();
            }
            jwk
        };
        let keys = jwks["keys"].as_array_mut().unwrap();
        keys.push(with(json!({ "kid": "encrypts", "use": "enc" })));
        keys.push(with(json!({ "kid": "only-signs", "key_ops": ["sign"] })));
        keys.push(with(json!({ "kid": "twice" })));
        keys.push(with(json!({ "kid": "twice" })));
        keys.push(json!({ "kty": "oct", "kid": "secret", "k": "c2VjcmV0" }));
        jwks
    }

    pub(super) fn claims(&self) -> Map<String, Value> {
        self.issuer.claims(&TokenRequest::of("alice"))
    }

    /// A sound RS256 token but for these claims; `null` removes one.
    pub(super) fn claiming(&self, changes: Value) -> String {
        let claims = changed(self.claims(), changes);
        self.payload(Value::Object(claims).to_string().as_bytes())
    }

    /// A sound header over exactly this payload.
    pub(super) fn payload(&self, payload: &[u8]) -> String {
        let header = Value::Object(self.issuer.header(Alg::Rs256)).to_string();
        self.issuer.sign(Alg::Rs256, header.as_bytes(), payload).unwrap()
    }

    /// A sound token whose payload has this text right after its opening brace.
    pub(super) fn claiming_text(&self, text: &str) -> String {
        let claims = Value::Object(self.claims()).to_string();
        self.payload(format!("{{{text},{}", &claims[1..]).as_bytes())
    }

    /// A sound token but for these members of its header; `null` removes one.
    pub(super) fn heading(&self, changes: Value) -> String {
        self.heading_by(Alg::Rs256, changes)
    }

    /// The same, with another key.
    pub(super) fn heading_by(&self, alg: Alg, changes: Value) -> String {
        let header = changed(self.issuer.header(alg), changes);
        self.header_by(alg, Value::Object(header).to_string().as_bytes())
    }

    /// Exactly this header over sound claims.
    pub(super) fn header_by(&self, alg: Alg, header: &[u8]) -> String {
        let claims = Value::Object(self.claims()).to_string();
        self.issuer.sign(alg, header, claims.as_bytes()).unwrap()
    }

    /// A header with these changes and sound claims, signed by the stranger.
    pub(super) fn by_stranger(&self, changes: Value) -> String {
        let header = Value::Object(changed(self.issuer.header(Alg::Rs256), changes)).to_string();
        let claims = Value::Object(self.claims()).to_string();
        self.stranger.token(header.as_bytes(), claims.as_bytes()).unwrap()
    }

    /// A sound token whose signature went through `change`.
    pub(super) fn signature(&self, alg: Alg, change: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
        let token = self.issuer.mint(&TokenRequest::of("alice").alg(alg)).unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = change(URL_SAFE_NO_PAD.decode(signature).unwrap());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Claims of an HS256 token with this secret, and the `kid` of the RSA key.
    pub(super) fn hmac(&self, secret: &[u8]) -> String {
        let token = self.heading(json!({ "alg": "HS256" }));
        let (message, _) = token.rsplit_once('.').unwrap();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    }
}

fn changed(mut members: Map<String, Value>, changes: Value) -> Map<String, Value> {
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
pub(super) fn as_der(signature: &[u8]) -> Vec<u8> {
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
