//! `/v1/project/{project}/service/{service}/topic`
//!
//! What is asked for is checked by Kafka at once, then written down; the orchestrator makes it
//! real within seconds.

mod batch;
mod options;
mod view;

use std::collections::BTreeMap;

use axum::extract::State;
use kafka::{Admin, ConfigChange, ConfigResource, ConfigSource, NewTopic, Topic};
use model::TopicName;
use serde::{Deserialize, Serialize};
use store::{By, DesiredTopic, Service};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::options::TopicFields;
use self::options::{MIN_IN_SYNC, check_partitions, check_replication, settle_min_in_sync};
pub(crate) use self::view::{OptionView, PartitionView, TopicDetails, TopicSummary};
use crate::App;
use crate::access::{Develop, OfService, ServicePath};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path};
use crate::services::{Message, refuse_unknown};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_topics, create_topic))
        .routes(routes!(get_topic, update_topic, delete_topic))
        .routes(routes!(batch::get_topics))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct TopicPath {
    /// Name of the topic.
    #[param(value_type = String)]
    pub(crate) topic: TopicName,
}

#[derive(Serialize, ToSchema)]
struct Topics {
    topics: Vec<TopicSummary>,
}

#[derive(Serialize, ToSchema)]
struct TopicAnswer {
    topic: TopicDetails,
}

/// A topic to be made.
#[derive(Deserialize, ToSchema)]
pub(crate) struct CreateTopic {
    pub(crate) topic_name: String,
    #[serde(flatten)]
    pub(crate) fields: TopicFields,
}

/// Kafka's own topics are nobody's to change.
fn refuse_internal(name: &TopicName) -> Result<(), ApiError> {
    let internal =
        ["__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"];
    if internal.contains(&name.as_str()) {
        return Err(ApiError::Forbidden(format!("Topic '{name}' is Kafka's own")));
    }
    Ok(())
}

/// What a topic gets that says nothing of it.
fn inherited_min_in_sync(service: &Service) -> i64 {
    service.dynamic_config.get(MIN_IN_SYNC).and_then(|it| it.parse().ok()).unwrap_or(2)
}

/// List topics
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/topic",
    params(ServicePath),
    responses((status = 200, body = Topics)),
    tag = "topics"
)]
async fn list_topics(
    State(app): State<App>,
    OfService { service, .. }: OfService,
) -> Result<Json<Topics>, ApiError> {
    Ok(Json(Topics { topics: list(&app, &service).await? }))
}

/// Every topic that is there or shall be there, by name.
pub(crate) async fn list(app: &App, service: &Service) -> Result<Vec<TopicSummary>, ApiError> {
    let desired = app.store.topics.list(service.id).await?;
    let admin = app.admins.of(service).await?;
    view::list(&admin, desired).await
}

/// Make a topic
///
/// Kafka has said that it would make it, and will have made it within seconds.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/topic",
    params(ServicePath),
    request_body = CreateTopic,
    responses((status = 200, body = Message), (status = 409, body = ErrorBody)),
    tag = "topics"
)]
async fn create_topic(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Develop>,
    Json(body): Json<CreateTopic>,
) -> Result<Json<Message>, ApiError> {
    create(&app, &service, &body, &by).await?;
    Ok(Json(Message { message: "created" }))
}

/// Asks Kafka whether it would make the topic, and writes it down.
pub(crate) async fn create(
    app: &App,
    service: &Service,
    body: &CreateTopic,
    by: &By,
) -> Result<(), ApiError> {
    let topic = new_topic(service, body)?;
    let wanted = NewTopic {
        name: topic.name.clone(),
        partitions: topic.partitions,
        replication: topic.replication,
        configs: topic.config.clone(),
    };
    app.admins.of(service).await?.create_topic(&wanted, true).await?;
    Ok(app.store.topics.create(service.id, &topic, by).await?)
}

