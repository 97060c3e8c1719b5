//! The table: what a token is like, and what becomes of it.

use serde_json::{Value, json};
use testkit::issuer::{Alg, TokenRequest};

use crate::AuthError::{self, *};
use crate::forge::{Forge, SECRET, as_der};

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) token: String,
    /// The principal.
    pub(crate) expected: Result<String, AuthError>,
}

/// The whole table.
pub(crate) fn rows(forge: &Forge) -> Vec<Row> {
    let mut table = Table(Vec::new());
    sound(forge, &mut table);
    structure(forge, &mut table);
    algorithm(forge, &mut table);
    signature(forge, &mut table);
    header(forge, &mut table);
    kid(forge, &mut table);
    payload(forge, &mut table);
    times(forge, &mut table);
    issuer_and_audience(forge, &mut table);
    published_keys(forge, &mut table);
    names(forge, &mut table);
    principal(forge, &mut table);
    purpose(forge, &mut table);
    table.0
}

type Change = fn(Vec<u8>) -> Vec<u8>;

struct Table(Vec<Row>);

impl Table {
    fn refuses(&mut self, name: &str, token: String, error: AuthError) {
        self.0.push(Row { name: name.to_owned(), token, expected: Err(error) });
    }

    fn accepts(&mut self, name: &str, token: String) {
        self.accepts_as(name, token, "alice");
    }

    fn accepts_as(&mut self, name: &str, token: String, principal: &str) {
        self.0.push(Row { name: name.to_owned(), token, expected: Ok(principal.to_owned()) });
    }

    /// Rows that differ in the changes to the claims only.
    fn claims(&mut self, forge: &Forge, error: AuthError, changes: &[Value]) {
        for change in changes {
            self.refuses(&format!("claims {change}"), forge.claiming(change.clone()), error);
        }
    }

    /// Rows that differ in the changes to the header only.
    fn headers(&mut self, forge: &Forge, error: AuthError, changes: &[Value]) {
        for change in changes {
            self.refuses(&format!("header {change}"), forge.heading(change.clone()), error);
        }
    }
}

fn sound(forge: &Forge, table: &mut Table) {
    let now = forge.now;
    for alg in Alg::ALL {
        let request = TokenRequest::of("alice").alg(alg);
        table.accepts(alg.as_str(), forge.issuer.mint(&request).unwrap());
    }
    for (name, change) in [
        ("audience in a list", json!({ "aud": ["x", "another-audience"] })),
        ("no nbf", json!({ "nbf": null })),
        ("nbf within the skew", json!({ "nbf": now + 25 })),
        ("iat within the skew", json!({ "iat": now + 25 })),
        (
            "exp with a fraction",
            json!({ "exp": 0.5 + f64::from(u32::try_from(now).unwrap() + 60) }),
        ),
        ("no jti and no sub", json!({ "jti": null, "sub": null })),
        ("another sub than the principal's claim", json!({ "sub": "  bob" })),
        ("scope in a list", json!({ "scope": ["a", "b"] })),
        ("no scope", json!({ "scope": null })),
        ("unknown claims", json!({ "x": { "y": [1, 2.5, true, null, "\u{1f980}"] } })),
        ("payload type of Keycloak", json!({ "typ": "Bearer" })),
    ] {
        table.accepts(name, forge.claiming(change));
    }
    for (name, change) in [
        ("typ at+jwt", json!({ "typ": "at+jwt" })),
        ("typ application/at+jwt", json!({ "typ": "application/AT+JWT" })),
        ("no typ", json!({ "typ": null })),
        ("a key of a stranger in the header", json!({ "jwk": forge.stranger.jwk() })),
        (
            "addresses of keys in the header",
            json!({ "jku": "http://canary/", "x5u": "http://canary/" }),
        ),
    ] {
        table.accepts(name, forge.heading(change));
    }
    table.accepts(
        "no kid, one key of the type",
        forge.heading_by(Alg::EdDsa, json!({ "kid": null })),
    );
}

