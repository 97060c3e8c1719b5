//! `GET /topics` and `GET /topics/{topic}`: what the caller may see.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use kafka::ErrorCode;
use model::{AclOperation, TopicName};
use serde::Serialize;

use crate::App;
use crate::answer;
use crate::error::{ApiError, is_denial, topic_name};
use crate::identity::Caller;
use crate::media::Accept;
use crate::partitions::Partition;
use crate::request_body::NoBody;
use crate::sessions::Session;

#[derive(Serialize)]
struct Topic {
    configs: BTreeMap<String, Option<String>>,
    name: String,
    partitions: Vec<Partition>,
}

/// `GET /topics`
pub(crate) async fn list_topics(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    headers: HeaderMap,
    _: NoBody,
) -> Result<Response, ApiError> {
    let session = app.sessions.session(&caller)?;
    let topics = session.ask(|it| async move { it.topics(None).await }).await?;
    let mut names: Vec<String> = topics.into_iter().map(|it| it.name).collect();
    names.sort();
    Ok(answer::tagged(&headers, &names))
}

/// `GET /topics/{topic}`
pub(crate) async fn show_topic(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path(topic): Path<String>,
    headers: HeaderMap,
    _: NoBody,
) -> Result<Response, ApiError> {
    let name = topic_name(&topic).map_err(no_such_topic)?;
    let session = app.sessions.session(&caller)?;
    let described = session.describe(&name).await.map_err(no_such_topic)?;
    app.seen.topic(&caller.asker, name.as_str(), AclOperation::Describe);
    let configs = configs(&session, name).await?;
    let partitions = described.partitions.into_iter().map(Partition::from).collect();
    Ok(answer::tagged(&headers, &Topic { configs, name: described.name, partitions }))
}

fn no_such_topic(error: ApiError) -> ApiError {
    match error {
        ApiError::TopicNotFound(topic) => ApiError::NoSuchTopic(topic),
        other => other,
    }
}

/// The topic's configuration; empty for whoever may not see it, who still may see its partitions.
async fn configs(
    session: &Session,
    topic: TopicName,
) -> Result<BTreeMap<String, Option<String>>, ApiError> {
    let entries = session.ask(|it| {
        let topic = topic.clone();
        async move {
            match it.configs(topic).await {
                Err(error) if error.code().is_some_and(may_not_see) => Ok(Vec::new()),
                other => other,
            }
        }
    });
    Ok(entries.await?.into_iter().map(|it| (it.name, it.value)).collect())
}

/// Also when the topic went away between two questions.
fn may_not_see(code: ErrorCode) -> bool {
    is_denial(code) || matches!(code, ErrorCode::UnknownTopicOrPartition)
}