fn new_topic(service: &Service, body: &CreateTopic) -> Result<DesiredTopic, ApiError> {
    let fields = &body.fields;
    refuse_unknown(&fields.other)?;
    let name: TopicName = body.topic_name.parse()?;
    refuse_internal(&name)?;
    let nodes = service.nodes.len();
    let partitions = fields.partitions.unwrap_or(1);
    let replication =
        fields.replication.unwrap_or_else(|| i16::try_from(nodes.min(3)).unwrap_or(3));
    check_partitions(partitions)?;
    check_replication(replication, nodes)?;
    let mut config = BTreeMap::new();
    fields.apply_to(&mut config)?;
    settle_min_in_sync(&mut config, replication, inherited_min_in_sync(service))?;
    let tags = fields.tags().unwrap_or_default();
    Ok(DesiredTopic { name, partitions, replication, config, tags, deleting: false, problem: None })
}

/// Get a topic with its partitions and who has read how much of them
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/topic/{topic}",
    params(ServicePath, TopicPath),
    responses(
        (status = 200, body = TopicAnswer),
        (status = 501, description = "Kafka has not made it yet", body = ErrorBody),
    ),
    tag = "topics"
)]
async fn get_topic(
    State(app): State<App>,
    OfService { service, .. }: OfService,
    Path(TopicPath { topic: name }): Path<TopicPath>,
) -> Result<Json<TopicAnswer>, ApiError> {
    match get(&app, &service, &name).await? {
        Found::Real(found) => Ok(Json(TopicAnswer { topic: found.details })),
        // Aiven's words, which its clients take for "not yet".
        Found::NotYet(_) => {
            Err(ApiError::NotOffered(format!("Failed to fetch Kafka topic: {name}")))
        }
    }
}

/// A topic that is there or shall be there.
pub(crate) enum Found {
    /// Kafka has it.
    Real(Box<RealTopic>),
    /// Kafka has not made it yet.
    NotYet(DesiredTopic),
}

/// A topic that Kafka has.
pub(crate) struct RealTopic {
    /// As Kafka describes it.
    pub(crate) topic: Topic,
    /// What the API says of it.
    pub(crate) details: TopicDetails,
    /// As it shall be; `None` if it was not made here.
    pub(crate) desired: Option<DesiredTopic>,
}

/// The topic of that name.
pub(crate) async fn get(app: &App, service: &Service, name: &TopicName) -> Result<Found, ApiError> {
    let desired = app.store.topics.get(service.id, name).await?;
    let admin = app.admins.of(service).await?;
    match (view::find(&admin, name).await?, desired) {
        (Some(topic), desired) => {
            let details = view::details(&admin, name, &topic, desired.as_ref()).await?;
            Ok(Found::Real(Box::new(RealTopic { topic, details, desired })))
        }
        (None, Some(it)) if !it.deleting => Ok(Found::NotYet(it)),
        (None, _) => Err(ApiError::NotFound("Topic")),
    }
}

/// Change a topic
///
/// What is not there, or `null`, stays.
#[utoipa::path(
    put,
    path = "/v1/project/{project}/service/{service}/topic/{topic}",
    params(ServicePath, TopicPath),
    request_body = TopicFields,
    responses((status = 200, body = Message)),
    tag = "topics"
)]
async fn update_topic(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Develop>,
    Path(TopicPath { topic: name }): Path<TopicPath>,
    Json(body): Json<TopicFields>,
) -> Result<Json<Message>, ApiError> {
    update(&app, &service, name, &body, &by).await?;
    Ok(Json(Message { message: "updated" }))
}