fn structure(forge: &Forge, table: &mut Table) {
    let good = forge.issuer.mint(&TokenRequest::of("alice")).unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let (head, body, sign) = (parts[0], parts[1], parts[2]);
    for (name, token) in [
        ("nothing", String::new()),
        ("one part", head.to_owned()),
        ("two parts", format!("{head}.{body}")),
        ("four parts", format!("{good}.{sign}")),
        ("five parts, as JWE has", format!("{good}.{sign}.{sign}")),
        ("dots only", "..".to_owned()),
        ("no header", format!(".{body}.{sign}")),
        ("no payload", format!("{head}..{sign}")),
        ("no signature", format!("{head}.{body}.")),
        (
            "JSON serialisation",
            json!({ "payload": body, "protected": head, "signature": sign }).to_string(),
        ),
        ("space before", format!(" {good}")),
        ("space behind", format!("{good} ")),
        ("line feed behind", format!("{good}\n")),
        ("byte order mark", format!("\u{feff}{good}")),
        ("padding", format!("{good}==")),
        ("padding inside", format!("{head}=.{body}.{sign}")),
        ("the other base64 alphabet", good.replace(['-', '_'], "+")),
        ("two tokens", format!("{good},{good}")),
        ("NUL inside", format!("{head}.{body}\0.{sign}")),
        ("header that is no base64", format!("a.{body}.{sign}")),
        ("header that is no JSON", format!("bm90IGpzb24.{body}.{sign}")),
        ("header that is a list", format!("W10.{body}.{sign}")),
    ] {
        table.refuses(name, token, Malformed);
    }
    let long = |n: usize| forge.claiming(json!({ "x": "x".repeat(n) }));
    table.refuses("more than 16 KiB", long(12_000), TooLong);
    table.refuses("a mebibyte", long(1 << 20), TooLong);
    let many: serde_json::Map<String, Value> =
        (0..9_000).map(|n| (n.to_string(), json!(1))).collect();
    table.refuses("nine thousand claims", forge.claiming(Value::Object(many)), TooLong);
    table.accepts("nearly 16 KiB", long(11_000));
    table.refuses("a header of 5 KiB", forge.heading(json!({ "x": "x".repeat(5_000) })), TooLong);
}

fn algorithm(forge: &Forge, table: &mut Table) {
    table.headers(
        forge,
        Algorithm,
        &[
            "none", "None", "nOnE", "NONE", "rs256", "", "RS256 ", "HS256", "HS384", "HS512",
            "ES512", "ES256K", "Ed25519", "RSA-OAEP", "dir", "RS1",
        ]
        .map(|alg| json!({ "alg": alg })),
    );
    table.headers(
        forge,
        Algorithm,
        &[
            json!({ "alg": null }),
            json!({ "alg": ["RS256"] }),
            json!({ "alg": 1 }),
            json!({ "alg": {} }),
        ],
    );
    let unsigned = forge.heading(json!({ "alg": "none" }));
    let (message, _) = unsigned.rsplit_once('.').unwrap();
    table.refuses("alg none without a signature", format!("{message}."), Algorithm);
    let key = forge.issuer.key(Alg::Rs256);
    let pem = key.public_pem().unwrap();
    let n = key.jwk()["n"].as_str().unwrap().as_bytes();
    for (name, secret) in [("the PEM", pem.as_bytes()), ("n", n), ("nothing", b"")] {
        table.refuses(&format!("HMAC with {name}"), forge.hmac(secret, json!({})), Algorithm);
    }
    let published = forge.hmac(SECRET, json!({ "kid": "secret" }));
    table.refuses("HMAC with a published secret", published, Algorithm);
    table.refuses("ES512 with a published key", forge.by_other_alg("ES512"), Algorithm);
    for alg in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES384"] {
        table.accepts(&format!("{alg} with a key that names no alg"), forge.by_other_alg(alg));
    }
    let kid = |alg| forge.issuer.key(alg).kid().to_owned();
    for (alg, key) in [
        ("RS256", Alg::Es256),
        ("ES256", Alg::Rs256),
        ("EdDSA", Alg::Es256),
        ("ES384", Alg::Es256),
        ("PS256", Alg::Rs256),
        ("RS384", Alg::Rs256),
        ("RS512", Alg::Rs256),
    ] {
        let token = forge.heading_by(key, json!({ "alg": alg, "kid": kid(key) }));
        table.refuses(&format!("{alg} with the key for {}", key.as_str()), token, WrongKey);
    }
}

