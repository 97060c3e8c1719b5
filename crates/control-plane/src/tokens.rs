//! `/v1/access_token` and `/v1/me`: who the caller is, and its API tokens.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use model::Timestamp;
use serde::{Deserialize, Serialize};
use store::{ApiToken, NewToken, Store};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Caller, Proof};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path};
use crate::random::{api_token, token_hash, token_prefix};
use crate::services::Message;
use crate::time::rfc3339;

/// A hundred years.
const LONGEST_AGE_SECS: i64 = 100 * 365 * 24 * 3600;
const LONGEST_DESCRIPTION: usize = 1000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_access_tokens, create_access_token))
        .routes(routes!(update_access_token, revoke_access_token))
        .routes(routes!(get_me))
        .routes(routes!(expire_tokens))
        .routes(routes!(log_out))
        .routes(routes!(authenticate_user))
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
struct CreateToken {
    /// What it is for.
    description: Option<String>,
    /// How long it is good; for ever if not given.
    max_age_seconds: Option<i64>,
    /// Whether that time begins anew with each use.
    extend_when_used: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
struct UpdateToken {
    description: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TokenPath {
    /// How the token starts, or all of it.
    token: String,
}

/// A token, without the token.
#[derive(Serialize, ToSchema)]
struct TokenView {
    token_prefix: String,
    description: String,
    create_time: String,
    expiry_time: Option<String>,
    max_age_seconds: Option<i64>,
    extend_when_used: bool,
    last_used_time: Option<String>,
    last_ip: Option<String>,
    last_user_agent: Option<String>,
    currently_active: bool,
}

#[derive(Serialize, ToSchema)]
struct Tokens {
    tokens: Vec<TokenView>,
}

/// A new token. The only answer that has it.
#[derive(Serialize, ToSchema)]
struct NewTokenAnswer {
    full_token: String,
    token_prefix: String,
    description: String,
    create_time: String,
    expiry_time: Option<String>,
    max_age_seconds: Option<i64>,
    extend_when_used: bool,
}

#[derive(Serialize, ToSchema)]
struct Me {
    user: MeUser,
}

#[derive(Serialize, ToSchema)]
struct MeUser {
    user: String,
    user_id: String,
    real_name: String,
    state: &'static str,
    token_validity_begin: String,
    projects: Vec<String>,
    auth: [&'static str; 1],
}

/// What `avn user login` sends without `--token`.
#[derive(Deserialize, ToSchema)]
struct Authenticate {
    #[expect(dead_code, reason = "for the document")]
    email: Option<String>,
}

impl From<ApiToken> for TokenView {
    fn from(token: ApiToken) -> Self {
        Self {
            token_prefix: token.prefix,
            description: token.description,
            create_time: rfc3339(token.created_at),
            expiry_time: token.expires_at.map(rfc3339),
            max_age_seconds: token.max_age_secs,
            extend_when_used: token.extend_when_used,
            last_used_time: token.last_used_at.map(rfc3339),
            last_ip: token.last_ip,
            last_user_agent: token.last_user_agent,
            currently_active: true,
        }
    }
}

fn check_description(text: &str) -> Result<String, ApiError> {
    if text.chars().count() <= LONGEST_DESCRIPTION && !text.contains('\0') {
        return Ok(text.to_owned());
    }
    Err(ApiError::Invalid(format!(
        "Invalid 'description': it is not up to {LONGEST_DESCRIPTION} characters without NUL"
    )))
}

fn check_age(secs: Option<i64>) -> Result<Option<i64>, ApiError> {
    if secs.is_none_or(|it| (1..=LONGEST_AGE_SECS).contains(&it)) {
        return Ok(secs);
    }
    let secs = secs.unwrap_or_default();
    Err(ApiError::Invalid(format!(
        "Invalid 'max_age_seconds': {secs}: it is not between 1 and {LONGEST_AGE_SECS}"
    )))
}

/// List the caller's API tokens
#[utoipa::path(
    get,
    path = "/v1/access_token",
    responses((status = 200, body = Tokens)),
    tag = "tokens"
)]
async fn list_access_tokens(
    State(store): State<Arc<Store>>,
    caller: Caller,
) -> Result<Json<Tokens>, ApiError> {
    let tokens = store.tokens.list(&caller.name).await?;
    Ok(Json(Tokens { tokens: tokens.into_iter().map(Into::into).collect() }))
}

/// Make an API token
///
/// It allows what the caller may do now, and is shown this once. One that is made by a person of
/// the identity provider keeps its roles when the person loses theirs: give it an age.
#[utoipa::path(
    post,
    path = "/v1/access_token",
    request_body = CreateToken,
    responses((status = 201, body = NewTokenAnswer), (status = 400, body = ErrorBody)),
    tag = "tokens"
)]
async fn create_access_token(
    State(store): State<Arc<Store>>,
    caller: Caller,
    Json(body): Json<CreateToken>,
) -> Result<(StatusCode, Json<NewTokenAnswer>), ApiError> {
    if caller.grants.is_empty() {
        return Err(ApiError::Forbidden("You have no role that a token could have".into()));
    }
    let max_age_secs = check_age(body.max_age_seconds)?;
    let token = api_token()?;
    let new = NewToken {
        hash: token_hash(token.expose()),
        prefix: token_prefix(token.expose()),
        owner: caller.name,
        grants: caller.grants,
        description: check_description(body.description.as_deref().unwrap_or_default())?,
        max_age_secs,
        extend_when_used: body.extend_when_used.unwrap_or_default(),
    };
    store.tokens.add(&new, &caller.by).await?;
    let now = Timestamp::now();
    let answer = NewTokenAnswer {
        full_token: token.expose().to_owned(),
        token_prefix: new.prefix,
        description: new.description,
        create_time: rfc3339(now),
        expiry_time: max_age_secs.map(|it| rfc3339(Timestamp(now.0 + it * 1000))),
        max_age_seconds: max_age_secs,
        extend_when_used: new.extend_when_used,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Describe one of the caller's API tokens anew
#[utoipa::path(
    put,
    path = "/v1/access_token/{token}",
    params(TokenPath),
    request_body = UpdateToken,
    responses((status = 200, body = TokenView), (status = 404, body = ErrorBody)),
    tag = "tokens"
)]
async fn update_access_token(
    State(store): State<Arc<Store>>,
    caller: Caller,
    Path(path): Path<TokenPath>,
    Json(body): Json<UpdateToken>,
) -> Result<Json<TokenView>, ApiError> {
    let description = check_description(&body.description)?;
    let prefix = token_prefix(&path.token);
    let token = store.tokens.describe(&caller.name, &prefix, &description, &caller.by).await?;
    Ok(Json(token.ok_or(ApiError::NotFound("Access token"))?.into()))
}

