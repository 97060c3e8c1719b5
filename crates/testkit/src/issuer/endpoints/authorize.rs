//! `/authorize`: signing in by authorization code with PKCE (RFC 6749, 4.1; RFC 7636; `OpenID`
//! Connect Core, 3.1). Nobody needs a password here: they say who they are.

mod page;
mod redirect;
mod request;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use model::Timestamp;
use tracing::info;

use self::redirect::Redirect;
use self::request::{Asked, Problem, understand};
use super::form::Form;
use super::server_error;
use crate::issuer::codes::Granted;
use crate::issuer::{Issuer, Person, locked};

/// The field of the page that says who signs in, and the one that says that nobody wants to.
const USERNAME: &str = "username";
const DENIED: &str = "denied";

/// `GET`: asks who it is.
pub(super) async fn ask(State(issuer): State<Issuer>, RawQuery(query): RawQuery) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    match understand(&form) {
        Ok(asked) => page::sign_in(&asked, None),
        Err(problem) => refused(&issuer, problem),
    }
}

/// `POST`: somebody said who they are, or that they do not want to.
pub(super) async fn answer(State(issuer): State<Issuer>, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let asked = match understand(&form) {
        Ok(asked) => asked,
        Err(problem) => return refused(&issuer, problem),
    };
    if form.all(DENIED).iter().any(|it| it == "true") {
        let denied = asked.redirect.refuse("access_denied", "they did not want to sign in");
        return denied.response(issuer.url());
    }
    // The button of a choice comes after the text, which may be empty.
    let said = form.all(USERNAME);
    let said = said.iter().map(|it| it.trim()).rfind(|it| !it.is_empty());
    match said.map(Person::of) {
        Some(Some(person)) => signed_in(&issuer, asked, person),
        Some(None) => {
            page::sign_in(&asked, Some("A user name has 64 bytes at most, none of them control."))
        }
        None => page::sign_in(&asked, Some("Say who you are.")),
    }
}

fn signed_in(issuer: &Issuer, asked: Asked, person: Person) -> Response {
    info!(client.id = asked.client, user = person.username, "signed in");
    let Asked { client, challenge, scope, nonce, redirect } = asked;
    let redirect_uri = redirect.uri().to_owned();
    let at = Timestamp::now();
    let granted = Granted { client, redirect_uri, challenge, scope, nonce, person, at };
    match locked(&issuer.codes).issue(granted) {
        Ok(code) => redirect.with("code", &code).response(issuer.url()),
        Err(error) => server_error(error),
    }
}

fn refused(issuer: &Issuer, problem: Problem) -> Response {
    match problem {
        // Whoever asks may be anyone: a redirect would send people to where they want.
        Problem::Shown(text) => page::problem(StatusCode::BAD_REQUEST, &text),
        Problem::Redirected(redirect) => redirect.response(issuer.url()),
    }
}

#[cfg(test)]
mod tests;