fn signature(forge: &Forge, table: &mut Table) {
    let changes: [(&str, Change); 8] = [
        ("truncated", |it| it[..it.len() - 1].to_vec()),
        ("extended", |it| [it, vec![0]].concat()),
        ("led by a zero", |it| [vec![0], it].concat()),
        ("all zero", |it| vec![0; it.len()]),
        ("all ones", |it| vec![0xff; it.len()]),
        ("reversed", |it| it.into_iter().rev().collect()),
        ("halves swapped", |it| [&it[it.len() / 2..], &it[..it.len() / 2]].concat()),
        ("of one byte", |_| vec![1]),
    ];
    for alg in Alg::ALL {
        for (name, change) in changes {
            let name = format!("{} signature {name}", alg.as_str());
            table.refuses(&name, forge.signature(alg, change), Signature);
        }
    }
    table.refuses(
        "ES256 signature as DER",
        forge.signature(Alg::Es256, |it| as_der(&it)),
        Signature,
    );
    table.refuses("signed by a stranger with our kid", forge.by_stranger(json!({})), Signature);
    let stranger = json!({ "jwk": forge.stranger.jwk() });
    table.refuses("signed by the key in the header", forge.by_stranger(stranger), Signature);
    table.refuses(
        "with a certificate in the header",
        forge.by_stranger(json!({ "x5c": ["MIIB"] })),
        Signature,
    );
    let good = forge.issuer.mint(&TokenRequest::of("alice")).unwrap();
    let other = forge.issuer.mint(&TokenRequest::of("bob")).unwrap();
    let (message, _) = good.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    table.refuses("the signature of another token", format!("{message}.{signature}"), Signature);
}

