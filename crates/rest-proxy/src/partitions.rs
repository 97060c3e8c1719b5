//! `/topics/{topic}/partitions`: who has the partitions of a topic, where they begin and end, and
//! records for one of them.

use std::collections::BTreeMap;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::HeaderMap;
use kafka::{ErrorCode, OffsetSpec};
use model::{AclOperation, TopicName};
use serde::Serialize;

use crate::error::{ApiError, topic_name};
use crate::identity::Caller;
use crate::media::Accept;
use crate::request_body::NoBody;
use crate::sessions::Session;
use crate::trace::RecordTrace;
use crate::{App, answer, produce};

/// A partition, as answers show it.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the API")]
pub(crate) struct Partition {
    leader: i32,
    partition: i32,
    replicas: Vec<Replica>,
}

#[derive(Serialize)]
struct Replica {
    broker: i32,
    in_sync: bool,
    leader: bool,
}

#[derive(Serialize)]
struct Bounds {
    beginning_offset: i64,
    end_offset: i64,
}

/// The path of a partition.
type Named = Path<(String, String)>;

/// `GET /topics/{topic}/partitions`
pub(crate) async fn list_partitions(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path(topic): Path<String>,
    headers: HeaderMap,
    _: NoBody,
) -> Result<Response, ApiError> {
    let session = app.sessions.session(&caller)?;
    let described = session.describe(&topic_name(&topic)?).await?;
    app.seen.topic(&caller.asker, &topic, AclOperation::Describe);
    let partitions: Vec<Partition> =
        described.partitions.into_iter().map(Partition::from).collect();
    Ok(answer::tagged(&headers, &partitions))
}

/// `GET /topics/{topic}/partitions/{partition}`
pub(crate) async fn show_partition(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path((topic, partition)): Named,
    headers: HeaderMap,
    _: NoBody,
) -> Result<Response, ApiError> {
    let session = app.sessions.session(&caller)?;
    let described = session.describe(&topic_name(&topic)?).await?;
    app.seen.topic(&caller.asker, &topic, AclOperation::Describe);
    let index = number(&partition)?;
    let found = described.partitions.into_iter().find(|it| i64::from(it.index) == index);
    let found = found.ok_or(ApiError::PartitionNotFound(index))?;
    Ok(answer::tagged(&headers, &Partition::from(found)))
}

/// `GET /topics/{topic}/partitions/{partition}/offsets`
pub(crate) async fn show_bounds(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path((topic, partition)): Named,
    headers: HeaderMap,
    _: NoBody,
) -> Result<Response, ApiError> {
    let session = app.sessions.session(&caller)?;
    let bounds = bounds(&session, &topic, &partition).await.map_err(|error| match error {
        ApiError::TopicNotFound(topic) => ApiError::OffsetsOfNoTopic(topic),
        ApiError::PartitionNotFound(index) => ApiError::OffsetsOfNoPartition(index),
        other => other,
    })?;
    app.seen.topic(&caller.asker, &topic, AclOperation::Describe);
    Ok(answer::tagged(&headers, &bounds))
}

async fn bounds(session: &Session, topic: &str, partition: &str) -> Result<Bounds, ApiError> {
    let topic = topic_name(topic)?;
    let known = session.partitions(&topic, highest(partition)).await?;
    let index = index(partition, known)?;
    let asked = || offsets(session, &topic, vec![index], OffsetSpec::Earliest);
    let (first, end) =
        futures::try_join!(asked(), offsets(session, &topic, vec![index], OffsetSpec::Latest))?;
    let of = |it: &BTreeMap<i32, i64>| it.get(&index).copied();
    match (of(&first), of(&end)) {
        (Some(beginning_offset), Some(end_offset)) => Ok(Bounds { beginning_offset, end_offset }),
        _ => Err(ApiError::PartitionNotFound(index.into())),
    }
}

/// `POST /topics/{topic}/partitions/{partition}`
pub(crate) async fn produce_to_partition(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path((topic, partition)): Named,
    trace: RecordTrace,
    request: Request,
) -> Result<Response, ApiError> {
    let session = app.sessions.session(&caller)?;
    let known = session.partitions(&topic_name(&topic)?, highest(&partition)).await?;
    let index = index(&partition, known)?;
    produce::produce(&app, &caller, &topic, Some(index), &trace, request).await
}

/// The offsets of partitions of one topic, as the session's owner may see them.
pub(crate) async fn offsets(
    session: &Session,
    topic: &TopicName,
    partitions: Vec<i32>,
    spec: OffsetSpec,
) -> Result<BTreeMap<i32, i64>, ApiError> {
    let found = session.ask(|it| {
        let (topic, partitions) = (topic.clone(), partitions.clone());
        async move {
            match it.offsets(topic, partitions, spec).await {
                Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => Ok(None),
                other => other.map(Some),
            }
        }
    });
    found.await?.ok_or(ApiError::UnknownTopicOrPartition)
}

/// The partition of a path, if it is one of `known`.
fn index(text: &str, known: i32) -> Result<i32, ApiError> {
    let number = number(text)?;
    let index = i32::try_from(number).ok().filter(|it| (0..known).contains(it));
    index.ok_or(ApiError::PartitionNotFound(number))
}

/// The partition of a path, if it may be one.
fn highest(text: &str) -> Option<i32> {
    text.parse().ok()
}

fn number(text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::NoPartition(text.chars().take(64).collect()))
}

impl From<kafka::Partition> for Partition {
    fn from(partition: kafka::Partition) -> Self {
        let replicas = partition.replicas.iter().map(|it| Replica {
            broker: it.0,
            in_sync: partition.in_sync.contains(it),
            leader: partition.leader == Some(*it),
        });
        Self {
            leader: partition.leader.map_or(-1, |it| it.0),
            partition: partition.index,
            replicas: replicas.collect(),
        }
    }
}
