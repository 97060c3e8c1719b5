//! What the fuzz targets call, and what has to hold whatever the bytes are. The tests here replay
//! the committed corpus through the same entries.

use std::sync::LazyLock;

use model::Timestamp;

use crate::accepted::Algorithm;
use crate::claims::Rules;
use crate::error::AuthError;
use crate::header::Jws;
use crate::json;
use crate::key_set::KeySet;

/// Public halves of keys that nobody has.
const JWKS: &str = include_str!("../fuzz/jwks.json");
/// Tokens of those keys: the only ones that are good.
const TOKENS: &str = include_str!("../fuzz/tokens.txt");
/// When these are good.
const NOW: Timestamp = Timestamp(1_800_000_000_000);

const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
];

static KEYS: LazyLock<KeySet> =
    LazyLock::new(|| KeySet::read(JWKS.as_bytes()).map(|(keys, _)| keys).unwrap_or_default());

fn rules() -> Rules {
    Rules {
        issuer: "https://idp.example.com".into(),
        audiences: vec!["my-audience".to_owned()],
        principal_claim: "sub".to_owned(),
    }
}

/// The token `text`, from its characters to its principal: only a good one gets through. As the
/// fuzzer cannot sign, text that begins with a brace is taken for proven claims.
pub fn verify(data: &[u8]) {
    if data.first() == Some(&b'{') {
        return judge(data);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if whole(text).is_ok() {
        assert!(TOKENS.lines().any(|it| it == text), "a token that nobody signed is accepted");
    }
}

fn whole(token: &str) -> Result<(), AuthError> {
    let jws = Jws::parse(token)?;
    let claims = jws.claims()?;
    let key = KEYS.find(jws.kid.as_deref(), jws.alg)?;
    jws.check_signature(&key)?;
    rules().check(&claims, NOW).map(|_| ())
}

fn judge(claims: &[u8]) {
    let Some(claims) = json::object(claims) else { return };
    let Ok(identity) = rules().check(&claims, NOW) else { return };
    let name = &identity.principal;
    assert!(identity.expires_at > NOW && identity.issued_at <= identity.expires_at);
    assert!(!name.is_empty() && name.trim() == name && name.len() <= 256);
    assert!(!name.contains(char::is_control) && name != "*" && name != "ANONYMOUS");
    assert_eq!(claims.get("iss").and_then(json::Json::as_str), Some("https://idp.example.com"));
}

/// The key set `body`: what is found in it is what was counted, and can be used.
pub fn jwks(body: &[u8]) {
    let Ok((keys, report)) = KeySet::read(body) else { return };
    assert!(report.keys.len() <= 64 && keys.len() <= report.usable());
    for published in &report.keys {
        for alg in ALGORITHMS {
            // Names in a report are cut and escaped: what is found by one is found rightly.
            for kid in [None, published.kid.as_deref()] {
                if let Ok(key) = keys.find(kid, alg) {
                    assert!(key.serves(alg) && !key.verifies(alg, b"message", &[7; 256]));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn replay(target: &str, entry: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let mut count = 0;
        for file in fs::read_dir(folder).unwrap() {
            entry(&fs::read(file.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count >= 20, "{target}: {count}");
    }

    #[test]
    fn the_corpus_of_each_target() {
        replay("verify", verify);
        replay("jwks", jwks);
    }

    #[test]
    fn the_good_tokens_are_good() {
        assert!(TOKENS.lines().count() >= 3);
        for token in TOKENS.lines() {
            assert_eq!(whole(token), Ok(()));
        }
    }
}
