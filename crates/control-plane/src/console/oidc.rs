//! Signing in at the identity provider: away, and back again.
//!
//! What is pending is in the database for ten minutes, found by the `state` that comes back and the
//! cookie of the browser that was sent away: neither is of use without the other, and each is good once.

use auth::{Begun, Returned};
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use console::pages::sign_in::{self, View};
use http::request::Parts;
use http::{StatusCode, header};
use model::Secret;
use serde::Deserialize;
use store::{PendingSignIn, SignedInBy};

use super::cookie::{CookieSecret, SIGN_IN};
use super::return_to::return_to;
use super::session::begin;
use super::show::{Failed, Show, go};
use super::sign_in::{refuse, view, with_session};
use crate::App;
use crate::access::OidcRefusal;
use crate::error::ApiError;
use crate::random::token_hash;

/// Where people come back to, behind the public URL. Registered at the identity provider.
pub(crate) const CALLBACK: &str = "/console/sign-in/callback";
/// Sends people away.
pub(crate) const AWAY: &str = "/console/sign-in/oidc";

const NOT_BEGUN: &str = "This sign-in was not begun in this browser, or more than ten minutes ago, or \
     it was finished already. Try again";

/// What the address says that sends somebody away.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Away {
    return_to: String,
}

/// What comes back (RFC 6749, 4.1.2; RFC 9207).
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    code: Option<Secret>,
    state: Option<Secret>,
    iss: Option<String>,
    error: Option<String>,
}

/// Sends somebody to the identity provider.
pub(super) async fn away(
    State(app): State<App>,
    Query(asked): Query<Away>,
) -> Result<Response, Failed> {
    let sign_in = app.oidc.as_ref().and_then(|it| it.sign_in()).ok_or(ApiError::NoRoute)?;
    let Begun { url, state, nonce, code_verifier } = sign_in.begin().await.map_err(unavailable)?;
    let browser = CookieSecret::random().map_err(ApiError::from)?;
    let pending = PendingSignIn {
        state_hash: token_hash(state.expose()),
        browser_hash: browser.hash(),
        nonce,
        code_verifier,
        return_to: return_to(&asked.return_to),
    };
    app.store.sessions.begin_sign_in(&pending).await?;
    let mut response = go(url.as_str());
    let cookie = SIGN_IN.set(&browser, app.settings.console.is_https());
    response.headers_mut().extend(cookie.map(|it| (header::SET_COOKIE, it)));
    Ok(response)
}

/// Somebody comes back.
pub(super) async fn back(
    State(app): State<App>,
    Query(answer): Query<Answer>,
    request: Request,
) -> Result<Response, Failed> {
    let (parts, _) = request.into_parts();
    let Some(pending) = pending(&app, &parts, &answer).await? else {
        return refused(&app, &parts, NOT_BEGUN.to_owned(), String::new()).await;
    };
    let return_to = return_to(&pending.return_to);
    let Some(code) = answer.code.filter(|_| answer.error.is_none()) else {
        let why = format!("The identity provider says no: {}", word(answer.error.as_deref()));
        return refused(&app, &parts, why, return_to).await;
    };
    let PendingSignIn { nonce, code_verifier, .. } = pending;
    let returned = Returned { code, iss: answer.iss, nonce, code_verifier };
    let oidc = app.oidc.as_ref().ok_or(ApiError::NoRoute)?;
    let (name, grants) = match oidc.finish(returned).await {
        Ok(person) => person,
        Err(OidcRefusal::Refused(why)) => return refused(&app, &parts, why, return_to).await,
        Err(OidcRefusal::Failed(error)) => return Err(error.into()),
    };
    let session = begin(&parts, &app, name, SignedInBy::Oidc(grants)).await?;
    let session = session.ok_or(ApiError::Unauthenticated)?;
    Ok(without_cookie(with_session(go(&return_to), &app, &session), &app))
}

/// What was kept for who comes back.
async fn pending(
    app: &App,
    parts: &Parts,
    answer: &Answer,
) -> Result<Option<PendingSignIn>, ApiError> {
    let browser = SIGN_IN.read(&parts.headers, app.settings.console.is_https());
    let (Some(browser), Some(state)) = (browser, &answer.state) else { return Ok(None) };
    let state = token_hash(state.expose());
    Ok(app.store.sessions.take_sign_in(&state, &browser.hash()).await?)
}

/// The page to sign in on, which says why nobody has.
async fn refused(
    app: &App,
    parts: &Parts,
    why: String,
    return_to: String,
) -> Result<Response, Failed> {
    refuse(app, parts, &why).await?;
    let view = View { return_to, refusal: Some(why), ..view(app) };
    let page = Show::with(sign_in::page(&view), StatusCode::UNAUTHORIZED);
    Ok(without_cookie(page.into_response(), app))
}

fn without_cookie(mut response: Response, app: &App) -> Response {
    let cookie = SIGN_IN.clear(app.settings.console.is_https());
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A word of RFC 6749, 4.1.2.1, or of `OpenID` Connect; anything else is not repeated.
fn word(error: Option<&str>) -> &str {
    let plain =
        |it: &&str| it.len() <= 64 && it.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    error.filter(plain).unwrap_or("an answer that makes no sense")
}

fn unavailable(error: auth::SignInError) -> ApiError {
    ApiError::Unavailable("The identity provider", error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_are_repeated() {
        assert_eq!(word(Some("access_denied")), "access_denied");
        for other in [None, Some("Call +1 555"), Some("<b>"), Some(&*"a".repeat(65))] {
            assert_eq!(word(other), "an answer that makes no sense");
        }
    }
}
