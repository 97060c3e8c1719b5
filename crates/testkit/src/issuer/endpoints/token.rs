//! `POST /token`: client credentials (RFC 6749, 4.4), and what a test may wish for beside them; the
//! code of somebody who signed in is next door.

mod code;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tracing::info;

use super::form::Form;
use super::{json_answer, server_error};
use crate::issuer::{CLIENTS, Issuer, TokenRequest};

/// Why there is no token: status, code of RFC 6749, description.
struct Refusal(StatusCode, &'static str, String);

impl From<String> for Refusal {
    /// A parameter that cannot be read.
    fn from(description: String) -> Self {
        Self(StatusCode::BAD_REQUEST, "invalid_request", description)
    }
}

pub(super) async fn issue(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    if form.all("grant_type") == ["authorization_code"] {
        return code::redeem(&issuer, &headers, &form);
    }
    let request = match authenticate(&headers, &form).and_then(|client| request(&client, &form)) {
        Ok(request) => request,
        Err(refusal) => return refused(refusal),
    };
    let token = match issuer.mint(&request) {
        Ok(token) => token,
        Err(error) => return server_error(error),
    };
    // The token itself never reaches a log.
    info!(client.id = request.client, alg = ?request.alg, defect = ?request.defect, "issued a token");
    let body = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": request.ttl_secs,
        "scope": request.scope,
    });
    uncached(json_answer(StatusCode::OK, &body))
}

fn refused(Refusal(status, error, description): Refusal) -> Response {
    let body = json!({ "error": error, "error_description": description });
    let mut response = uncached(json_answer(status, &body));
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"tidegate-idp\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The client that asks, by HTTP Basic or by the form, not by both.
fn authenticate(headers: &HeaderMap, form: &Form) -> Result<String, Refusal> {
    let unknown = || {
        let description = "unknown client, or wrong secret".to_owned();
        Refusal(StatusCode::UNAUTHORIZED, "invalid_client", description)
    };
    let in_form = form.one("client_secret")?;
    let (id, secret) = match headers.get(header::AUTHORIZATION) {
        Some(_) if in_form.is_some() => {
            return Err(invalid("authenticate by Basic or by client_secret, not by both"));
        }
        Some(value) => basic(value).ok_or_else(unknown)?,
        None => {
            let id = form.one("client_id")?.ok_or_else(unknown)?;
            (id.to_owned(), in_form.ok_or_else(unknown)?.to_owned())
        }
    };
    CLIENTS
        .iter()
        .find(|(known, its_secret)| *known == id && *its_secret == secret)
        .map(|(known, _)| (*known).to_owned())
        .ok_or_else(unknown)
}

/// Id and secret of an `Authorization: Basic`. Ours need no percent-decoding.
fn basic(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    let decoded = STANDARD.decode(credentials.trim()).ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| (id.to_owned(), secret.to_owned()))
}

fn request(client: &str, form: &Form) -> Result<TokenRequest, Refusal> {
    match form.one("grant_type")? {
        Some("client_credentials") => {}
        Some(_) => {
            let description = "only authorization_code and client_credentials".to_owned();
            return Err(Refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type", description));
        }
        None => return Err(invalid("grant_type: missing")),
    }
    let sound = TokenRequest::of(client);
    let audiences = form.all("audience");
    Ok(TokenRequest {
        alg: form.parsed("alg")?.unwrap_or_default(),
        audiences: if audiences.is_empty() { sound.audiences } else { audiences },
        ttl_secs: form.parsed("ttl")?.unwrap_or(sound.ttl_secs),
        subject: form.one("sub")?.map(str::to_owned),
        custom_sub: form.one("custom_sub")?.map(str::to_owned),
        scope: form.one("scope")?.map_or(sound.scope, str::to_owned),
        defect: form.parsed("defect")?,
        client: sound.client,
    })
}

fn invalid(description: &str) -> Refusal {
    description.to_owned().into()
}