/// Revoke one of the caller's API tokens
#[utoipa::path(
    delete,
    path = "/v1/access_token/{token}",
    params(TokenPath),
    responses((status = 200, body = Message), (status = 404, body = ErrorBody)),
    tag = "tokens"
)]
async fn revoke_access_token(
    State(store): State<Arc<Store>>,
    caller: Caller,
    Path(path): Path<TokenPath>,
) -> Result<Json<Message>, ApiError> {
    let prefix = token_prefix(&path.token);
    match store.tokens.revoke(&caller.name, Some(&prefix), &caller.by).await? {
        0 => Err(ApiError::NotFound("Access token")),
        _ => Ok(Json(Message { message: "revoked" })),
    }
}

/// Tell who the caller is
#[utoipa::path(get, path = "/v1/me", responses((status = 200, body = Me)), tag = "tokens")]
async fn get_me(State(store): State<Arc<Store>>, caller: Caller) -> Result<Json<Me>, ApiError> {
    let projects = store.projects.list(&caller.grants).await?;
    Ok(Json(Me {
        user: MeUser {
            user: caller.name.clone(),
            user_id: caller.name.clone(),
            real_name: caller.name,
            state: "active",
            token_validity_begin: rfc3339(Timestamp(0)),
            projects: projects.into_iter().map(|it| it.name.into()).collect(),
            auth: [match caller.proof {
                Proof::ApiToken(_) => "token",
                Proof::Oidc => "oidc",
            }],
        },
    }))
}

/// Revoke all of the caller's API tokens, the one of this request included
#[utoipa::path(
    post,
    path = "/v1/me/expire_tokens",
    responses((status = 200, body = Message)),
    tag = "tokens"
)]
async fn expire_tokens(
    State(store): State<Arc<Store>>,
    caller: Caller,
) -> Result<Json<Message>, ApiError> {
    store.tokens.revoke(&caller.name, None, &caller.by).await?;
    Ok(Json(Message { message: "tokens expired" }))
}

/// Revoke the API token of this request
///
/// A token of the identity provider is good until it expires: nothing can be revoked here.
#[utoipa::path(
    post,
    path = "/v1/me/logout",
    responses((status = 200, body = Message), (status = 404, body = ErrorBody)),
    tag = "tokens"
)]
async fn log_out(
    State(store): State<Arc<Store>>,
    caller: Caller,
) -> Result<Json<Message>, ApiError> {
    let Proof::ApiToken(prefix) = caller.proof else {
        let message = "a token of the identity provider is good until it expires";
        return Ok(Json(Message { message }));
    };
    match store.tokens.revoke(&caller.name, Some(&prefix), &caller.by).await? {
        0 => Err(ApiError::NotFound("Access token")),
        _ => Ok(Json(Message { message: "logged out" })),
    }
}

/// Sign in with a password: there are none
#[utoipa::path(
    post,
    path = "/v1/userauth",
    request_body = Authenticate,
    responses((status = 403, body = ErrorBody)),
    security(()),
    tag = "tokens"
)]
async fn authenticate_user() -> ApiError {
    ApiError::Forbidden(
        "There are no passwords here: use an API token with 'avn user login --token', or a token \
         of the identity provider"
            .into(),
    )
}
