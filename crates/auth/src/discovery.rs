//! A key set whose address the issuer's metadata names (`OpenID` Connect Discovery, RFC 8414).

use std::sync::Arc;
use std::time::Duration;

use model::{IdpPolicy, IdpUrl};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::error::{ConfigError, JwksError};
use crate::fetch::{Fetching, KeySource, Known, get_keys};
use crate::http::{Answer, Web};
use crate::json::{self, Json};

/// After so many failures in a row the keys may have moved.
const MOVED_AFTER: u32 = 3;

/// An issuer that is asked where its keys are.
pub(crate) struct Discovery {
    web: Web,
    issuer: IdpUrl,
    /// `OpenID` Connect's place for the metadata, then RFC 8414's.
    places: [IdpUrl; 2],
    again_after: Duration,
    found: Mutex<Option<Found>>,
}

struct Found {
    jwks: IdpUrl,
    at: Instant,
    /// How often in a row its keys could not be had.
    failures: u32,
}

impl Discovery {
    /// No I/O yet.
    pub(crate) fn new(web: Web, issuer: &str, again_after: Duration) -> Result<Self, ConfigError> {
        let places = places(issuer, web.policy())?;
        let issuer =
            IdpUrl::parse(issuer, web.policy().urls).map_err(ConfigError::Undiscoverable)?;
        Ok(Self { web, issuer, places, again_after, found: Mutex::default() })
    }

    /// One fetch at a time: the cache has one task that does them.
    async fn get(&self, known: Option<&Known>) -> Result<(Answer, Arc<str>), JwksError> {
        let mut found = self.found.lock().await;
        let jwks = self.address(&mut found).await?;
        let result = get_keys(&self.web, &jwks, known).await;
        if let Some(found) = found.as_mut() {
            found.failures = if result.is_ok() { 0 } else { found.failures + 1 };
        }
        result
    }

