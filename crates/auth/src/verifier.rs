//! From token to principal.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use model::Timestamp;

use crate::claims::Rules;
use crate::config::{IssuerConfig, KeysAt, VerifierConfig};
use crate::discovery::Discovery;
use crate::error::{AuthError, ConfigError};
use crate::fetch::{JwksAddress, KeySource};
use crate::header::{Jws, MAX_TOKEN};
use crate::http::Web;
use crate::json::{Json, Object};
use crate::jwks_cache::{FoundKey, JwksCache};
use crate::memory::{Memory, Remembered};
use crate::status::KeysStatus;
use crate::times::KeyTimes;

/// What is known of the bearer of a sound token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its name, the same that Kafka sees.
    pub principal: Arc<str>,
    /// Who says so.
    pub issuer: Arc<str>,
    /// From then on the token is worth nothing.
    pub expires_at: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Names the token without giving it away.
    pub token_sha256: [u8; 32],
}

/// Verifies access tokens. Fetches its issuers' keys in the background until it is dropped.
pub struct Verifier {
    issuers: Vec<Issuer>,
    memory: Memory,
}

/// Whose tokens are taken, under which rules, by which keys.
struct Issuer {
    rules: Rules,
    keys: JwksCache,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules: Vec<_> = self.issuers.iter().map(|it| &it.rules).collect();
        f.debug_struct("Verifier").field("issuers", &rules).finish_non_exhaustive()
    }
}

impl Verifier {
    /// Checks `config` and starts to fetch the keys; does not wait for them. Has to be called
    /// within a Tokio runtime.
    pub fn new(config: VerifierConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let web = Web::new(Arc::new(config.policy)).map_err(ConfigError::Client)?;
        let mut issuers = Vec::new();
        for issuer in config.issuers {
            let rules = issuer.rules();
            issuers.push((rules, source(&web, issuer, &config.times)?));
        }
        Ok(Self::with_sources(issuers, config.times, config.remembered_tokens))
    }

    pub(crate) fn with_sources(
        issuers: Vec<(Rules, Box<dyn KeySource>)>,
        times: KeyTimes,
        remembered_tokens: usize,
    ) -> Self {
        let start = |(rules, source)| Issuer { rules, keys: JwksCache::start(source, times) };
        Self {
            issuers: issuers.into_iter().map(start).collect(),
            memory: Memory::new(remembered_tokens, times.token_memory),
        }
    }

    /// Verifies `token`: the text behind `Bearer `, nothing around it.
    ///
    /// Takes microseconds. Only if its key is unknown and a fetch may bring it, up to two seconds.
    pub async fn verify(&self, token: &str) -> Result<Arc<Verified>, AuthError> {
        let token_sha256 = fingerprint(token)?;
        if let Some(known) = self.recall(&token_sha256) {
            return Ok(known);
        }
        let jws = Jws::parse(token)?;
        let claims = jws.claims()?;
        let (at, issuer) = self.issuer_of(&claims)?;
        let found = issuer.keys.find(jws.kid.as_deref(), jws.alg).await?;
        self.judge(&jws, &claims, at, &found, token_sha256)
    }

    /// The same by the keys that are at hand, without waiting: for who is only curious. A key that is
    /// unknown is fetched in the background, if a fetch may bring it.
    pub fn verify_at_hand(&self, token: &str) -> Result<Arc<Verified>, AuthError> {
        let token_sha256 = fingerprint(token)?;
        if let Some(known) = self.recall(&token_sha256) {
            return Ok(known);
        }
        let jws = Jws::parse(token)?;
        let claims = jws.claims()?;
        let (at, issuer) = self.issuer_of(&claims)?;
        let found = issuer.keys.find_at_hand(jws.kid.as_deref(), jws.alg)?;
        self.judge(&jws, &claims, at, &found, token_sha256)
    }

    /// Verifies an ID token for the client `client_id` that has asked with `nonce` (`OpenID` Connect
    /// Core, 3.1.3.7). It is not remembered: it opens nothing but the session that it was asked for.
    pub async fn verify_id_token(
        &self,
        token: &str,
        client_id: &str,
        nonce: &str,
    ) -> Result<Verified, AuthError> {
        let token_sha256 = fingerprint(token)?;
        let jws = Jws::parse(token)?;
        let claims = jws.claims()?;
        let (_, issuer) = self.issuer_of(&claims)?;
        let found = issuer.keys.find(jws.kid.as_deref(), jws.alg).await?;
        jws.check_signature(&found.key)?;
        let rules = Rules { audiences: vec![client_id.to_owned()], ..issuer.rules.clone() };
        let identity = rules.check_id_token(&claims, nonce, Timestamp::now())?;
        Ok(Verified {
            principal: identity.principal.into(),
            issuer: rules.issuer,
            expires_at: identity.expires_at,
            issued_at: identity.issued_at,
            token_sha256,
        })
    }

    fn recall(&self, token_sha256: &[u8; 32]) -> Option<Arc<Verified>> {
        let generation = |issuer: usize| self.issuers[issuer].keys.generation();
        self.memory.recall(token_sha256, Timestamp::now(), generation)
    }

    /// Signature and claims of a token of the issuer at `at`, when its key is found.
    fn judge(
        &self,
        jws: &Jws<'_>,
        claims: &Object<'_>,
        at: usize,
        found: &FoundKey,
        token_sha256: [u8; 32],
    ) -> Result<Arc<Verified>, AuthError> {
        jws.check_signature(&found.key)?;
        let rules = &self.issuers[at].rules;
        // After the waiting.
        let now = Timestamp::now();
        let identity = rules.check(claims, now)?;
        let verified = Arc::new(Verified {
            principal: identity.principal.into(),
            issuer: Arc::clone(&rules.issuer),
            expires_at: identity.expires_at,
            issued_at: identity.issued_at,
            token_sha256,
        });
        let known = Arc::clone(&verified);
        let generation = found.generation;
        self.memory.remember(Remembered { verified: known, issuer: at, generation, at: now });
        Ok(verified)
    }

    /// How it goes with each issuer's keys.
    pub fn status(&self) -> Vec<KeysStatus> {
        let status = |it: &Issuer| it.keys.status(Arc::clone(&it.rules.issuer));
        self.issuers.iter().map(status).collect()
    }

    /// Whose rules and keys hold for a token that says so of itself. Unproven, so it only chooses:
    /// the rules ask for the same `iss` again when the signature is known to be good.
    fn issuer_of(&self, claims: &Object<'_>) -> Result<(usize, &Issuer), AuthError> {
        let Some(Json::Text(named)) = claims.member("iss") else {
            return Err(AuthError::Issuer);
        };
        let mut issuers = self.issuers.iter().enumerate();
        issuers.find(|(_, it)| *it.rules.issuer == **named).ok_or(AuthError::Issuer)
    }
}

/// Names a token that is not too long to be one.
fn fingerprint(token: &str) -> Result<[u8; 32], AuthError> {
    if token.len() > MAX_TOKEN {
        return Err(AuthError::TooLong);
    }
    let mut token_sha256 = [0; 32];
    token_sha256.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    Ok(token_sha256)
}

fn source(
    web: &Web,
    issuer: IssuerConfig,
    times: &KeyTimes,
) -> Result<Box<dyn KeySource>, ConfigError> {
    Ok(match issuer.keys {
        KeysAt::Jwks(url) => Box::new(JwksAddress { web: web.clone(), url }),
        KeysAt::Discovery => {
            Box::new(Discovery::new(web.clone(), &issuer.issuer, times.rediscover)?)
        }
    })
}
