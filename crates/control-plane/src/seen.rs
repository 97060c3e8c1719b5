//! Who was seen to use what: `/v1/rest-proxy/seen`, where a REST proxy tells it, and
//! `/v1/project/{project}/service/{service}/seen`, where people read it.

use std::sync::Arc;

use axum::extract::State;
use model::{Role, SeenAt, SeenClaims, SeenReport, SeenUse, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Seen, Store};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{OfService, RestProxyCaller, ServicePath};
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::losses::Days;
use crate::services::Message;
use crate::time::rfc3339;

/// How many of them at most.
const MOST: u32 = 1000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(report_seen)).routes(routes!(list_seen))
}

/// What of it to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SeenQuery {
    /// In the last so many days; 14 if not given.
    #[param(minimum = 1, maximum = 30)]
    seen_days: Option<u32>,
    /// Of this principal only, without `User:`.
    principal: Option<String>,
    /// How many at most, 100 if not given, 1000 at most.
    limit: Option<u32>,
}

/// Who was seen to use what.
#[derive(Serialize, ToSchema)]
struct SeenAnswer {
    /// Latest first.
    seen: Vec<SeenView>,
    /// How many there are.
    seen_total: usize,
    /// Whether more was seen than is kept of a service.
    seen_truncated: bool,
    /// What tokens of principals say that could be made the subject, of the same principals and with
    /// the same limit; empty for those who may only look.
    claims: Vec<ClaimsView>,
}

/// Something that was allowed.
#[derive(Serialize, ToSchema)]
struct SeenView {
    /// Without `User:`; null for callers of the REST proxy without credentials.
    principal: Option<String>,
    /// Whether it is, rather than said by a caller whom nobody checked.
    proven: bool,
    /// `rest_proxy` or `broker`.
    seen_at: &'static str,
    resource_type: &'static str,
    resource_name: String,
    /// In Kafka's words.
    operation: &'static str,
    /// When it was done last.
    last_seen: String,
}

/// Claims of the latest token of a principal that was verified at the REST proxy.
#[derive(Serialize, ToSchema)]
struct ClaimsView {
    principal: String,
    /// Text by name of claim.
    #[schema(value_type = Object)]
    claims: Value,
}

impl From<(SeenAt, SeenUse)> for SeenView {
    fn from((at, it): (SeenAt, SeenUse)) -> Self {
        Self {
            principal: it.principal.map(|it| it.0),
            proven: it.proven,
            seen_at: at.as_str(),
            resource_type: it.resource_type.as_str(),
            resource_name: it.resource_name,
            operation: it.operation.as_str(),
            last_seen: rfc3339(it.last),
        }
    }
}

impl From<SeenClaims> for ClaimsView {
    fn from(it: SeenClaims) -> Self {
        let claims = it.claims.into_iter().map(|(name, text)| (name, text.into()));
        Self { principal: it.principal.0, claims: Value::Object(claims.collect()) }
    }
}

impl SeenAnswer {
    /// Of one principal, or of all.
    fn of(seen: Seen, principal: Option<&str>, limit: usize, role: Role) -> Self {
        let wanted = |it: Option<&str>| principal.is_none() || principal == it;
        let Seen { mut uses, mut claims, truncated } = seen;
        uses.retain(|(_, it)| wanted(it.principal.as_ref().map(|it| it.0.as_str())));
        claims.retain(|it| role >= Role::Developer && wanted(Some(&it.principal.0)));
        Self {
            seen_total: uses.len(),
            seen: uses.into_iter().take(limit).map(Into::into).collect(),
            seen_truncated: truncated,
            claims: claims.into_iter().take(limit).map(Into::into).collect(),
        }
    }
}

/// Tell what a REST proxy has allowed since it last told
///
/// At most 1000 uses and 1000 principals with claims. What is told is used to say who would lose
/// access by a change. Claims that are neither common nor among `watched_claims` of the proxy's
/// settings are left out.
#[utoipa::path(
    post,
    path = "/v1/rest-proxy/seen",
    request_body = Object,
    responses((status = 200, description = "Noted", body = Message)),
    tag = "rest proxy"
)]
async fn report_seen(
    State(store): State<Arc<Store>>,
    RestProxyCaller(service): RestProxyCaller,
    Json(report): Json<SeenReport>,
) -> Result<Json<Message>, ApiError> {
    store.seen.record(service, SeenAt::RestProxy, &report, Timestamp::now()).await?;
    Ok(Json(Message { message: "noted" }))
}

/// List who was seen to use what, latest first
///
/// What the REST proxy and brokers have allowed; what they refused is in their logs.
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/seen",
    params(ServicePath, SeenQuery),
    responses((status = 200, body = SeenAnswer)),
    tag = "acl"
)]
async fn list_seen(
    State(store): State<Arc<Store>>,
    OfService { service, role, .. }: OfService,
    Query(query): Query<SeenQuery>,
) -> Result<Json<SeenAnswer>, ApiError> {
    let days = Days::parse(query.seen_days)?;
    let limit = query.limit.unwrap_or(100).clamp(1, MOST) as usize;
    let seen = store.seen.of_service(service.id, days.since()).await?;
    Ok(Json(SeenAnswer::of(seen, query.principal.as_deref(), limit, role)))
}