    /// Where the keys are: asked again when that is long ago, or when they are not there any more.
    async fn address(&self, found: &mut Option<Found>) -> Result<IdpUrl, JwksError> {
        if let Some(it) = found.as_ref()
            && it.at.elapsed() < self.again_after
            && it.failures < MOVED_AFTER
        {
            return Ok(it.jwks.clone());
        }
        match (self.discover().await, found.as_mut()) {
            (Ok(jwks), old) => {
                if old.is_none_or(|it| it.jwks != jwks) {
                    info!(
                        issuer.host = self.name(),
                        jwks.host = jwks.url().host_str(),
                        "discovered where the issuer's keys are"
                    );
                }
                *found = Some(Found { jwks: jwks.clone(), at: Instant::now(), failures: 0 });
                Ok(jwks)
            }
            (Err(error), Some(old)) => {
                warn!(
                    issuer.host = self.name(),
                    error = &error as &dyn std::error::Error,
                    "cannot discover where the issuer's keys are; asking where they were"
                );
                (old.at, old.failures) = (Instant::now(), 0);
                Ok(old.jwks.clone())
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn discover(&self) -> Result<IdpUrl, JwksError> {
        discover(&self.web, &self.places, self.issuer.as_str()).await
    }
}

async fn discover(web: &Web, places: &[IdpUrl; 2], issuer: &str) -> Result<IdpUrl, JwksError> {
    read(&document(web, places).await?, issuer, web.policy())
}

/// The metadata at the first of `places` that has it. Nothing of it is checked.
pub(crate) async fn document(web: &Web, places: &[IdpUrl; 2]) -> Result<Vec<u8>, JwksError> {
    let [first, second] = places;
    let answer = match web.get(first, "application/json", None).await {
        Err(JwksError::Status(400..500)) => web.get(second, "application/json", None).await,
        answer => answer,
    };
    match answer.map_err(|error| JwksError::Metadata(Box::new(error)))? {
        Answer::Document(it) => Ok(it.body),
        Answer::Unchanged { .. } => Err(JwksError::NotModified),
    }
}

/// What an issuer's own metadata says of where its keys are, asked for once; `None` if it has none
/// that can be had, which is no fault of an issuer. An error only if there is metadata and it is that
/// of another issuer: no token would ever have the `iss` that is expected (`OpenID` Connect Discovery,
/// 4.3).
pub async fn probe_issuer(issuer: &str, policy: &IdpPolicy) -> Result<Option<IdpUrl>, JwksError> {
    let Ok(places) = places(issuer, policy) else { return Ok(None) };
    let web = Web::new(Arc::new(policy.clone())).map_err(JwksError::Client)?;
    match discover(&web, &places, issuer).await {
        Ok(jwks) => Ok(Some(jwks)),
        Err(JwksError::OtherIssuer) => Err(JwksError::OtherIssuer),
        Err(_) => Ok(None),
    }
}

impl KeySource for Discovery {
    fn fetch<'a>(&'a self, known: Option<&'a Known>) -> Fetching<'a> {
        Box::pin(self.get(known))
    }

    fn name(&self) -> &str {
        self.issuer.url().host_str().unwrap_or_default()
    }
}

/// Where an issuer's metadata may be: behind its path, or before it. Only a slash at the end is
/// taken off; a path may have double slashes, and they stay.
pub(crate) fn places(issuer: &str, policy: &IdpPolicy) -> Result<[IdpUrl; 2], ConfigError> {
    let parse = |text: &str| IdpUrl::parse(text, policy.urls).map_err(ConfigError::Undiscoverable);
    if parse(issuer)?.url().query().is_some() {
        return Err(ConfigError::IssuerQuery);
    }
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    let authority = base.find("://").map_or(0, |at| at + 3);
    let path = base[authority..].find('/').map_or(base.len(), |at| authority + at);
    let (origin, path) = base.split_at(path);
    Ok([
        parse(&format!("{base}/.well-known/openid-configuration"))?,
        parse(&format!("{origin}/.well-known/oauth-authorization-server{path}"))?,
    ])
}

/// The `jwks_uri` of the metadata in `body`, if it is that of `issuer`.
fn read(body: &[u8], issuer: &str, policy: &IdpPolicy) -> Result<IdpUrl, JwksError> {
    let metadata = json::object(body).ok_or(JwksError::NotMetadata)?;
    let text = |name| metadata.get(name).and_then(Json::as_str).ok_or(JwksError::NotMetadata);
    if text("issuer")? != issuer {
        return Err(JwksError::OtherIssuer);
    }
    IdpUrl::parse(text("jwks_uri")?, policy.urls).map_err(JwksError::JwksUri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_behind_the_path_or_before_it() {
        let places = |issuer| {
            places(issuer, &IdpPolicy::default()).map(|it| it.map(|it| it.as_str().to_owned()))
        };
        for (issuer, expected) in [
            (
                "https://idp",
                [
                    "https://idp/.well-known/openid-configuration",
                    "https://idp/.well-known/oauth-authorization-server",
                ],
            ),
            (
                "https://idp:8443/realms/a/",
                [
                    "https://idp:8443/realms/a/.well-known/openid-configuration",
                    "https://idp:8443/.well-known/oauth-authorization-server/realms/a",
                ],
            ),
            (
                "https://idp//api",
                [
                    "https://idp//api/.well-known/openid-configuration",
                    "https://idp/.well-known/oauth-authorization-server//api",
                ],
            ),
        ] {
            assert_eq!(places(issuer).unwrap(), expected);
        }
        assert!(matches!(places("accounts.google.com"), Err(ConfigError::Undiscoverable(_))));
        assert!(matches!(places("http://idp"), Err(ConfigError::Undiscoverable(_))));
        assert!(matches!(places("https://idp/?a=b"), Err(ConfigError::IssuerQuery)));
    }

    #[test]
    fn metadata_is_believed_if_it_is_the_issuers_own() {
        let read = |text: &str| read(text.as_bytes(), "https://idp/", &IdpPolicy::default());
        let good = r#"{"issuer":"https://idp/","jwks_uri":"https://keys/jwks"}"#;
        assert_eq!(read(good).unwrap().as_str(), "https://keys/jwks");
        for other in ["https://idp", "https://IDP/", "https://idp//", "https://evil/"] {
            let text = good.replace("https://idp/", other);
            assert!(matches!(read(&text), Err(JwksError::OtherIssuer)), "{text}");
        }
        for uri in ["http://keys/jwks", "file:///etc/passwd", "https://a:b@keys/", "keys", ""] {
            let text = good.replace("https://keys/jwks", uri);
            assert!(matches!(read(&text), Err(JwksError::JwksUri(_))), "{text}");
        }
        for text in ["", "[]", r#"{"issuer":"https://idp/"}"#, r#"{"issuer":1,"jwks_uri":1}"#] {
            assert!(matches!(read(text), Err(JwksError::NotMetadata)), "{text}");
        }
        let twice = good.replace('}', r#","jwks_uri":"https://evil/"}"#);
        assert!(matches!(read(&twice), Err(JwksError::NotMetadata)));
    }
}
