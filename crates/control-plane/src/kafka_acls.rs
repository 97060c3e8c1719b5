//! `/v1/project/{project}/service/{service}/kafka/acl`: Kafka-native ACL entries.

use std::sync::Arc;

use axum::extract::State;
use model::{AclPermissionType, KafkaAcl, KafkaAclEntry, KafkaAclText, ServiceId};
use serde::{Deserialize, Serialize};
use service_config::access::Access;
use store::{AddAclError, By, Service, Store};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Develop, OfService, ServicePath};
use crate::acls::{AclKind, delete, entries};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path, Query};
use crate::losses::{Asked, LossQuery, Losses, access_of, losses};
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
pub(crate) struct AddKafkaAcl {
    /// `User:` and the name that a principal has, whether or not a service user is called so;
    /// `User:*` is everybody. A name with `*` or `?` in it is a pattern over service users, for
    /// `ALLOW` only.
    pub(crate) principal: String,
    /// `*`, or the IP address from which it applies.
    #[serde(default = "anywhere")]
    pub(crate) host: String,
    /// A name, a common beginning (`PREFIXED`; of topics also `logs-*`), or `*` (`LITERAL`) for all.
    pub(crate) resource_name: String,
    /// `Topic`, `Group`, `Cluster`, `TransactionalId`, `DelegationToken` or `User`.
    pub(crate) resource_type: String,
    /// `LITERAL` or `PREFIXED`.
    pub(crate) pattern_type: String,
    /// `All`, or one that Kafka knows for the type of resource, such as `Read`.
    pub(crate) operation: String,
    /// `ALLOW` or `DENY`. A denial wins over all that allows, entries of `/acl` included.
    pub(crate) permission_type: String,
}

/// A Kafka-native entry.
#[derive(Serialize, ToSchema)]
pub(crate) struct KafkaAclView {
    pub(crate) id: String,
    pub(crate) permission_type: String,
    pub(crate) principal: String,
    pub(crate) operation: String,
    pub(crate) resource_type: String,
    pub(crate) pattern_type: String,
    pub(crate) resource_name: String,
    pub(crate) host: String,
}

/// One Kafka-native entry.
#[derive(Serialize, ToSchema)]
struct OneKafkaAcl {
    acl: KafkaAclView,
}

/// Every entry of both kinds.
#[derive(Serialize, ToSchema)]
struct BothAcls {
    acl: Vec<AclView>,
    kafka_acl: Vec<KafkaAclView>,
}

/// The entry, and who loses access by it if it denies something.
#[derive(Serialize, ToSchema)]
pub(crate) struct KafkaAclAdded {
    acl: KafkaAclView,
    message: String,
    #[serde(flatten)]
    pub(crate) losses: Losses,
}

/// Every entry that is left, and who loses access.
#[derive(Serialize, ToSchema)]
struct KafkaAclDeleted {
    acl: Vec<AclView>,
    kafka_acl: Vec<KafkaAclView>,
    message: String,
    #[serde(flatten)]
    losses: Losses,
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

/// With one entry more. That it is there already is known only when it is written, so a dry run has
/// to be told here.
fn with(access: &Access, entry: &KafkaAclEntry) -> Result<Access, AddAclError> {
    if access.kafka_acl.iter().any(|it| it.acl == entry.acl) {
        return Err(AddAclError::Identical);
    }
    let mut after = access.clone();
    after.kafka_acl.push(entry.clone());
    Ok(after)
}

/// Who loses access by one entry more. One that allows takes nothing away, and is looked at only in a
/// dry run.
async fn lost_by(
    app: &App,
    service: &Service,
    entry: &KafkaAclEntry,
    asked: Asked,
) -> Result<Losses, ApiError> {
    let denies = entry.acl.permission_type() == AclPermissionType::Deny;
    if !denies && !asked.dry_run {
        return Ok(Losses::default());
    }
    let before = access_of(app, service).await?;
    let after = with(&before, entry)?;
    if denies {
        losses(app, service, (before, after), asked.days).await
    } else {
        Ok(Losses::default())
    }
}

/// Adds an entry, or says what that would take away.
pub(crate) async fn add(
    app: &App,
    service: &Service,
    body: AddKafkaAcl,
    by: &By,
    asked: Asked,
) -> Result<KafkaAclAdded, ApiError> {
    let entry = parse(body)?;
    let losses = lost_by(app, service, &entry, asked).await?;
    if !asked.dry_run {
        app.store.kafka_acls.add(service.id, &entry, by).await?;
    }
    let message = asked.message("added", &losses);
    Ok(KafkaAclAdded { acl: entry.into(), message, losses })
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
    State(store): State<Arc<Store>>,
    OfService { service, .. }: OfService,
) -> Result<Json<BothAcls>, ApiError> {
    let acl = entries(&store, service.id).await?;
    Ok(Json(BothAcls { acl, kafka_acl: native(&store, service.id).await? }))
}

/// Add a Kafka-native ACL entry
///
/// It applies to principals of identity providers too, without a service user of their name. If it is
/// a `DENY`, the answer names who was seen and loses access by it. With `?dry_run=true` nothing is
/// changed.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/kafka/acl",
    params(ServicePath, LossQuery),
    request_body = AddKafkaAcl,
    responses((status = 200, body = KafkaAclAdded), (status = 409, body = ErrorBody)),
    tag = "acl"
)]
async fn add_kafka_acl(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Develop>,
    Query(query): Query<LossQuery>,
    Json(body): Json<AddKafkaAcl>,
) -> Result<Json<KafkaAclAdded>, ApiError> {
    Ok(Json(add(&app, &service, body, &by, query.asked()?).await?))
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
    State(store): State<Arc<Store>>,
    OfService { service, .. }: OfService,
    Path(path): Path<KafkaAclPath>,
) -> Result<Json<OneKafkaAcl>, ApiError> {
    let entries = native(&store, service.id).await?;
    let found = entries.into_iter().find(|it| it.id == path.acl);
    let acl = found.ok_or(ApiError::NotFound("ACL"))?;
    Ok(Json(OneKafkaAcl { acl }))
}

/// Delete a Kafka-native ACL entry
///
/// The answer names who was seen and loses access by it. With `?dry_run=true` nothing is changed.
#[utoipa::path(
    delete,
    path = "/v1/project/{project}/service/{service}/kafka/acl/{acl}",
    params(ServicePath, KafkaAclPath, LossQuery),
    responses((status = 200, body = KafkaAclDeleted)),
    tag = "acl"
)]
async fn delete_kafka_acl(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Develop>,
    Path(path): Path<KafkaAclPath>,
    Query(query): Query<LossQuery>,
) -> Result<Json<KafkaAclDeleted>, ApiError> {
    let asked = query.asked()?;
    let losses = delete(&app, &service, (AclKind::Kafka, &path.acl), &by, asked).await?;
    let acl = entries(&app.store, service.id).await?;
    let kafka_acl = native(&app.store, service.id).await?;
    let message = asked.message("deleted", &losses);
    Ok(Json(KafkaAclDeleted { acl, kafka_acl, message, losses }))
}
