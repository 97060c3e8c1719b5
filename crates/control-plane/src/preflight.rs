//! What is tried out before brokers are told: whether an address gives keys, and whether they are
//! those of the issuer.

use model::IdpPolicy;
use serde_json::Value;
use service_config::{ConfigError, Oidc};

use crate::error::ApiError;

/// The options that are tried out.
const JWKS_URL: &str = "kafka.sasl_oauthbearer_jwks_endpoint_url";
const ISSUER: &str = "kafka.sasl_oauthbearer_expected_issuer";

/// Fetches the keys once, since brokers would come up without them and refuse every token, and
/// compares with the issuer's own metadata if it has some. Returns what is to be known of it.
pub(crate) async fn check(oidc: &Oidc, policy: &IdpPolicy) -> Result<Vec<String>, ApiError> {
    let (keys, metadata) = tokio::join!(
        auth::probe_jwks(&oidc.jwks_url, policy),
        auth::probe_issuer(&oidc.issuer, policy)
    );
    let mut errors = Vec::new();
    let problem = match keys {
        Ok(report) if report.usable() > 0 => None,
        Ok(_) => Some("none of its keys can verify a token".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    errors.extend(problem.map(|problem| {
        let rule = "it must answer with a JSON Web Key Set that has a key for signatures";
        refused(JWKS_URL, oidc.jwks_url.as_str(), &format!("{problem}; {rule}"))
    }));
    let mut warnings = Vec::new();
    match metadata {
        Ok(Some(other)) if other != oidc.jwks_url => warnings.push(format!(
            "{JWKS_URL} is {}, but the issuer's own metadata says that its keys are at {other}",
            oidc.jwks_url
        )),
        Ok(_) => {}
        Err(error) => {
            let rule = "it must be the issuer of the metadata at its address, byte for byte";
            errors.push(refused(ISSUER, &oidc.issuer, &format!("{error}; {rule}")));
        }
    }
    if errors.is_empty() { Ok(warnings) } else { Err(errors.into()) }
}

fn refused(key: &str, value: &str, why: &str) -> ConfigError {
    ConfigError {
        key: key.to_owned(),
        value: Value::from(value).to_string(),
        rule: format!("is not accepted: {why}"),
    }
}
