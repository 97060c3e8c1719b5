//! The pages: plain forms, without scripts, readable in light and dark.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::request::Asked;
use super::{DENIED, USERNAME};
use crate::issuer::PEOPLE;

/// Asks who it is. `notice` says what was wrong with the answer before.
pub(super) fn sign_in(asked: &Asked, notice: Option<&str>) -> Response {
    let kept = [
        ("response_type", Some("code")),
        ("client_id", Some(asked.client.as_str())),
        ("redirect_uri", Some(asked.redirect.uri())),
        ("scope", Some(asked.scope.as_str())),
        ("state", asked.redirect.state()),
        ("nonce", asked.nonce.as_deref()),
        ("code_challenge", Some(asked.challenge.as_str())),
        ("code_challenge_method", Some("S256")),
    ];
    let body = html! {
        h1 { "Development identity provider" }
        p { "Not for production: nobody needs a password here. "
            strong { (asked.client) } " at " strong { (asked.redirect.origin()) }
            " asks who you are." }
        @if let Some(notice) = notice { p role="alert" { (notice) } }
        form method="post" action="/authorize" {
            @for (name, value) in kept {
                @if let Some(value) = value { input type="hidden" name=(name) value=(value); }
            }
            label for="username" { "User name" }
            input id="username" name=(USERNAME) autocomplete="username" autofocus maxlength="64";
            button type="submit" { "Sign in" }
            h2 { "Or as one of these" }
            ul {
                @for (username, name, group) in PEOPLE {
                    li {
                        button type="submit" name=(USERNAME) value=(username) { (name) }
                        span { " " (username) ", "
                            @match group {
                                Some(group) => { "group " (group) }
                                None => { "in no group" }
                            } }
                    }
                }
            }
            button type="submit" name=(DENIED) value="true" { "Do not sign in" }
        }
    };
    // Browsers hold form-action against where the answer of a form redirects to, too.
    respond(StatusCode::OK, &format!("'self' {}", asked.redirect.origin()), &body)
}

/// Says what is wrong to whoever looks.
pub(super) fn problem(status: StatusCode, text: &str) -> Response {
    let body = html! {
        h1 { "Development identity provider" }
        p role="alert" { "This request cannot be answered. " (text) }
    };
    respond(status, "'none'", &body)
}

fn respond(status: StatusCode, form_action: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta name="color-scheme" content="light dark";
                title { "Sign in: development identity provider" }
            }
            body { main { (body) } }
        }
    };
    let policy = format!(
        "default-src 'none'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, page.into_string()).into_response()
}
