//! All the keys that an identity provider publishes, ready to be looked up.

use std::collections::HashMap;
use std::sync::Arc;

use crate::accepted::Algorithm;
use crate::error::{AuthError, JwksError, KeyRefusal};
use crate::json::{self, Json};
use crate::jwk::Key;

/// More keys than this nobody publishes.
const MAX_KEYS: usize = 64;
/// How much of a `kid` is shown to people.
const SHOWN_KID: usize = 64;

/// What is published at a JWKS address, key by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwksReport {
    /// In the order in which they are published.
    pub keys: Vec<JwksKey>,
}

/// What became of one published key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwksKey {
    /// Its name, cut to what people can read.
    pub kid: Option<String>,
    /// Its algorithm, if it says.
    pub alg: Option<String>,
    /// Why it is not used, if it is not.
    pub refused: Option<KeyRefusal>,
}

impl JwksReport {
    /// How many keys can verify tokens.
    pub fn usable(&self) -> usize {
        self.keys.iter().filter(|key| key.refused.is_none()).count()
    }
}

/// The usable keys of a JWKS.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    named: HashMap<String, Arc<Key>>,
    /// By `kty`: the key of a token that names none. Kafka takes the first that fits, so there has
    /// to be only one key of that type.
    single: HashMap<&'static str, Arc<Key>>,
}

impl KeySet {
    /// Reads the body of an answer. A key that is refused does not spoil the others.
    pub(crate) fn read(body: &[u8]) -> Result<(Self, JwksReport), JwksError> {
        let jwks = json::object(body).ok_or(JwksError::NotJwks)?;
        let Some(Json::List(items)) = jwks.get("keys") else { return Err(JwksError::NotJwks) };
        if items.len() > MAX_KEYS {
            return Err(JwksError::TooManyKeys(items.len()));
        }
        let mut keys: Vec<Result<Arc<Key>, KeyRefusal>> = items.iter().map(read_key).collect();
        refuse_duplicates(items, &mut keys);
        let report = JwksReport { keys: items.iter().zip(&keys).map(report).collect() };
        Ok((Self { named: named(items, &keys), single: single(items, &keys) }, report))
    }

    /// How many there are by name.
    pub(crate) fn len(&self) -> usize {
        self.named.len()
    }

    /// The key for a token with this `kid` and `alg`.
    pub(crate) fn find(&self, kid: Option<&str>, alg: Algorithm) -> Result<Arc<Key>, AuthError> {
        let key = match kid {
            Some(kid) => self.named.get(kid),
            None => self.single.get(alg.key_type()),
        };
        let key = key.ok_or(AuthError::UnknownKey)?;
        if key.serves(alg) { Ok(Arc::clone(key)) } else { Err(AuthError::WrongKey) }
    }
}

fn read_key(item: &Json<'_>) -> Result<Arc<Key>, KeyRefusal> {
    let jwk = item.as_object().ok_or(KeyRefusal::Malformed)?;
    Key::read(jwk).map(Arc::new)
}

fn text<'k>(item: &'k Json<'_>, name: &str) -> Option<&'k str> {
    item.as_object()?.member(name)?.as_str()
}

/// Whether Kafka may pick this key for a token. It passes over keys for other purposes as we do,
/// and may stumble over any other that we refuse.
fn competes(key: &Result<Arc<Key>, KeyRefusal>) -> bool {
    !matches!(key, Err(KeyRefusal::NotForSignatures))
}

/// Of two keys with one `kid` neither is used: which one is meant cannot be known.
fn refuse_duplicates(items: &[Json<'_>], keys: &mut [Result<Arc<Key>, KeyRefusal>]) {
    let mut uses: HashMap<&str, usize> = HashMap::new();
    let competing = items.iter().zip(&*keys).filter(|(_, key)| competes(key));
    for kid in competing.filter_map(|(item, _)| text(item, "kid")) {
        *uses.entry(kid).or_default() += 1;
    }
    for (item, key) in items.iter().zip(keys) {
        let repeated = text(item, "kid").and_then(|kid| uses.get(kid)).is_some_and(|&n| n > 1);
        if key.is_ok() && repeated {
            *key = Err(KeyRefusal::DuplicateKid);
        }
    }
}

fn named(items: &[Json<'_>], keys: &[Result<Arc<Key>, KeyRefusal>]) -> HashMap<String, Arc<Key>> {
    let name = |(item, key): (&Json<'_>, &Result<Arc<Key>, KeyRefusal>)| {
        Some((text(item, "kid")?.to_owned(), Arc::clone(key.as_ref().ok()?)))
    };
    items.iter().zip(keys).filter_map(name).collect()
}

fn single(
    items: &[Json<'_>],
    keys: &[Result<Arc<Key>, KeyRefusal>],
) -> HashMap<&'static str, Arc<Key>> {
    let only = |kty: &'static str| {
        let of_type = |(item, key): &(&Json<'_>, &Result<Arc<Key>, KeyRefusal>)| {
            text(item, "kty") == Some(kty) && competes(key)
        };
        let mut found = items.iter().zip(keys).filter(of_type);
        match (found.next(), found.next()) {
            (Some((_, Ok(key))), None) => Some((kty, Arc::clone(key))),
            _ => None,
        }
    };
    ["RSA", "EC", "OKP"].into_iter().filter_map(only).collect()
}

fn report((item, key): (&Json<'_>, &Result<Arc<Key>, KeyRefusal>)) -> JwksKey {
    let shown =
        |name| text(item, name).map(|it| it.escape_debug().take(SHOWN_KID).collect::<String>());
    JwksKey { kid: shown("kid"), alg: shown("alg"), refused: key.as_ref().err().copied() }
}

#[cfg(test)]
mod tests;
