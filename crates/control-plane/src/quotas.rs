//! `/v1/project/{project}/service/{service}/quota`: client quotas.
//!
//! What is asked for is written down; the orchestrator makes it real within seconds.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use model::{QuotaEntity, QuotaKey, QuotaName, ServiceId};
use serde::{Deserialize, Serialize};
use store::{By, Store};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Develop, OfService, ServicePath};
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::services::Message;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_quotas, create_quota, delete_quota))
        .routes(routes!(describe_quota))
}

/// Whom a quota is for: at least one of the two.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntityQuery {
    /// A client id; `default` for all that have no quota of their own.
    #[serde(rename = "client-id")]
    pub(crate) client_id: Option<String>,
    /// A user, which is the name of its principal; `default` for all that have no quota of their
    /// own.
    pub(crate) user: Option<String>,
}

/// Limits to be set, at least one; others that there are stay.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct CreateQuota {
    /// A client id; `default` for all that have no quota of their own.
    #[serde(rename = "client-id")]
    pub(crate) client_id: Option<String>,
    /// A user, which is the name of its principal; `default` for all that have no quota of their
    /// own.
    pub(crate) user: Option<String>,
    /// Bytes a second that are fetched from each broker: a whole number above 0.
    pub(crate) consumer_byte_rate: Option<f64>,
    /// Bytes a second that are produced to each broker: a whole number above 0.
    pub(crate) producer_byte_rate: Option<f64>,
    /// Time of each broker's network and request threads, above 0: 100 is one thread.
    pub(crate) request_percentage: Option<f64>,
}

/// A quota. What is not limited is `null`.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct QuotaView {
    #[serde(rename = "client-id")]
    pub(crate) client_id: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) consumer_byte_rate: Option<f64>,
    pub(crate) producer_byte_rate: Option<f64>,
    pub(crate) request_percentage: Option<f64>,
}

#[derive(Serialize, ToSchema)]
struct Quotas {
    quotas: Vec<QuotaView>,
}

#[derive(Serialize, ToSchema)]
struct OneQuota {
    quota: QuotaView,
}

impl CreateQuota {
    fn limits(&self) -> Result<Vec<(QuotaKey, f64)>, ApiError> {
        let given = [
            (QuotaKey::ConsumerByteRate, self.consumer_byte_rate),
            (QuotaKey::ProducerByteRate, self.producer_byte_rate),
            (QuotaKey::RequestPercentage, self.request_percentage),
        ];
        let given = given.into_iter().filter_map(|(key, limit)| Some((key, limit?)));
        let limits: Result<Vec<_>, String> =
            given.map(|(key, limit)| Ok((key, key.check(limit)?))).collect();
        let limits = limits.map_err(ApiError::invalid)?;
        if limits.is_empty() {
            let keys = QuotaKey::ALL.map(QuotaKey::as_str).join("', '");
            return Err(ApiError::Invalid(format!("Invalid input: one of '{keys}' must be given")));
        }
        Ok(limits)
    }
}

fn entity(user: Option<&str>, client_id: Option<&str>) -> Result<QuotaEntity, ApiError> {
    let name = |key, text: Option<&str>| text.map(|it| QuotaName::parse(key, it)).transpose();
    let user = name("user", user).map_err(ApiError::invalid)?;
    let client_id = name("client-id", client_id).map_err(ApiError::invalid)?;
    QuotaEntity::new(user, client_id)
        .ok_or_else(|| ApiError::invalid("Invalid input: 'user' or 'client-id' must be given"))
}

/// Every quota of a service that is not about to be removed.
pub(crate) async fn quotas(
    store: &Store,
    service: ServiceId,
) -> Result<BTreeMap<QuotaEntity, QuotaView>, ApiError> {
    let mut quotas: BTreeMap<QuotaEntity, QuotaView> = BTreeMap::new();
    for (quota, limit) in store.quotas.list(service).await? {
        let Some(limit) = limit else { continue };
        let name = |it: Option<&QuotaName>| it.map(|it| it.as_str().to_owned());
        let entity = &quota.entity;
        let view = quotas.entry(entity.clone()).or_insert_with(|| QuotaView {
            client_id: name(entity.client_id()),
            user: name(entity.user()),
            ..QuotaView::default()
        });
        let place = match quota.key {
            QuotaKey::ConsumerByteRate => &mut view.consumer_byte_rate,
            QuotaKey::ProducerByteRate => &mut view.producer_byte_rate,
            QuotaKey::RequestPercentage => &mut view.request_percentage,
        };
        *place = Some(limit);
    }
    Ok(quotas)
}

/// Sets the limits that are given.
pub(crate) async fn put(
    store: &Store,
    service: ServiceId,
    body: &CreateQuota,
    by: &By,
) -> Result<(), ApiError> {
    let entity = entity(body.user.as_deref(), body.client_id.as_deref())?;
    Ok(store.quotas.put(service, &entity, &body.limits()?, by).await?)
}

/// Deletes a quota with all of its limits.
pub(crate) async fn delete(
    store: &Store,
    service: ServiceId,
    query: &EntityQuery,
    by: &By,
) -> Result<(), ApiError> {
    let entity = entity(query.user.as_deref(), query.client_id.as_deref())?;
    if store.quotas.delete(service, &entity, by).await? {
        return Ok(());
    }
    Err(ApiError::NotFound("Quota"))
}

/// List quotas
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/quota",
    params(ServicePath),
    responses((status = 200, body = Quotas)),
    tag = "quotas"
)]
async fn list_quotas(
    State(store): State<Arc<Store>>,
    OfService { service, .. }: OfService,
) -> Result<Json<Quotas>, ApiError> {
    let quotas = quotas(&store, service.id).await?.into_values().collect();
    Ok(Json(Quotas { quotas }))
}

/// Set a quota
///
/// Of a quota that exists, the limits that are given are overwritten. The platform's own admin calls
/// are exempt from what is set for everybody; the REST proxy, while it asks nobody who they are, is
/// one user like others.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/quota",
    params(ServicePath),
    request_body = CreateQuota,
    responses((status = 200, body = Message)),
    tag = "quotas"
)]
async fn create_quota(
    State(store): State<Arc<Store>>,
    OfService { service, by, .. }: OfService<Develop>,
    Json(body): Json<CreateQuota>,
) -> Result<Json<Message>, ApiError> {
    put(&store, service.id, &body, &by).await?;
    Ok(Json(Message { message: "created" }))
}

/// Describe a quota
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/quota/describe",
    params(ServicePath, EntityQuery),
    responses((status = 200, body = OneQuota)),
    tag = "quotas"
)]
async fn describe_quota(
    State(store): State<Arc<Store>>,
    OfService { service, .. }: OfService,
    Query(query): Query<EntityQuery>,
) -> Result<Json<OneQuota>, ApiError> {
    let entity = entity(query.user.as_deref(), query.client_id.as_deref())?;
    let quota = quotas(&store, service.id).await?.remove(&entity);
    Ok(Json(OneQuota { quota: quota.ok_or(ApiError::NotFound("Quota"))? }))
}

/// Delete a quota
#[utoipa::path(
    delete,
    path = "/v1/project/{project}/service/{service}/quota",
    params(ServicePath, EntityQuery),
    responses((status = 200, body = Message)),
    tag = "quotas"
)]
async fn delete_quota(
    State(store): State<Arc<Store>>,
    OfService { service, by, .. }: OfService<Develop>,
    Query(query): Query<EntityQuery>,
) -> Result<Json<Message>, ApiError> {
    delete(&store, service.id, &query, &by).await?;
    Ok(Json(Message { message: "deleted" }))
}
