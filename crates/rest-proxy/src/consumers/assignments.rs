//! `.../assignments`: partitions that the owner takes without the group.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;

use super::instance::Instance;
use super::{Named, check_partitions, to_its_end, used, wire};
use crate::error::ApiError;
use crate::identity::Caller;
use crate::media::Accept;
use crate::request_body::{NoBody, Object};
use crate::sessions::Session;
use crate::{App, answer};

#[derive(Serialize)]
struct Assigned {
    partitions: Vec<Partition>,
}

#[derive(Serialize)]
struct Partition {
    partition: i32,
    topic: String,
}

/// `POST .../assignments`. As with Karapace and Java's client nobody looks whether the partitions
/// exist before records are asked for.
pub(crate) async fn assign(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path(named): Named,
    Object(wanted): Object,
) -> Result<Response, ApiError> {
    let (instance, session) = used(&app, &caller, &named)?;
    let places = wire::places(&wanted)?;
    to_its_end(&app, async move { instance.assign(&session, places).await }).await
}

/// `GET .../assignments`
pub(crate) async fn show_assignments(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path((group, name)): Named,
    headers: HeaderMap,
    _: NoBody,
) -> Result<Response, ApiError> {
    let instance = app.consumers.find(&caller.owner, &group, &name)?;
    let partitions = instance
        .assignment()
        .into_iter()
        .map(|(topic, partition)| Partition { partition, topic: topic.to_string() });
    Ok(answer::tagged(&headers, &Assigned { partitions: partitions.collect() }))
}

/// Checks, once, that the partitions that the owner assigned exist: librdkafka would look for them
/// for half a minute before it says so.
pub(super) async fn check(session: &Session, instance: &Instance) -> Result<(), ApiError> {
    let places = instance.unchecked();
    if places.is_empty() {
        return Ok(());
    }
    match check_partitions(session, &places).await {
        Err(ApiError::TopicNotFound(_) | ApiError::PartitionNotFound(_)) => {
            Err(ApiError::UnknownTopicOrPartition)
        }
        other => other.map(|()| instance.checked(&places)),
    }
}
