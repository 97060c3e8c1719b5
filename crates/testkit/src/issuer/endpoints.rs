//! The HTTP interface: discovery, keys, sign-in, tokens, and the switches for tests.

mod authorize;
mod form;
mod token;

use std::str::FromStr;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tracing::info;
use url::form_urlencoded;

use super::{Alg, Issuer, JwksFault, locked};

pub(super) fn router(issuer: Issuer) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(jwks))
        // Where AWS has it.
        .route("/.well-known/jwks.json", get(jwks))
        .route("/authorize", get(authorize::ask).post(authorize::answer))
        .route("/token", post(token::issue))
        .route("/rotate", post(rotate))
        .route("/jwks-fault", post(set_jwks_fault))
        .with_state(issuer)
}

async fn discovery(State(issuer): State<Issuer>) -> Response {
    let url = issuer.url();
    json_answer(
        StatusCode::OK,
        &json!({
            "issuer": url,
            "jwks_uri": issuer.jwks_url(),
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "scopes_supported": ["openid", "profile", "groups", "kafka"],
            "claims_supported": [
                "iss", "sub", "aud", "iat", "exp", "auth_time", "nonce", "name",
                "preferred_username", "groups",
            ],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic", "client_secret_post", "none",
            ],
            "id_token_signing_alg_values_supported": Alg::ALL.map(Alg::as_str),
        }),
    )
}

async fn jwks(State(issuer): State<Issuer>) -> Response {
    issuer.jwks_requests.fetch_add(1, Ordering::Relaxed);
    let fault = *locked(&issuer.fault);
    match fault {
        JwksFault::None => json_answer(StatusCode::OK, &issuer.jwks()),
        JwksFault::Unreachable500 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        JwksFault::Empty => json_answer(StatusCode::OK, &json!({ "keys": [] })),
        JwksFault::EncOnly => json_answer(StatusCode::OK, &for_encryption(issuer.jwks())),
        JwksFault::NotJson => {
            ([(header::CONTENT_TYPE, "text/html")], "<html>down for maintenance</html>")
                .into_response()
        }
    }
}

fn for_encryption(mut jwks: Value) -> Value {
    for key in jwks["keys"].as_array_mut().into_iter().flatten() {
        key["use"] = json!("enc");
    }
    jwks
}

async fn rotate(State(issuer): State<Issuer>, RawQuery(query): RawQuery) -> Response {
    let overlap = match query_word::<bool>(query.as_deref(), "overlap") {
        Ok(overlap) => overlap.unwrap_or(true),
        Err(_) => return invalid("overlap: one of true, false"),
    };
    match issuer.rotate(overlap) {
        Ok(()) => {
            info!(overlap, "rotated the keys");
            json_answer(StatusCode::OK, &issuer.jwks())
        }
        Err(error) => server_error(error),
    }
}

async fn set_jwks_fault(State(issuer): State<Issuer>, RawQuery(query): RawQuery) -> Response {
    match query_word::<JwksFault>(query.as_deref(), "kind") {
        Ok(fault) => {
            let fault = fault.unwrap_or_default();
            issuer.set_jwks_fault(fault);
            info!(?fault, "changed how the keys are published");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => invalid(&format!("kind: {error}")),
    }
}

/// The parameter `name` of a query string, if it is there.
fn query_word<T: FromStr>(query: Option<&str>, name: &str) -> Result<Option<T>, T::Err> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.parse())
        .transpose()
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn invalid(description: &str) -> Response {
    let body = json!({ "error": "invalid_request", "error_description": description });
    json_answer(StatusCode::BAD_REQUEST, &body)
}

fn server_error(error: super::KeyError) -> Response {
    tracing::error!(error = &error as &dyn std::error::Error, "request failed");
    json_answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "server_error" }))
}
