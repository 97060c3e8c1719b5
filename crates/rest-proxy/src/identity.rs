//! From the head of a request to who asks.

use std::sync::Arc;

use auth::{AuthErrorKind, Verifier};
use axum::extract::{FromRef, FromRequestParts};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use model::{Secret, Timestamp};

use crate::App;
use crate::error::ApiError;
use crate::settings::Active;

/// As whom Kafka is asked. Kafka clients and consumer instances belong to one of these and are
/// never shared. Each variant has its own listener and mechanism.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// The proxy itself, for everybody, while authorization is off.
    Proxy,
    /// A principal of an issuer, whatever token it comes with.
    Oidc { issuer: Arc<str>, principal: Arc<str> },
}

/// An access token that was verified.
pub(crate) struct Token {
    pub(crate) text: Secret,
    pub(crate) sha256: [u8; 32],
    pub(crate) expires_at: Timestamp,
    pub(crate) issued_at: Timestamp,
}

/// Who asks, and the settings that hold for this request from beginning to end.
pub(crate) struct Caller {
    pub(crate) owner: Owner,
    /// Present unless the proxy acts as itself.
    pub(crate) token: Option<Arc<Token>>,
    pub(crate) active: Arc<Active>,
}

impl<S> FromRequestParts<S> for Caller
where
    App: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let app = App::from_ref(state);
        let active =
            app.settings.active().ok_or(ApiError::Unavailable("The settings are not loaded"))?;
        identify(active, &parts.headers).await
    }
}

/// Who asks: with authorization on whoever the token proves, otherwise the proxy itself.
pub(crate) async fn identify(active: Arc<Active>, headers: &HeaderMap) -> Result<Caller, ApiError> {
    if !active.settings.authorization {
        return Ok(Caller { owner: Owner::Proxy, token: None, active });
    }
    let text = bearer(headers)?;
    let Some(verifier) = &active.verifier else {
        return Err(ApiError::InvalidToken("No identity provider is configured"));
    };
    let (owner, token) = verify(verifier, text).await?;
    Ok(Caller { owner, token: Some(Arc::new(token)), active })
}

async fn verify(rules: &Verifier, text: &str) -> Result<(Owner, Token), ApiError> {
    let verified = rules.verify(text).await.map_err(|error| match error.kind() {
        AuthErrorKind::InvalidToken => ApiError::InvalidToken(error.description()),
        AuthErrorKind::Unavailable => ApiError::Unavailable(error.description()),
    })?;
    let owner =
        Owner::Oidc { issuer: verified.issuer.into(), principal: verified.principal.into() };
    let token = Token {
        text: Secret::new(text.to_owned()),
        sha256: verified.token_sha256,
        expires_at: verified.expires_at,
        issued_at: verified.issued_at,
    };
    Ok((owner, token))
}

/// The token of an `Authorization: Bearer` header (RFC 6750, section 2.1; no other way is taken).
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(ApiError::NoCredentials) };
    if values.next().is_some() {
        return Err(ApiError::BadCredentials("More than one Authorization header"));
    }
    let malformed = ApiError::BadCredentials("Malformed Authorization header");
    let Ok(value) = HeaderValue::to_str(value) else { return Err(malformed) };
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::NoCredentials);
    }
    let token = token.trim_matches(' ');
    if token.is_empty() || !token.bytes().all(|it| it.is_ascii_graphic()) {
        return Err(malformed);
    }
    Ok(token)
}

#[cfg(test)]
mod tests;
