//! What an authorization request asks for, and what is wrong with it.

use super::Redirect;
use crate::issuer::CONSOLE_CLIENT;
use crate::issuer::endpoints::form::Form;

/// A sound request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) client: String,
    /// `code_challenge`, by the method `S256`.
    pub(super) challenge: String,
    /// Words with spaces between them, maybe none.
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    /// With `state` already in it.
    pub(super) redirect: Redirect,
}

/// Why nobody signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It cannot be known who asks or where to answer: somebody reads it here.
    Shown(String),
    /// The client is told.
    Redirected(Box<Redirect>),
}

/// Reads a request. Who asks and where to answer comes first: until both are known, nothing may
/// redirect (RFC 6749, 4.1.2.1).
pub(super) fn understand(form: &Form) -> Result<Asked, Problem> {
    let shown = |text: &str| Problem::Shown(text.to_owned());
    let client = form.one("client_id").map_err(Problem::Shown)?;
    if client != Some(CONSOLE_CLIENT) {
        return Err(shown("client_id: not one that signs people in"));
    }
    let uri = form.one("redirect_uri").map_err(Problem::Shown)?;
    let uri = uri.ok_or_else(|| shown("redirect_uri: missing"))?;
    let redirect = Redirect::allowed(uri)
        .ok_or_else(|| shown("redirect_uri: not /console/sign-in/callback of a loopback host"))?;
    let redirect = match form.one("state") {
        Ok(state) => redirect.with_state(state),
        Err(twice) => return Err(told(redirect, "invalid_request", &twice)),
    };
    match details(form) {
        Ok(details) => {
            let Details { challenge, scope, nonce } = details;
            Ok(Asked { client: CONSOLE_CLIENT.to_owned(), challenge, scope, nonce, redirect })
        }
        Err((error, description)) => Err(told(redirect, error, &description)),
    }
}

fn told(redirect: Redirect, error: &str, description: &str) -> Problem {
    Problem::Redirected(Box::new(redirect.refuse(error, description)))
}

struct Details {
    challenge: String,
    scope: String,
    nonce: Option<String>,
}

/// Everything that the client itself may get wrong: a code of RFC 6749 or `OpenID` Connect, and words.
fn details(form: &Form) -> Result<Details, (&'static str, String)> {
    let one = |name: &str| form.one(name).map_err(|twice| ("invalid_request", twice));
    let wrong = |error, text: &str| Err((error, text.to_owned()));
    match one("response_type")? {
        Some("code") => {}
        Some(_) => return wrong("unsupported_response_type", "response_type: only code"),
        None => return wrong("invalid_request", "response_type: missing"),
    }
    if one("response_mode")?.is_some_and(|it| it != "query") {
        return wrong("invalid_request", "response_mode: only query");
    }
    if one("request")?.is_some() {
        return wrong("request_not_supported", "request: not supported");
    }
    if one("request_uri")?.is_some() {
        return wrong("request_uri_not_supported", "request_uri: not supported");
    }
    if one("prompt")? == Some("none") {
        return wrong("login_required", "prompt: nobody is ever signed in here");
    }
    // Without it the method is `plain` (RFC 7636, 4.3), which keeps no secret.
    let method = one("code_challenge_method")?;
    let challenge = match one("code_challenge")? {
        None => return wrong("invalid_request", "code_challenge: missing"),
        Some(_) if method != Some("S256") => {
            return wrong("invalid_request", "code_challenge_method: only S256");
        }
        Some(challenge) if !is_sha256(challenge) => {
            return wrong("invalid_request", "code_challenge: not the base64url of a SHA-256");
        }
        Some(challenge) => challenge.to_owned(),
    };
    let scope = one("scope")?.unwrap_or_default().to_owned();
    Ok(Details { challenge, scope, nonce: one("nonce")?.map(str::to_owned) })
}

/// 32 bytes in base64url are 43 characters.
fn is_sha256(challenge: &str) -> bool {
    let base64url = |it: u8| it.is_ascii_alphanumeric() || b"-_".contains(&it);
    challenge.len() == 43 && challenge.bytes().all(base64url)
}