/// Asks Kafka whether it would take the change, and writes it down.
pub(crate) async fn update(
    app: &App,
    service: &Service,
    name: TopicName,
    body: &TopicFields,
    by: &By,
) -> Result<(), ApiError> {
    refuse_unknown(&body.other)?;
    refuse_internal(&name)?;
    let admin = app.admins.of(service).await?;
    let real = view::find(&admin, &name).await?;
    let topic = match app.store.topics.get(service.id, &name).await? {
        Some(it) if it.deleting => return Err(ApiError::NotFound("Topic")),
        Some(it) => it,
        None => adopt(&admin, &name, real.as_ref()).await?,
    };
    let topic = changed(service, topic, body, real.as_ref())?;
    if real.is_some() {
        let set = |(name, value): (&String, &String)| ConfigChange::Set {
            name: name.clone(),
            value: value.clone(),
        };
        let changes: Vec<ConfigChange> = topic.config.iter().map(set).collect();
        admin.alter_configs(&ConfigResource::Topic(name), &changes, true).await?;
    }
    Ok(app.store.topics.put(service.id, &topic, by).await?)
}

/// A topic that Kafka has and that was not made here, as it is.
async fn adopt(
    admin: &Admin,
    name: &TopicName,
    real: Option<&Topic>,
) -> Result<DesiredTopic, ApiError> {
    let real = real.ok_or(ApiError::NotFound("Topic"))?;
    let entries = admin.describe_configs(&ConfigResource::Topic(name.clone()), None).await?;
    let set = entries.into_iter().filter(|it| it.source == ConfigSource::Topic);
    Ok(DesiredTopic {
        name: name.clone(),
        partitions: i32::try_from(real.partitions.len()).unwrap_or(i32::MAX),
        replication: i16::try_from(view::replication(real)).unwrap_or(i16::MAX),
        config: set.filter_map(|it| Some((it.name, it.value?))).collect(),
        tags: Vec::new(),
        deleting: false,
        problem: None,
    })
}

fn changed(
    service: &Service,
    mut topic: DesiredTopic,
    body: &TopicFields,
    real: Option<&Topic>,
) -> Result<DesiredTopic, ApiError> {
    if body.replication.is_some_and(|it| it != topic.replication) {
        return Err(ApiError::Invalid(
            "Changing the replication of a topic is not offered yet".into(),
        ));
    }
    let present = real.and_then(|it| i32::try_from(it.partitions.len()).ok()).unwrap_or(0);
    let present = present.max(topic.partitions);
    if let Some(wanted) = body.partitions {
        check_partitions(wanted)?;
        if wanted < present {
            return Err(ApiError::Invalid(format!(
                "Invalid 'partitions': {wanted} is less than the present {present}, and partitions cannot be taken away"
            )));
        }
        topic.partitions = wanted;
    }
    let before = topic.config.get(MIN_IN_SYNC).cloned();
    body.apply_to(&mut topic.config)?;
    // A topic that is not as our rules want it may still be changed otherwise.
    if topic.config.get(MIN_IN_SYNC) != before.as_ref() {
        settle_min_in_sync(&mut topic.config, topic.replication, inherited_min_in_sync(service))?;
    }
    topic.tags = body.tags().unwrap_or(topic.tags);
    Ok(topic)
}

/// Delete a topic with its records
#[utoipa::path(
    delete,
    path = "/v1/project/{project}/service/{service}/topic/{topic}",
    params(ServicePath, TopicPath),
    responses((status = 200, body = Message)),
    tag = "topics"
)]
async fn delete_topic(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Develop>,
    Path(TopicPath { topic: name }): Path<TopicPath>,
) -> Result<Json<Message>, ApiError> {
    delete(&app, &service, &name, &by).await?;
    Ok(Json(Message { message: "deleted" }))
}

/// Writes down that the topic shall be gone.
pub(crate) async fn delete(
    app: &App,
    service: &Service,
    name: &TopicName,
    by: &By,
) -> Result<(), ApiError> {
    refuse_internal(name)?;
    let topic = match app.store.topics.get(service.id, name).await? {
        Some(it) if it.deleting => return Err(ApiError::NotFound("Topic")),
        Some(it) => it,
        None => {
            let admin = app.admins.of(service).await?;
            adopt(&admin, name, view::find(&admin, name).await?.as_ref()).await?
        }
    };
    let gone = DesiredTopic { deleting: true, ..topic };
    Ok(app.store.topics.put(service.id, &gone, by).await?)
}
