//! From token to principal.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use model::{IdpUrl, Timestamp};

use crate::claims::Rules;
use crate::error::{AuthError, ConfigError};
use crate::fetch::{HttpSource, KeySource};
use crate::header::Jws;
use crate::json;
use crate::jwks_cache::JwksCache;

/// What a token has to be: the same four values as the brokers have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierConfig {
    /// `iss`, byte for byte.
    pub issuer: String,
    /// One of these has to be in `aud`.
    pub audiences: Vec<String>,
    /// The top-level claim that names the principal.
    pub principal_claim: String,
    /// Where the keys are published.
    pub jwks_url: IdpUrl,
}

/// What is known of the bearer of a sound token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its name, the same that Kafka sees.
    pub principal: String,
    /// Who says so.
    pub issuer: String,
    /// From then on the token is worth nothing.
    pub expires_at: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Names the token without giving it away.
    pub token_sha256: [u8; 32],
}

/// Verifies access tokens of one issuer. Fetches its keys in the background until it is dropped.
pub struct Verifier {
    rules: Rules,
    keys: JwksCache,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Verifier {
    /// Checks `config` and starts to fetch the keys; does not wait for them. Has to be called
    /// within a Tokio runtime.
    pub fn new(config: VerifierConfig) -> Result<Self, ConfigError> {
        let VerifierConfig { issuer, audiences, principal_claim, jwks_url } = config;
        let rules = checked(Rules { issuer, audiences, principal_claim })?;
        let source = HttpSource::new(jwks_url).map_err(ConfigError::Client)?;
        Ok(Self::with_source(rules, Box::new(source)))
    }

    fn with_source(rules: Rules, source: Box<dyn KeySource>) -> Self {
        Self { rules, keys: JwksCache::start(source) }
    }

    /// Verifies `token`: the text behind `Bearer `, nothing around it.
    ///
    /// Takes microseconds. Only if its key is unknown and a fetch may bring it, up to two seconds.
    pub async fn verify(&self, token: &str) -> Result<Verified, AuthError> {
        let jws = Jws::parse(token)?;
        let key = self.keys.find(jws.kid.as_deref(), jws.alg).await?;
        let payload = jws.verified_payload(&key)?;
        let claims = json::object(&payload).ok_or(AuthError::Claims)?;
        let identity = self.rules.check(&claims, Timestamp::now())?;
        let mut token_sha256 = [0; 32];
        token_sha256.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Ok(Verified {
            principal: identity.principal,
            issuer: self.rules.issuer.clone(),
            expires_at: identity.expires_at,
            issued_at: identity.issued_at,
            token_sha256,
        })
    }
}

/// Refuses settings that Kafka, which trims and splits them, would read differently.
fn checked(rules: Rules) -> Result<Rules, ConfigError> {
    let plain =
        |text: &str| !text.is_empty() && text.trim() == text && !text.contains(char::is_control);
    if !plain(&rules.issuer) {
        return Err(ConfigError::Setting("issuer"));
    }
    if !plain(&rules.principal_claim) {
        return Err(ConfigError::Setting("principal claim"));
    }
    if rules.audiences.is_empty() {
        return Err(ConfigError::NoAudience);
    }
    for audience in &rules.audiences {
        if !plain(audience) {
            return Err(ConfigError::Setting("audience"));
        }
        if audience.contains(',') {
            return Err(ConfigError::AudienceComma);
        }
    }
    Ok(rules)
}

#[cfg(test)]
mod tests;
