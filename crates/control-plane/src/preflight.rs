//! What is tried out before brokers are told: whether an address gives keys.

use model::IdpPolicy;
use serde_json::Value;
use service_config::{ConfigError, Oidc};

use crate::error::ApiError;

/// The option that is tried out.
const JWKS_URL: &str = "kafka.sasl_oauthbearer_jwks_endpoint_url";

/// Fetches the keys once. Brokers would come up without them, and refuse every token.
pub(crate) async fn check(oidc: &Oidc, policy: &IdpPolicy) -> Result<(), ApiError> {
    let problem = match auth::probe_jwks(&oidc.jwks_url, policy).await {
        Ok(report) if report.usable() > 0 => return Ok(()),
        Ok(_) => "none of its keys can verify a token".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(vec![ConfigError {
        key: JWKS_URL.to_owned(),
        value: Value::from(oidc.jwks_url.as_str()).to_string(),
        rule: format!(
            "is not accepted: {problem}; it must answer with a JSON Web Key Set that has a key for signatures"
        ),
    }]
    .into())
}