fn header(forge: &Forge, table: &mut Table) {
    table.headers(
        forge,
        Extension,
        &[
            json!({ "crit": ["exp"] }),
            json!({ "crit": [] }),
            json!({ "crit": ["b64"], "b64": false }),
            json!({ "b64": false }),
            json!({ "b64": true }),
            json!({ "zip": "DEF" }),
            json!({ "enc": "A128GCM" }),
            json!({ "cty": "JWT" }),
            json!({ "cty": "json" }),
        ],
    );
    table.headers(
        forge,
        NotAccessToken,
        &[
            json!({ "typ": "logout+jwt" }),
            json!({ "typ": "dpop+jwt" }),
            json!({ "typ": "secevent+jwt" }),
            json!({ "typ": "JOSE" }),
            json!({ "typ": "" }),
            json!({ "typ": 1 }),
            json!({ "typ": ["JWT"] }),
        ],
    );
    let kid = forge.issuer.key(Alg::Rs256).kid().to_owned();
    for (name, text) in [
        ("alg twice", format!(r#"{{"alg":"none","alg":"RS256","kid":"{kid}"}}"#)),
        ("kid twice", format!(r#"{{"alg":"RS256","kid":"{kid}","kid":"{kid}"}}"#)),
        ("kid twice, once escaped", format!(r#"{{"alg":"RS256","kid":"{kid}","\u006bid":"x"}}"#)),
        ("trailing comma", format!(r#"{{"alg":"RS256","kid":"{kid}",}}"#)),
        ("something behind", format!(r#"{{"alg":"RS256","kid":"{kid}"}}{{}}"#)),
        ("single quotes", "{'alg':'RS256'}".to_owned()),
    ] {
        table.refuses(
            &format!("header {name}"),
            forge.header_by(Alg::Rs256, text.as_bytes()),
            Malformed,
        );
    }
}

fn kid(forge: &Forge, table: &mut Table) {
    table.headers(
        forge,
        UnknownKey,
        &[
            "",
            "unknown",
            "encrypts",
            "only-signs",
            "twice",
            "secret",
            "../../etc/passwd",
            "' OR 1=1 --",
            "\0",
            "http://canary/",
            &"k".repeat(257),
            &"k".repeat(2_000),
        ]
        .map(|kid| json!({ "kid": kid })),
    );
    table.headers(
        forge,
        Malformed,
        &[
            json!({ "kid": 1 }),
            json!({ "kid": ["x"] }),
            json!({ "kid": {} }),
            json!({ "x5t": 1 }),
            json!({ "x5t#S256": [] }),
        ],
    );
    table.refuses(
        "no kid, several keys of the type",
        forge.heading(json!({ "kid": null })),
        UnknownKey,
    );
    let upper = forge.issuer.key(Alg::Rs256).kid().to_ascii_uppercase();
    table.refuses("kid in another case", forge.heading(json!({ "kid": upper })), UnknownKey);
    let own = json!({ "kid": forge.stranger.kid(), "jwk": forge.stranger.jwk() });
    table.refuses("a stranger with a key and a kid of its own", forge.by_stranger(own), UnknownKey);
}

/// Rightly signed, with a published key that may be none.
fn published_keys(forge: &Forge, table: &mut Table) {
    for kid in ["signs-and-verifies", "d\u{e9}j\u{e0} vu \u{1f980}"] {
        table.accepts(&format!("key {kid}"), forge.by_stranger(json!({ "kid": kid })));
    }
    for kid in [
        "encrypts",
        "only-signs",
        "twice",
        "for-rsa-oaep",
        "private",
        "weak",
        "e-is-1",
        "e-is-3",
        "no-e",
        "no-kty",
        "says-ec",
        &"k".repeat(257),
    ] {
        let token = forge.by_stranger(json!({ "kid": kid }));
        table.refuses(&format!("key {kid}"), token, UnknownKey);
    }
    table.refuses("key for-ps256", forge.by_stranger(json!({ "kid": "for-ps256" })), WrongKey);
    let off_curve = forge.heading_by(Alg::Es256, json!({ "kid": "off-curve" }));
    table.refuses("key off-curve", off_curve, UnknownKey);
}

/// Principals that both sides have to read alike.
fn names(forge: &Forge, table: &mut Table) {
    for name in [
        "bob",
        "a b  c",
        "User:alice",
        "alice@example.com",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "abc@clients",
        "https://idp.example.com/users/1",
        "CN=alice,O=example",
        "anonymous",
        "**",
        "\u{e9}\u{4e16}\u{1f980}",
        "e\u{301}",
        "0",
        "null",
        "\"quoted\\",
        &"x".repeat(256),
    ] {
        let token = forge.claiming(json!({ "custom-sub": name }));
        table.accepts_as(&format!("principal {name}"), token, name);
    }
}

fn payload(forge: &Forge, table: &mut Table) {
    let texts: [(&str, &[u8]); 9] = [
        ("a list", b"[]"),
        ("a string", b"\"x\""),
        ("null", b"null"),
        ("a number", b"1"),
        ("no JSON", b"exp=1"),
        ("no UTF-8", b"{\"a\":\"\xff\"}"),
        ("a lone surrogate", br#"{"a":"\ud800"}"#),
        ("led by a byte order mark", b"\xef\xbb\xbf{}"),
        ("another token", b"e30.e30.e30"),
    ];
    for (name, text) in texts {
        table.refuses(&format!("payload is {name}"), forge.payload(text), Claims);
    }
    let deep = format!("\"x\":{}{}", "[".repeat(200), "]".repeat(200));
    table.refuses("payload is deep", forge.claiming_text(&deep), Claims);
    for text in [
        r#""custom-sub":"bob""#,
        r#""sub":"bob""#,
        r#""exp":9999999999"#,
        r#""x":1,"x":1"#,
        r#""aud":"my-audience""#,
        r#""\u0069ss":"x""#,
        r#""x":{"y":1,"y":2}"#,
        r#""x":1e999"#,
    ] {
        table.refuses(&format!("payload has also {text}"), forge.claiming_text(text), Claims);
    }
    table.claims(
        forge,
        Claims,
        &[
            json!({ "sub": 7 }),
            json!({ "sub": ["alice"] }),
            json!({ "jti": 7 }),
            json!({ "jti": {} }),
        ],
    );
    table.claims(
        forge,
        Scope,
        &[
            json!({ "scope": "" }),
            json!({ "scope": "  " }),
            json!({ "scope": "\u{0}" }),
            json!({ "scope": ["a", "\u{1}a"] }),
            json!({ "scope": ["a", "a"] }),
            json!({ "scope": ["a", " a"] }),
            json!({ "scope": ["a", ""] }),
            json!({ "scope": ["a", 1] }),
            json!({ "scope": 1 }),
            json!({ "scope": {} }),
        ],
    );
}

fn times(forge: &Forge, table: &mut Table) {
    let now = forge.now;
    table.claims(forge, NoTimes, &[json!({ "exp": null }), json!({ "iat": null })]);
    table.claims(
        forge,
        Expired,
        &[
            json!({ "iat": now - 60, "nbf": null, "exp": now }),
            json!({ "iat": now - 60, "nbf": null, "exp": now - 10 }),
            json!({ "iat": now - 60, "nbf": null, "exp": now - 31 }),
            json!({ "iat": 0, "nbf": null, "exp": 1 }),
            json!({ "iat": 0, "nbf": 0, "exp": 0 }),
        ],
    );
    table.claims(
        forge,
        Claims,
        &[
            json!({ "exp": "9999999999" }),
            json!({ "exp": true }),
            json!({ "exp": [] }),
            json!({ "exp": {} }),
            json!({ "exp": -1 }),
            json!({ "exp": 1e300 }),
            json!({ "exp": u64::MAX }),
            json!({ "exp": i64::MAX }),
            json!({ "exp": 1e15 }),
            json!({ "exp": -0.5 }),
            json!({ "exp": now - 1 }),
            json!({ "iat": "0" }),
            json!({ "iat": -1 }),
            json!({ "iat": now + 700 }),
            json!({ "nbf": "0" }),
            json!({ "nbf": -1 }),
            json!({ "nbf": now + 700 }),
        ],
    );
    table.claims(
        forge,
        NotYetValid,
        &[
            json!({ "nbf": now + 100 }),
            json!({ "iat": now + 100 }),
            json!({ "iat": now + 86_400, "exp": now + 90_000 }),
        ],
    );
}

fn issuer_and_audience(forge: &Forge, table: &mut Table) {
    table.claims(
        forge,
        Issuer,
        &[
            json!({ "iss": null }),
            json!({ "iss": "" }),
            json!({ "iss": 1 }),
            json!({ "iss": ["https://idp.example.com"] }),
            json!({ "iss": "https://idp.example.com/" }),
            json!({ "iss": "https://IDP.example.com" }),
            json!({ "iss": " https://idp.example.com" }),
            json!({ "iss": "https://idp.example.com:443" }),
            json!({ "iss": "https://idp.ex\u{430}mple.com" }),
            json!({ "iss": "http://idp.example.com" }),
            json!({ "iss": "https://idp.example.com/realms/other" }),
        ],
    );
    table.claims(
        forge,
        Audience,
        &[
            json!({ "aud": null }),
            json!({ "aud": "" }),
            json!({ "aud": 7 }),
            json!({ "aud": [] }),
            json!({ "aud": {} }),
            json!({ "aud": ["my-audience", 7] }),
            json!({ "aud": ["my-audience", null] }),
            json!({ "aud": [["my-audience"]] }),
            json!({ "aud": "my-audienc" }),
            json!({ "aud": "my-audience2" }),
            json!({ "aud": "My-Audience" }),
            json!({ "aud": " my-audience" }),
            json!({ "aud": "my-audience,another-audience" }),
            json!({ "aud": "other" }),
            json!({ "aud": ["other", "x"] }),
        ],
    );
}

fn principal(forge: &Forge, table: &mut Table) {
    table.claims(
        forge,
        NoPrincipal,
        &[
            json!({ "custom-sub": null }),
            json!({ "custom-sub": 7 }),
            json!({ "custom-sub": {} }),
            json!({ "custom-sub": ["alice"] }),
            json!({ "custom-sub": true }),
        ],
    );
    table.claims(
        forge,
        Principal,
        &[
            "",
            " ",
            " alice",
            "alice ",
            " broker",
            " admin",
            "\talice",
            "alice\n",
            "a\u{0}b",
            "a\nb",
            "a\r\nb",
            "a\u{7f}b",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{202e}b",
            "a\u{200b}b",
            "\u{a0}alice",
            "\u{3000}alice",
            "\u{feff}alice",
            "*",
            "ANONYMOUS",
            &"a".repeat(257),
            &"\u{e9}".repeat(129),
        ]
        .map(|name| json!({ "custom-sub": name })),
    );
}

fn purpose(forge: &Forge, table: &mut Table) {
    table.claims(
        forge,
        NotAccessToken,
        &[
            json!({ "nonce": "x" }),
            json!({ "at_hash": "x" }),
            json!({ "events": {} }),
            json!({ "typ": "ID" }),
            json!({ "typ": "Refresh" }),
            json!({ "typ": "Offline" }),
            json!({ "typ": "Logout" }),
        ],
    );
    table.claims(
        forge,
        Bound,
        &[json!({ "cnf": { "jkt": "x" } }), json!({ "cnf": { "x5t#S256": "x" } })],
    );
}
