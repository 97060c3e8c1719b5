//! Signing in with an API token, and signing out.

use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use console::pages::again::{self, LEFT_OUT, SEND_TO, TOKEN};
use console::pages::sign_in::{self, View};
use console::{Page, ROOT};
use http::request::Parts;
use http::{StatusCode, header};
use serde::Deserialize;
use store::{SignedInBy, TokenScope};
use tracing::warn;
use url::form_urlencoded;
use web::chain;

use super::cookie::{CookieSecret, SESSION};
use super::on_page::Signed;
use super::origin;
use super::return_to::{below_console, return_to};
use super::session::{Visitor, begin};
use super::show::{Failed, Show, go};
use crate::access::{Caller, Proof, address};
use crate::error::ApiError;
use crate::random::{bytes, token_hash};
use crate::{App, BODY_LIMIT};

/// The page to sign in on.
pub(crate) const SIGN_IN: &str = "/console/sign-in";
/// Ends this session.
pub(crate) const SIGN_OUT: &str = "/console/sign-out";
/// Ends all of one's sessions.
pub(crate) const SIGN_OUT_EVERYWHERE: &str = "/console/sign-out-everywhere";

const OPENS_NOTHING: &str =
    "This token opens nothing: it is not one of this installation, or has ended, or was revoked";

/// What the address of the page says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    return_to: String,
    signed_out: Option<String>,
}

/// The fields of a form, as they came.
type Fields = Vec<(String, String)>;

