//! `/v1/project/{project}/service/{service}/kafka/acl`: Kafka-native ACL entries.

use axum::extract::State;
use model::{AclId, KafkaAcl, KafkaAclEntry, KafkaAclText, ServiceId};
use serde::{Deserialize, Serialize};
use store::Store;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Develop, OfService, ServicePath};
use crate::acls::entries;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path};
use crate::services::AclView;
use crate::{App, random};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_kafka_acl, add_kafka_acl))
        .routes(routes!(get_kafka_acl, delete_kafka_acl))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct KafkaAclPath {
    /// Id of the Kafka-native entry.
    acl: String,
}

/// A Kafka-native entry to be added.
#[derive(Deserialize, ToSchema)]
struct AddKafkaAcl {
    /// `User:` and the name that a principal has, whether or not a service user is called so;
    /// `User:*` is everybody. A name with `*` or `?` in it is a pattern over service users, for
    /// `ALLOW` only.
    principal: String,
    /// `*`, or the IP address from which it applies.
    #[serde(default = "anywhere")]
    host: String,
    /// A name, a common beginning (`PREFIXED`; of topics also `logs-*`), or `*` (`LITERAL`) for all.
    resource_name: String,
    /// `Topic`, `Group`, `Cluster`, `TransactionalId`, `DelegationToken` or `User`.
    resource_type: String,
    /// `LITERAL` or `PREFIXED`.
    pattern_type: String,
    /// `All`, or one that Kafka knows for the type of resource, such as `Read`.
    operation: String,
    /// `ALLOW` or `DENY`. A denial wins over all that allows, entries of `/acl` included.
    permission_type: String,
}

/// A Kafka-native entry.
#[derive(Serialize, ToSchema)]
pub(crate) struct KafkaAclView {
    id: String,
    permission_type: String,
    principal: String,
    operation: String,
    resource_type: String,
    pattern_type: String,
    resource_name: String,
    host: String,
}

/// One Kafka-native entry.
#[derive(Serialize, ToSchema)]
struct OneKafkaAcl {
    acl: KafkaAclView,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

/// Every entry of both kinds.
#[derive(Serialize, ToSchema)]
struct BothAcls {
    acl: Vec<AclView>,
    kafka_acl: Vec<KafkaAclView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

impl From<KafkaAclEntry> for KafkaAclView {
    fn from(entry: KafkaAclEntry) -> Self {
        let text = entry.acl.text();
        Self {
            id: entry.id.0,
            permission_type: text.permission_type,
            principal: text.principal,
            operation: text.operation,
            resource_type: text.resource_type,
            pattern_type: text.pattern_type,
            resource_name: text.resource_name,
            host: text.host,
        }
    }
}

fn anywhere() -> String {
    "*".to_owned()
}

/// The beginning that is meant: Aiven's documentation writes `logs-*` for `logs-`, and no topic has
/// a `*` in its name.
fn beginning(body: &AddKafkaAcl) -> Option<String> {
    let is_of_topics = body.resource_type == "Topic" && body.pattern_type == "PREFIXED";
    let beginning = body.resource_name.strip_suffix('*').filter(|_| is_of_topics)?;
    (!beginning.is_empty()).then(|| beginning.to_owned())
}

fn parse(body: AddKafkaAcl) -> Result<KafkaAclEntry, ApiError> {
    let beginning = beginning(&body);
    let text = KafkaAclText {
        principal: body.principal,
        host: body.host,
        resource_name: beginning.unwrap_or(body.resource_name),
        resource_type: body.resource_type,
        pattern_type: body.pattern_type,
        operation: body.operation,
        permission_type: body.permission_type,
    };
    let acl = KafkaAcl::parse(&text).map_err(ApiError::invalid)?;
    Ok(KafkaAclEntry { id: random::acl_id()?, acl })
}

/// Every Kafka-native entry of a service, oldest first.
pub(crate) async fn native(
    store: &Store,
    service: ServiceId,
) -> Result<Vec<KafkaAclView>, ApiError> {
    Ok(store.kafka_acls.list(service).await?.into_iter().map(Into::into).collect())
}

async fn both(
    store: &Store,
    service: ServiceId,
    message: Option<&'static str>,
) -> Result<Json<BothAcls>, ApiError> {
    let acl = entries(store, service).await?;
    Ok(Json(BothAcls { acl, kafka_acl: native(store, service).await?, message }))
}

/// List entries of both kinds
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/kafka/acl",
    params(ServicePath),
    responses((status = 200, body = BothAcls)),
    tag = "acl"
)]
async fn list_kafka_acl(
    State(store): State<Store>,
    OfService { service, .. }: OfService,
) -> Result<Json<BothAcls>, ApiError> {
    both(&store, service.id, None).await
}

/// Add a Kafka-native ACL entry
///
/// It applies to principals of identity providers too, without a service user of their name.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/kafka/acl",
    params(ServicePath),
    request_body = AddKafkaAcl,
    responses((status = 200, body = OneKafkaAcl), (status = 409, body = ErrorBody)),
    tag = "acl"
)]
async fn add_kafka_acl(
    State(store): State<Store>,
    OfService { service, by, .. }: OfService<Develop>,
    Json(body): Json<AddKafkaAcl>,
) -> Result<Json<OneKafkaAcl>, ApiError> {
    let entry = parse(body)?;
    store.kafka_acls.add(service.id, &entry, &by).await?;
    Ok(Json(OneKafkaAcl { acl: entry.into(), message: Some("added") }))
}

/// Get a Kafka-native ACL entry
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/kafka/acl/{acl}",
    params(ServicePath, KafkaAclPath),
    responses((status = 200, body = OneKafkaAcl)),
    tag = "acl"
)]
async fn get_kafka_acl(
    State(store): State<Store>,
    OfService { service, .. }: OfService,
    Path(path): Path<KafkaAclPath>,
) -> Result<Json<OneKafkaAcl>, ApiError> {
    let entries = native(&store, service.id).await?;
    let found = entries.into_iter().find(|it| it.id == path.acl);
    let acl = found.ok_or(ApiError::NotFound("ACL"))?;
    Ok(Json(OneKafkaAcl { acl, message: None }))
}

/// Delete a Kafka-native ACL entry
#[utoipa::path(
    delete,
    path = "/v1/project/{project}/service/{service}/kafka/acl/{acl}",
    params(ServicePath, KafkaAclPath),
    responses((status = 200, body = BothAcls)),
    tag = "acl"
)]
async fn delete_kafka_acl(
    State(store): State<Store>,
    OfService { service, by, .. }: OfService<Develop>,
    Path(path): Path<KafkaAclPath>,
) -> Result<Json<BothAcls>, ApiError> {
    let missing = || ApiError::NotFound("ACL");
    let id: AclId = path.acl.parse().map_err(|_| missing())?;
    if !store.kafka_acls.remove(service.id, &id, &by).await? {
        return Err(missing());
    }
    both(&store, service.id, Some("deleted")).await
}
