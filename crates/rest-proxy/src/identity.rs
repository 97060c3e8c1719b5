//! From the head of a request to who asks.

mod brake;
pub(crate) mod challenge;
mod header;
mod logins;

use std::sync::Arc;

use auth::AuthErrorKind;
use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use model::{Secret, Timestamp, Username};
use tokio::time::Instant;
use web::Trace;

pub(crate) use self::brake::Brake;
pub(crate) use self::header::Presented;
pub(crate) use self::logins::Logins;
use crate::App;
use crate::admission::Slot;
use crate::error::ApiError;
use crate::metrics::AuthFailure;
use crate::owner::{Credential, Owner, Password, Token};
use crate::seen::Asker;
use crate::settings::Active;

/// Who asks, and the settings that hold for this request from beginning to end.
pub(crate) struct Caller {
    pub(crate) owner: Owner,
    pub(crate) credential: Credential,
    pub(crate) active: Arc<Active>,
    /// As whom the caller is remembered.
    pub(crate) asker: Asker,
    /// Counts the request until it is answered.
    pub(crate) _slot: Slot,
}

impl Caller {
    /// `deadline`, or when what the caller came with is over: nothing is served after that.
    pub(crate) fn until(&self, deadline: Instant) -> Instant {
        let Credential::Token(token) = &self.credential else { return deadline };
        let left = u64::try_from(token.expires_at.ms_since(Timestamp::now())).unwrap_or(0);
        deadline.min(Instant::now() + std::time::Duration::from_millis(left))
    }
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
        let caller = identify(&app, active, parts).await?;
        let session = match &caller.credential {
            Credential::Own => None,
            Credential::Token(token) => Some(token.sha256),
            Credential::Password(password) => Some(password.fingerprint),
        };
        if let (Some(session), Some(trace)) = (session, parts.extensions.get::<Arc<Trace>>()) {
            trace.set_session(session);
        }
        Ok(caller)
    }
}

/// Who asks: with authorization on whoever the credential proves, otherwise the proxy itself.
pub(crate) async fn identify(
    app: &App,
    active: Arc<Active>,
    parts: &Parts,
) -> Result<Caller, ApiError> {
    let (owner, credential, asker) = if active.settings.authorization {
        let (owner, credential) = authenticate(app, &active, parts).await?;
        let asker = Asker::proven(&owner);
        (owner, credential, asker)
    } else {
        // What a caller presents matters for nothing but what it is remembered as.
        let presented = header::presented(&parts.headers, parts.uri.query()).ok();
        (Owner::Proxy, Credential::Own, app.seen.guess(&active, presented))
    };
    let slot = app.admission.enter(&owner)?;
    Ok(Caller { owner, credential, active, asker, _slot: slot })
}

async fn authenticate(
    app: &App,
    active: &Active,
    parts: &Parts,
) -> Result<(Owner, Credential), ApiError> {
    let presented = header::presented(&parts.headers, parts.uri.query());
    let presented = presented.and_then(|it| match it {
        Presented::Basic(..) if !takes_passwords(app, active) => Err(ApiError::NoCredentials),
        it => Ok(it),
    });
    match presented {
        Ok(Presented::Bearer(text)) => verify(app, active, text).await,
        Ok(Presented::Basic(username, password)) => {
            let checked = check(app, active, &username, password).await;
            checked.inspect_err(|error| {
                app.metrics.auth_failed(match error {
                    ApiError::WrongPassword => AuthFailure::Password,
                    _ => AuthFailure::Unavailable,
                });
            })
        }
        Err(error) => {
            app.metrics.auth_failed(match error {
                ApiError::NoCredentials => AuthFailure::Missing,
                _ => AuthFailure::Malformed,
            });
            Err(error)
        }
    }
}

/// Whether there is a way in for service users.
pub(crate) fn takes_passwords(app: &App, active: &Active) -> bool {
    app.limits.basic_auth
        && active.settings.authorization
        && !active.settings.scram_mechanisms.is_empty()
}

async fn verify(app: &App, active: &Active, text: &str) -> Result<(Owner, Credential), ApiError> {
    let metrics = &app.metrics;
    let Some(rules) = active.verifier.as_deref() else {
        metrics.auth_failed(AuthFailure::Unavailable);
        return Err(ApiError::InvalidToken("No identity provider is configured"));
    };
    let verified = rules.verify(text).await.map_err(|error| {
        metrics.auth_failed(error.into());
        match error.kind() {
            AuthErrorKind::InvalidToken => ApiError::InvalidToken(error.description()),
            AuthErrorKind::Unavailable => ApiError::Unavailable(error.description()),
        }
    })?;
    app.seen.claims(&verified, text, &active.told_claims);
    let owner = Owner::Oidc {
        issuer: Arc::clone(&verified.issuer),
        principal: Arc::clone(&verified.principal),
    };
    let token = Token {
        text: Secret::new(text.to_owned()),
        sha256: verified.token_sha256,
        expires_at: verified.expires_at,
        issued_at: verified.issued_at,
    };
    Ok((owner, Credential::Token(Arc::new(token))))
}

async fn check(
    app: &App,
    active: &Active,
    username: &str,
    password: Secret,
) -> Result<(Owner, Credential), ApiError> {
    // No other name can be a service user's, and those of the platform itself begin with a space.
    let username: Username = username.parse().map_err(|_| ApiError::WrongPassword)?;
    let owner = Owner::User { username: username.as_str().into() };
    let fingerprint = app.logins.fingerprint(username.as_str(), &password);
    let password = Arc::new(Password { text: password, fingerprint });
    let probe = || app.sessions.probe(active, &owner, &Credential::Password(Arc::clone(&password)));
    match app.logins.prove(&owner, fingerprint, &probe).await {
        Ok(()) => Ok((owner, Credential::Password(password))),
        Err(error) => {
            if let ApiError::WrongPassword = error {
                // It may have been right once.
                app.sessions.dismiss(&owner, &Credential::Password(password));
            }
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests;
