//! What a verifier is told.

use model::{IdpPolicy, IdpUrl};

use crate::claims::Rules;
use crate::error::ConfigError;
use crate::times::KeyTimes;

/// How many verified tokens are remembered, if nothing else is said. About 400 bytes each.
const REMEMBERED_TOKENS: usize = 10_000;

/// Whose tokens are taken, and under which rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierConfig {
    /// One or more. Each `iss` has its own rules and keys.
    pub issuers: Vec<IssuerConfig>,
    /// Which addresses of identity providers are acceptable.
    pub policy: IdpPolicy,
    /// How long keys are used, and how often they are asked for.
    pub times: KeyTimes,
    /// How many verified tokens are remembered. None if zero.
    pub remembered_tokens: usize,
}

impl VerifierConfig {
    /// One issuer, and what is usual.
    pub fn of(issuer: IssuerConfig, policy: IdpPolicy) -> Self {
        Self {
            issuers: vec![issuer],
            policy,
            times: KeyTimes::default(),
            remembered_tokens: REMEMBERED_TOKENS,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.issuers.is_empty() {
            return Err(ConfigError::NoIssuer);
        }
        for (at, issuer) in self.issuers.iter().enumerate() {
            issuer.check()?;
            if self.issuers[..at].iter().any(|it| it.issuer == issuer.issuer) {
                return Err(ConfigError::DuplicateIssuer);
            }
        }
        self.times.check()
    }
}

/// What a token of one issuer has to be: the same four values as the brokers have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerConfig {
    /// `iss`, byte for byte.
    pub issuer: String,
    /// One of these has to be in `aud`.
    pub audiences: Vec<String>,
    /// The top-level claim that names the principal.
    pub principal_claim: String,
    /// Where the keys are published.
    pub keys: KeysAt,
}

/// Where an issuer's keys are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysAt {
    /// At this address.
    Jwks(IdpUrl),
    /// Where the issuer's metadata says: `OpenID` Connect Discovery, or RFC 8414.
    Discovery,
}

impl From<IdpUrl> for KeysAt {
    fn from(url: IdpUrl) -> Self {
        Self::Jwks(url)
    }
}

impl IssuerConfig {
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            issuer: self.issuer.as_str().into(),
            audiences: self.audiences.clone(),
            principal_claim: self.principal_claim.clone(),
        }
    }

    /// Refuses settings that Kafka, which trims and splits them, would read differently.
    fn check(&self) -> Result<(), ConfigError> {
        let plain = |text: &str| {
            !text.is_empty() && text.trim() == text && !text.contains(char::is_control)
        };
        if !plain(&self.issuer) {
            return Err(ConfigError::Setting("issuer"));
        }
        if !plain(&self.principal_claim) {
            return Err(ConfigError::Setting("principal claim"));
        }
        if self.audiences.is_empty() {
            return Err(ConfigError::NoAudience);
        }
        for audience in &self.audiences {
            if !plain(audience) {
                return Err(ConfigError::Setting("audience"));
            }
            if audience.contains(',') {
                return Err(ConfigError::AudienceComma);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::UrlPolicy;

    use super::*;

    fn sound() -> IssuerConfig {
        IssuerConfig {
            issuer: "https://idp/".to_owned(),
            audiences: vec!["a".to_owned()],
            principal_claim: "sub".to_owned(),
            keys: IdpUrl::parse("https://idp/jwks", UrlPolicy::HttpsOnly).unwrap().into(),
        }
    }

    #[test]
    fn settings_that_kafka_would_read_differently_are_refused() {
        assert!(sound().check().is_ok());
        let with = |audiences: &[&str]| IssuerConfig {
            audiences: audiences.iter().map(|&it| it.to_owned()).collect(),
            ..sound()
        };
        assert!(with(&[]).check().is_err());
        assert!(with(&["a,b"]).check().is_err());
        assert!(with(&[" a"]).check().is_err());
        assert!(IssuerConfig { issuer: String::new(), ..sound() }.check().is_err());
        assert!(IssuerConfig { principal_claim: "sub ".to_owned(), ..sound() }.check().is_err());
    }

    #[test]
    fn each_issuer_is_there_once() {
        let config = VerifierConfig::of(sound(), IdpPolicy::default());
        assert!(config.check().is_ok());
        let twice = VerifierConfig { issuers: vec![sound(), sound()], ..config.clone() };
        assert!(matches!(twice.check(), Err(ConfigError::DuplicateIssuer)));
        let none = VerifierConfig { issuers: Vec::new(), ..config };
        assert!(matches!(none.check(), Err(ConfigError::NoIssuer)));
    }
}
