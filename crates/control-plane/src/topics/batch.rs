//! `/v2/project/{project}/service/{service}/topic`: many topics at once, as Terraform reads them.

use axum::extract::State;
use kafka::Admin;
use model::TopicName;
use serde::{Deserialize, Serialize};
use store::DesiredTopic;
use utoipa::ToSchema;

use super::view::{self, TopicDetails};
use crate::App;
use crate::access::{OfService, ServicePath};
use crate::error::ApiError;
use crate::extract::Json;

/// Each is asked about by itself.
const MOST: usize = 100;

/// Which topics.
#[derive(Deserialize, ToSchema)]
pub(super) struct GetTopics {
    /// Their names, at most 100.
    topic_names: Vec<String>,
}

/// Those of the topics that Kafka has.
#[derive(Serialize, ToSchema)]
pub(super) struct TopicsInFull {
    topics: Vec<TopicDetails>,
}

fn check(names: &[String]) -> Result<Vec<TopicName>, ApiError> {
    if names.len() > MOST {
        let count = names.len();
        return Err(ApiError::Invalid(format!(
            "Invalid 'topic_names': {count} names are more than {MOST}"
        )));
    }
    names.iter().map(|it| it.parse().map_err(ApiError::from)).collect()
}

/// Get topics with their partitions and who has read how much of them
///
/// Names of topics that Kafka does not have, or not yet, are left out.
#[utoipa::path(
    post,
    path = "/v2/project/{project}/service/{service}/topic",
    params(ServicePath),
    request_body = GetTopics,
    responses((status = 200, body = TopicsInFull)),
    tag = "topics"
)]
pub(super) async fn get_topics(
    State(app): State<App>,
    OfService { service, .. }: OfService,
    Json(body): Json<GetTopics>,
) -> Result<Json<TopicsInFull>, ApiError> {
    let names = check(&body.topic_names)?;
    if names.is_empty() {
        return Ok(Json(TopicsInFull { topics: Vec::new() }));
    }
    let desired = app.store.topics.list(service.id).await?;
    let admin = app.admins.of(&service).await?;
    Ok(Json(TopicsInFull { topics: in_full(&admin, &names, &desired).await? }))
}

async fn in_full(
    admin: &Admin,
    names: &[TopicName],
    desired: &[DesiredTopic],
) -> Result<Vec<TopicDetails>, ApiError> {
    let mut topics = Vec::with_capacity(names.len());
    for name in names {
        let desired = desired.iter().find(|it| it.name == *name);
        if let Some(topic) = view::find(admin, name).await? {
            topics.push(view::details(admin, name, &topic, desired).await?);
        }
    }
    Ok(topics)
}