/// The address of the page, which leads to `to` afterwards.
pub(crate) fn sign_in_href(to: &str) -> String {
    if to == ROOT {
        return SIGN_IN.to_owned();
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("{SIGN_IN}?{}", query.append_pair("return_to", to).finish())
}

/// Whether people may sign in by an identity provider.
pub(crate) fn has_oidc(app: &App) -> bool {
    provider(app).is_some()
}

/// The host of the identity provider that people may sign in by.
fn provider(app: &App) -> Option<String> {
    Some(app.oidc.as_ref()?.sign_in()?.provider().to_owned())
}

pub(super) async fn page(State(app): State<App>, Query(asked): Query<Asked>) -> Show {
    let notice = asked.signed_out.is_some().then_some("You have signed out.");
    let return_to = return_to(&asked.return_to);
    sign_in::page(&View { return_to, notice, ..view(&app) }).into()
}

pub(super) async fn by_token(State(app): State<App>, request: Request) -> Result<Response, Failed> {
    let (parts, fields) = read(request).await?;
    let to = return_to(field(&fields, "return_to"));
    match try_token(&app, &parts, field(&fields, "token")).await? {
        Ok(secret) => Ok(with_session(go(&to), &app, &secret)),
        Err(refusal) => {
            let view = View { return_to: to, refusal: Some(refusal), ..view(&app) };
            Ok(Show::with(sign_in::page(&view), StatusCode::UNAUTHORIZED).into_response())
        }
    }
}

/// Signs in on a page that carries a form, with a token or in another tab, and offers to send it.
pub(super) async fn again(State(app): State<App>, request: Request) -> Result<Response, Failed> {
    let (parts, fields) = read(request).await?;
    let send_to = below_console(field(&fields, SEND_TO));
    let send_to = send_to.ok_or_else(|| ApiError::invalid("Invalid form: it has nowhere to go"))?;
    let token = fields.iter().find(|(name, _)| name == TOKEN).map(|(_, it)| it.clone());
    let secrets = fields.iter().filter(|(name, _)| name == LEFT_OUT);
    let secrets: Fields = secrets.map(|(_, name)| (name.clone(), String::new())).collect();
    let is_ours = |name: &str| [SEND_TO, LEFT_OUT, TOKEN].contains(&name);
    let mut kept: Fields = fields.into_iter().filter(|(name, _)| !is_ours(name)).collect();
    kept.extend(secrets);
    let mut view = again::View { send_to, fields: kept, oidc: has_oidc(&app), refusal: None };
    let refused = |view: &again::View| {
        let page = Show::with(again::sign_in(view), StatusCode::UNAUTHORIZED);
        page.instead("#again").into_response()
    };
    let Some(token) = token else {
        let Some(Visitor { caller, frame, .. }) = parts.extensions.get() else {
            view.refusal = Some("You have not signed in in this browser yet".to_owned());
            return Ok(refused(&view));
        };
        return Ok(offer(again::send(&view, &caller.name, &frame.csrf)));
    };
    match try_token(&app, &parts, &token).await? {
        Ok(secret) => {
            let csrf = origin::token(&secret, bytes().map_err(ApiError::from)?);
            let who = app.store.sessions.get(&secret.hash(), app.settings.console.limits).await?;
            let who = who.ok_or(ApiError::Unauthenticated)?.owner;
            let response = offer(again::send(&view, &who, &csrf));
            Ok(with_session(response, &app, &secret))
        }
        Err(refusal) => {
            view.refusal = Some(refusal);
            Ok(refused(&view))
        }
    }
}

pub(super) async fn sign_out(State(app): State<App>, who: Signed) -> Result<Response, Failed> {
    app.store.sessions.end(&who.caller.name, Some(&who.secret.hash()), &who.caller.by).await?;
    Ok(signed_out(&app))
}

pub(super) async fn sign_out_everywhere(
    State(app): State<App>,
    who: Signed,
) -> Result<Response, Failed> {
    app.store.sessions.end(&who.caller.name, None, &who.caller.by).await?;
    Ok(signed_out(&app))
}

fn signed_out(app: &App) -> Response {
    let mut response = go(&format!("{SIGN_IN}?signed_out=1"));
    let cookie = SESSION.clear(app.settings.console.is_https());
    response.headers_mut().extend(cookie.map(|it| (header::SET_COOKIE, it)));
    response
}

/// A session for whoever has this API token; else why not. Failures are counted as the API's are.
async fn try_token(
    app: &App,
    parts: &Parts,
    token: &str,
) -> Result<Result<CookieSecret, String>, ApiError> {
    let hash = token_hash(token.trim());
    if let Some(TokenScope::Person { owner, .. }) = app.store.lookups().token_scope(&hash).await?
        && let Some(secret) = begin(parts, app, owner, SignedInBy::ApiToken(hash)).await?
    {
        return Ok(Ok(secret));
    }
    refuse(app, parts, OPENS_NOTHING).await?;
    Ok(Err(OPENS_NOTHING.to_owned()))
}

/// Counts and writes down that somebody was not let in. `why` is in words of ours.
pub(super) async fn refuse(app: &App, parts: &Parts, why: &str) -> Result<(), ApiError> {
    let address = address(parts);
    app.failures.count(address).map_err(ApiError::TooManyFailures)?;
    let by = Caller::new(parts, "nobody".to_owned(), model::Grants::none(), Proof::Oidc).by;
    let ip = address.map(|it| it.to_string());
    if let Err(error) = app.store.sessions.refused(why, ip.as_deref(), &by).await {
        warn!(error = %chain(&error), "a refused sign-in was not written down");
    }
    Ok(())
}

/// Gives the session to the browser.
pub(super) fn with_session(mut response: Response, app: &App, secret: &CookieSecret) -> Response {
    let cookie = SESSION.set(secret, app.settings.console.is_https());
    response.headers_mut().extend(cookie.map(|it| (header::SET_COOKIE, it)));
    response
}

fn offer(page: Page) -> Response {
    Show::from(page).instead("#again").into_response()
}

/// What every page to sign in on has.
pub(super) fn view(app: &App) -> View {
    View { provider: provider(app), ..View::default() }
}

async fn read(request: Request) -> Result<(Parts, Fields), ApiError> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_LIMIT).await.map_err(|_| ApiError::TooLarge)?;
    Ok((parts, form_urlencoded::parse(&body).into_owned().collect()))
}

/// What is in that field; nothing if it is not there.
fn field<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
}
