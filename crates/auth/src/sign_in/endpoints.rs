//! Where an identity provider lets people sign in, by its metadata.

use std::fmt;
use std::time::Duration;

use model::{IdpPolicy, IdpUrl};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::discovery::{document, places};
use crate::error::{ConfigError, JwksError};
use crate::http::Web;
use crate::json::{self, Json};

/// For how long the metadata is believed.
const FRESH: Duration = Duration::from_mins(10);

/// Where an identity provider lets people sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoints {
    pub(super) authorization: IdpUrl,
    pub(super) token: IdpUrl,
    /// Whether it always sends `iss` with its answers (RFC 9207, 3).
    pub(super) names_issuer: bool,
}

/// The metadata of an issuer, asked for when it is needed.
pub(super) struct Metadata {
    issuer: IdpUrl,
    text: String,
    places: [IdpUrl; 2],
    found: Mutex<Option<(Endpoints, Instant)>>,
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata").field("issuer", &self.text).finish_non_exhaustive()
    }
}

impl Metadata {
    pub(super) fn of(issuer: &str, policy: &IdpPolicy) -> Result<Self, ConfigError> {
        let places = places(issuer, policy)?;
        let text = issuer.to_owned();
        let issuer = IdpUrl::parse(issuer, policy.urls).map_err(ConfigError::Undiscoverable)?;
        Ok(Self { issuer, text, places, found: Mutex::default() })
    }

    pub(super) fn host(&self) -> &str {
        self.issuer.url().host_str().unwrap_or_default()
    }

    /// One asks at a time.
    pub(super) async fn get(&self, web: &Web) -> Result<Endpoints, JwksError> {
        let mut found = self.found.lock().await;
        if let Some((endpoints, at)) = found.as_ref()
            && at.elapsed() < FRESH
        {
            return Ok(endpoints.clone());
        }
        let body = document(web, &self.places).await?;
        let endpoints = read(&body, &self.text, web.policy())?;
        *found = Some((endpoints.clone(), Instant::now()));
        Ok(endpoints)
    }
}

/// What else the metadata says (RFC 9207, 3).
#[derive(Deserialize)]
struct Flags {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// The endpoints in `body`, if it is the metadata of `issuer`.
fn read(body: &[u8], issuer: &str, policy: &IdpPolicy) -> Result<Endpoints, JwksError> {
    let metadata = json::object(body).ok_or(JwksError::NotMetadata)?;
    let text = |name| metadata.get(name).and_then(Json::as_str).ok_or(JwksError::NotMetadata);
    if text("issuer")? != issuer {
        return Err(JwksError::OtherIssuer);
    }
    let url = |name| IdpUrl::parse(text(name)?, policy.urls).map_err(JwksError::JwksUri);
    let flags: Flags = serde_json::from_slice(body).map_err(|_| JwksError::NotMetadata)?;
    Ok(Endpoints {
        authorization: url("authorization_endpoint")?,
        token: url("token_endpoint")?,
        names_issuer: flags.authorization_response_iss_parameter_supported,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"issuer":"https://idp/","authorization_endpoint":"https://idp/a",
        "token_endpoint":"https://idp/t"}"#;

    fn read(text: &str) -> Result<Endpoints, JwksError> {
        super::read(text.as_bytes(), "https://idp/", &IdpPolicy::default())
    }

    #[test]
    fn metadata_is_believed_if_it_is_the_issuers_own() {
        let good = read(GOOD).unwrap();
        assert_eq!(
            (good.authorization.as_str(), good.token.as_str()),
            ("https://idp/a", "https://idp/t")
        );
        assert!(!good.names_issuer);
        let names = "\"authorization_response_iss_parameter_supported\":true,\"issuer\"";
        assert!(read(&GOOD.replace("\"issuer\"", names)).unwrap().names_issuer);
        let other = GOOD.replace("\"https://idp/\"", "\"https://evil/\"");
        assert!(matches!(read(&other), Err(JwksError::OtherIssuer)));
        for wrong in ["http://idp/t", "file:///etc/passwd", "t", ""] {
            let text = GOOD.replace("https://idp/t", wrong);
            assert!(matches!(read(&text), Err(JwksError::JwksUri(_))), "{text}");
        }
        assert!(matches!(read(r#"{"issuer":"https://idp/"}"#), Err(JwksError::NotMetadata)));
    }
}
