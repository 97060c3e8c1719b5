//! Who somebody is who has signed in.

use console::{Frame, live};
use http::HeaderMap;
use http::request::Parts;
use model::Timestamp;
use store::{NewSession, SignedInBy};
use tracing::warn;
use web::chain;

use super::cookie::{CookieSecret, SESSION};
use super::origin;
use crate::App;
use crate::access::{Caller, Proof, address, note_token_use, user_agent};
use crate::error::ApiError;
use crate::random::bytes;

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// Who it is, and what they may do now.
    pub(crate) caller: Caller,
    /// What is in their cookie.
    pub(crate) secret: CookieSecret,
    /// What the frame of their pages needs.
    pub(crate) frame: Frame,
}

/// Whose cookie a request carries.
#[derive(Clone, Debug)]
pub(crate) enum Knock {
    /// Nobody's.
    Nobody,
    /// That of a session that is over, or of none that ever was.
    Ended,
    /// Somebody's.
    Visitor(Box<Visitor>),
}

/// Who asks. What nobody asked for ([`live::LIVE`]) keeps no session alive.
pub(crate) async fn knock(parts: &Parts, app: &App) -> Result<Knock, ApiError> {
    let console = &app.settings.console;
    let Some(secret) = SESSION.read(&parts.headers, console.is_https()) else {
        return Ok(Knock::Nobody);
    };
    let hash = secret.hash();
    let Some(session) = app.store.sessions.get(&hash, console.limits).await? else {
        if let Err(wait) = app.failures.count(address(parts)) {
            return Err(ApiError::TooManyFailures(wait));
        }
        return Ok(Knock::Ended);
    };
    if session.note_use && !parts.headers.contains_key(live::LIVE) {
        note(parts, app, &hash, session.token_hash.as_ref()).await;
    }
    let proof = session.token_prefix.map_or(Proof::Oidc, Proof::ApiToken);
    let csrf = origin::token(&secret, bytes()?);
    let frame = Frame { who: Some(session.owner.clone()), csrf, now: Timestamp::now() };
    let caller = Caller::new(parts, session.owner, session.grants, proof);
    Ok(Knock::Visitor(Box::new(Visitor { caller, secret, frame })))
}

/// Notes the use of a session and of its token. What is asked for does not depend on it.
async fn note(parts: &Parts, app: &App, hash: &[u8; 32], token: Option<&[u8; 32]>) {
    if let Err(error) = app.store.sessions.note_use(hash).await {
        warn!(error = %chain(&error), "the use of a session was not written down");
    }
    if let Some(token) = token {
        note_token_use(parts, &mut app.store.lookups(), token).await;
    }
}

/// Begins a session in place of the one that this browser may have. `None` if what it was to begin
/// with is gone already.
pub(crate) async fn begin(
    parts: &Parts,
    app: &App,
    owner: String,
    signed_in_by: SignedInBy,
) -> Result<Option<CookieSecret>, ApiError> {
    let secret = CookieSecret::random()?;
    let by = Caller::new(parts, owner.clone(), model::Grants::none(), Proof::Oidc).by;
    if let Some(Visitor { caller, secret, .. }) = parts.extensions.get() {
        app.store.sessions.end(&caller.name, Some(&secret.hash()), &caller.by).await?;
    }
    let new = NewSession {
        hash: secret.hash(),
        owner,
        signed_in_by,
        ip: address(parts).map(|it| it.to_string()),
        user_agent: user_agent(parts),
    };
    let begun = app.store.sessions.begin(&new, app.settings.console.limits, &by).await?;
    Ok(begun.then_some(secret))
}

/// The frame of a page for somebody who has not signed in.
pub(crate) fn stranger() -> Frame {
    Frame { who: None, csrf: String::new(), now: Timestamp::now() }
}

/// Whether htmx asks, and wants a part of a page.
pub(crate) fn wants_part(headers: &HeaderMap) -> bool {
    let has = |name| headers.contains_key(name);
    has("hx-request") && !has("hx-history-restore-request") && !has("hx-boosted")
}
