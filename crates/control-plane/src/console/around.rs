//! What every page has around it: who asks, whether the request is ours, and the HTML.
//!
//! A form that comes without a session was typed by somebody whose session has ended meanwhile. It is
//! not lost: the answer is a page to sign in on, which carries the form's fields but for secrets
//! (`console::pages::again`), and after signing in offers to send them to where they were meant to go.
//! htmx swaps it into the page. Nothing is stored for that; it works with every form by itself. Who
//! has signed in meanwhile in another tab is offered that at once.

use std::borrow::Cow;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use console::forms::{CSRF, TYPING};
use console::pages::{again, failure};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use tokio::time::timeout;
use url::form_urlencoded;

use super::cookie::SESSION;
use super::rollouts::banner;
use super::session::{Knock, Visitor, knock, wants_part};
use super::show::{Failed, Show, finish, go, retarget};
use super::sign_in::{SIGN_OUT, SIGN_OUT_EVERYWHERE, has_oidc, sign_in_href};
use super::{origin, return_to};
use crate::error::ApiError;
use crate::{App, BODY_LIMIT};

const NOT_OURS: &str =
    "This did not come from a page of this console. Go back, load the page anew, and try again";

/// Of what is sent while somebody types, with the token of a session that has ended.
const EARLIER: &str = "This form was opened in an earlier session. What you have typed is still here; \
     send the form to go on";

/// Whether somebody has to have signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// Nobody has to.
    Open,
    /// They have to.
    Closed,
}

/// Lets a request through to its handler, and makes HTML of what comes back.
pub(crate) async fn around(
    State((app, door)): State<(App, Door)>,
    request: Request,
    next: Next,
) -> Response {
    let wants_part = wants_part(request.headers());
    let (mut parts, body) = request.into_parts();
    let knocked = knock(&parts, &app).await;
    let ended = matches!(knocked, Ok(Knock::Ended));
    let (visitor, response) = match knocked {
        Err(error) => (None, Failed::from(error).into_response()),
        Ok(knocked) => {
            let visitor = match knocked {
                Knock::Visitor(it) => Some(*it),
                Knock::Nobody | Knock::Ended => None,
            };
            if let Some(visitor) = &visitor {
                parts.extensions.insert(visitor.clone());
            }
            let longest = app.settings.deadline;
            let answer = timeout(longest, through(&app, door, visitor.as_ref(), parts, body, next));
            let answer = answer.await.unwrap_or_else(|_| Err(ApiError::TooSlow(longest).into()));
            let mut response = answer.unwrap_or_else(IntoResponse::into_response);
            if !wants_part {
                add_banner(&app, &mut response).await;
            }
            (visitor, response)
        }
    };
    let mut response = finish(response, visitor.map(|it| it.frame), wants_part);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("hx-request"));
    if ended && !headers.contains_key(header::SET_COOKIE) {
        headers.extend(
            SESSION.clear(app.settings.console.is_https()).map(|it| (header::SET_COOKIE, it)),
        );
    }
    response
}

async fn through(
    app: &App,
    door: Door,
    visitor: Option<&Visitor>,
    parts: Parts,
    body: Body,
    next: Next,
) -> Result<Response, Failed> {
    if parts.method.is_safe() {
        return Ok(match (door, visitor) {
            (Door::Closed, None) => sign_in_first(&parts),
            _ => next.run(Request::from_parts(parts, body)).await,
        });
    }
    if !origin::is_ours(&parts.headers, app.settings.console.public_url.as_ref()) {
        return Err(ApiError::Forbidden(NOT_OURS.to_owned()).into());
    }
    let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| ApiError::TooLarge)?;
    let mut fields = form_urlencoded::parse(&body);
    if let Some((name, _)) =
        fields.clone().find(|(name, it)| name.contains('\0') || it.contains('\0'))
    {
        let name: String = name.escape_debug().take(64).collect();
        return Err(ApiError::Invalid(format!("Invalid '{name}': it has a NUL")).into());
    }
    if door == Door::Closed {
        let is_typing = parts.headers.contains_key(TYPING);
        let Some(visitor) = visitor else {
            // What is typed meanwhile stays in the page, and the form is kept when it is sent.
            let to = if is_typing { sign_in_first(&parts) } else { keep(app, &parts, fields) };
            return Ok(to);
        };
        let all = fields;
        let token = fields.find(|(name, _)| name == CSRF).map_or(Cow::Borrowed(""), |(_, it)| it);
        if !origin::is_token(&visitor.secret, &token) {
            if origin::is_of_a_session(&token) {
                return if is_typing {
                    Err(ApiError::Forbidden(EARLIER.to_owned()).into())
                } else {
                    Ok(offer(app, &parts, all, visitor))
                };
            }
            return Err(ApiError::Forbidden(NOT_OURS.to_owned()).into());
        }
    }
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}

/// Adds to the page of a service that its nodes are being restarted. What the page is about does not
/// depend on it.
async fn add_banner(app: &App, response: &mut Response) {
    let Some(show) = response.extensions_mut().get_mut::<Show>() else { return };
    let Some(at) = show.wants_banner() else { return };
    match banner(app, at).await {
        Ok(banner) => show.put_banner(banner),
        Err(error) => error.log(),
    }
}

/// Asks whoever wants to see something to sign in first. What an open page has in its forms stays.
fn sign_in_first(parts: &Parts) -> Response {
    let here = parts.uri.path_and_query().map_or("", |it| it.as_str());
    let accept = parts.headers.get(header::ACCEPT).map_or(&b""[..], |it| it.as_bytes());
    if accept == b"text/event-stream" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if !wants_part(&parts.headers) {
        return go(&sign_in_href(&return_to::return_to(here)));
    }
    let html = failure::ended(&sign_in_href(console::ROOT)).into_string();
    let mut response = (StatusCode::UNAUTHORIZED, Html(html)).into_response();
    retarget(&mut response, "#notices", "#notice");
    response
}

/// Asks whoever sends a form to sign in, and keeps the form.
fn keep(app: &App, parts: &Parts, fields: form_urlencoded::Parse<'_>) -> Response {
    let send_to = parts.uri.path_and_query().map_or("", |it| it.as_str());
    if [SIGN_OUT, SIGN_OUT_EVERYWHERE].contains(&send_to) {
        return go(&sign_in_href(console::ROOT));
    }
    let page = Show::with(again::sign_in(&view(app, parts, fields)), StatusCode::UNAUTHORIZED);
    page.instead("#again").into_response()
}

/// Asks whoever sends a form of a session before this one whether it shall be done in this one. It has
/// come from our own origin, or it would not be here.
fn offer(
    app: &App,
    parts: &Parts,
    fields: form_urlencoded::Parse<'_>,
    visitor: &Visitor,
) -> Response {
    let page = again::send(&view(app, parts, fields), &visitor.caller.name, &visitor.frame.csrf);
    Show::with(page, StatusCode::FORBIDDEN).instead("#again").into_response()
}

fn view(app: &App, parts: &Parts, fields: form_urlencoded::Parse<'_>) -> again::View {
    let send_to = parts.uri.path_and_query().map_or("", |it| it.as_str());
    again::View {
        send_to: return_to::return_to(send_to),
        fields: fields.into_owned().collect(),
        oidc: has_oidc(app),
        refusal: None,
    }
}
