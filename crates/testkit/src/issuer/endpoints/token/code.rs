//! The grant `authorization_code` (RFC 6749, 4.1.3, with the verifier of RFC 7636, 4.5).

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use model::Timestamp;
use serde_json::json;
use tracing::info;

use super::{Form, Refusal, invalid, json_answer, refused, server_error, uncached};
use crate::issuer::codes::Granted;
use crate::issuer::{CONSOLE_CLIENT, Issuer, KeyError, locked, mint};

/// How long the tokens are good for, in seconds.
const TTL_SECS: u32 = 600;

/// Tokens for somebody who signed in.
pub(super) fn redeem(issuer: &Issuer, headers: &HeaderMap, form: &Form) -> Response {
    let granted = match granted(issuer, headers, form) {
        Ok(granted) => granted,
        Err(refusal) => return refused(refusal),
    };
    match answer(issuer, &granted) {
        Ok(body) => {
            info!(client.id = granted.client, user = granted.person.username, "issued tokens");
            uncached(json_answer(StatusCode::OK, &body))
        }
        Err(error) => server_error(error),
    }
}

fn granted(issuer: &Issuer, headers: &HeaderMap, form: &Form) -> Result<Granted, Refusal> {
    // A public client says its name, and has nothing to prove it with but the verifier.
    let client = form.one("client_id")?;
    let proves =
        headers.contains_key(header::AUTHORIZATION) || form.one("client_secret")?.is_some();
    if client != Some(CONSOLE_CLIENT) || proves {
        let description = format!("only {CONSOLE_CLIENT}, which has no secret");
        return Err(Refusal(StatusCode::UNAUTHORIZED, "invalid_client", description));
    }
    let required = |name: &str| form.one(name)?.ok_or_else(|| invalid(&format!("{name}: missing")));
    let (code, redirect_uri) = (required("code")?, required("redirect_uri")?);
    let verifier = required("code_verifier")?;
    locked(&issuer.codes)
        .redeem(code, CONSOLE_CLIENT, redirect_uri, verifier, Timestamp::now())
        .map_err(|error| Refusal(StatusCode::BAD_REQUEST, "invalid_grant", error.to_string()))
}

/// The answer: with an ID token if the scope has `openid` (`OpenID` Connect Core, 3.1.3.3).
fn answer(issuer: &Issuer, granted: &Granted) -> Result<serde_json::Value, KeyError> {
    let mut body = json!({
        "access_token": mint::access_token(issuer, granted, TTL_SECS)?,
        "token_type": "Bearer",
        "expires_in": TTL_SECS,
        "scope": granted.scope,
    });
    if granted.scope.split(' ').any(|it| it == "openid") {
        body["id_token"] = json!(mint::id_token(issuer, granted, TTL_SECS)?);
    }
    Ok(body)
}
