//! `POST /topics/{topic}`: records into Kafka, and what became of each.

mod body;
mod load;
mod opened;
mod outbox;
mod outcome;
mod pace;
mod producer;
mod record;
mod scan;
mod sticky;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use model::{AclOperation, TopicName};
use serde::Serialize;
use tokio::time::Instant;

use self::load::Load;
pub(crate) use self::outcome::Outcome;
pub(crate) use self::pace::Pace;
pub(crate) use self::producer::Producer;
use self::record::Unfit;
use crate::App;
use crate::answer;
use crate::error::{ApiError, KAFKA_AWAY, topic_name};
use crate::formats::Format;
use crate::identity::Caller;
use crate::librdkafka::Report;
use crate::media::{self, Accept};
use crate::metrics::Metrics;
use crate::request_body;
use crate::sessions::Session;
use crate::trace::RecordTrace;

/// A body that takes longer to read than others should wait for, in bytes.
const MUCH: usize = 512 * 1024;

/// `POST /topics/{topic}`
pub(crate) async fn produce_records(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path(topic): Path<String>,
    trace: RecordTrace,
    request: Request,
) -> Result<Response, ApiError> {
    produce(&app, &caller, &topic, None, &trace, request).await
}

/// Stores the records of `request`, those that name no partition in `partition` if there is one, each
/// with the headers of `trace`.
pub(crate) async fn produce(
    app: &App,
    caller: &Caller,
    topic: &str,
    partition: Option<i32>,
    trace: &RecordTrace,
    request: Request,
) -> Result<Response, ApiError> {
    let format = media::content_format(request.headers())?;
    let limit = caller.active.settings.producer.max_request_size;
    let content = request_body::read(app, request, limit).await?;
    let body = content.bytes.clone();
    let most = app.limits.max_records_per_request;
    let mut load = if body.len() > MUCH {
        tokio::task::spawn_blocking(move || load(&body, format, partition, most))
            .await
            .map_err(ApiError::internal)??
    } else {
        load(&body, format, partition, most)?
    };
    load.trace(trace);
    let deadline = Instant::now() + app.limits.request_timeout();
    let session = app.sessions.session(caller)?;
    let topic = topic_name(topic)?;
    match tokio::time::timeout_at(deadline, store(&session, &topic, load, deadline)).await {
        Ok(stored) => {
            let stored = stored?;
            if stored.has_any() {
                app.seen.topic(&caller.asker, topic.as_str(), AclOperation::Write);
            }
            match stored {
                Stored::All(load) => Ok(all_stored(&load)),
                Stored::Some(outcomes) => answer(&topic, &session, outcomes),
            }
        }
        Err(_) => Err(ApiError::Unavailable(KAFKA_AWAY)),
    }
}

fn load(
    body: &Bytes,
    format: Format,
    partition: Option<i32>,
    most: usize,
) -> Result<Load, ApiError> {
    let records = body::parse(body)?;
    if records.len() > most {
        return Err(ApiError::TooManyRecords(most));
    }
    Ok(Load::of(body, &records, format, partition))
}

/// What became of the records of a request.
enum Stored {
    /// Each has its place.
    All(Load),
    /// At least one has none.
    Some(Vec<Outcome>),
}

impl Stored {
    fn has_any(&self) -> bool {
        match self {
            Self::All(_) => true,
            Self::Some(outcomes) => outcomes.iter().any(|it| matches!(it, Outcome::Stored { .. })),
        }
    }
}

/// Sends the records, and tells what became of each.
async fn store(
    session: &Session,
    topic: &TopicName,
    mut load: Load,
    deadline: Instant,
) -> Result<Stored, ApiError> {
    let partitions = session.partitions(topic, load.highest).await?;
    load.refuse_beyond(partitions);
    let producer = session.producer(Pace::of(load.batch.records().len()), topic).await?;
    if session.has_ended() {
        return Err(session.ended_error());
    }
    producer.send(topic, &load, deadline).await?;
    if load.special.is_empty() && load.batch.is_stored() {
        session.metrics().produced(load.batch.records().len(), load.batch.size());
        return Ok(Stored::All(load));
    }
    let mut outcomes = load.outcomes();
    if outcomes.iter().any(Outcome::is_broken)
        && let Some(cause) = producer.broken()
    {
        // The records only say that something is.
        let broken = Outcome::Failed(cause);
        outcomes.iter_mut().filter(|it| it.is_broken()).for_each(|it| *it = broken.clone());
    }
    count(session.metrics(), &load, &outcomes);
    Ok(Stored::Some(outcomes))
}

/// The answer to most requests, and so without detours.
fn all_stored(load: &Load) -> Response {
    let count = load.batch.records().len();
    let mut body = Vec::with_capacity(64 + 40 * count);
    body.extend_from_slice(b"{\"key_schema_id\":null,\"offsets\":[");
    let mut digits = itoa::Buffer::new();
    for index in 0..count {
        if let Some(Report::Stored { partition, offset }) = load.batch.report(index) {
            body.extend_from_slice(b"{\"offset\":");
            body.extend_from_slice(digits.format(offset).as_bytes());
            body.extend_from_slice(b",\"partition\":");
            body.extend_from_slice(digits.format(partition).as_bytes());
            body.extend_from_slice(b"},");
        }
    }
    body.pop();
    body.extend_from_slice(b"],\"value_schema_id\":null}");
    answer::written(StatusCode::OK, body)
}

fn count(metrics: &Metrics, load: &Load, outcomes: &[Outcome]) {
    let (mut records, mut bytes) = (0, 0);
    for (record, outcome) in load.batch.records().iter().zip(outcomes) {
        match outcome.failure() {
            None => {
                records += 1;
                bytes += record.size();
            }
            Some(failure) => metrics.produce_failed(failure),
        }
    }
    metrics.produced(records, bytes);
}

#[derive(Serialize)]
struct Produced {
    key_schema_id: Option<i32>,
    offsets: Vec<RecordMetadata>,
    value_schema_id: Option<i32>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RecordMetadata {
    Stored { offset: i64, partition: i32 },
    Failed { error: String, error_code: u8 },
}

/// 200 if all records were stored, 422 with the same body if some were not, and an error of the
/// request if none was and all for one reason.
fn answer(
    topic: &TopicName,
    session: &Session,
    outcomes: Vec<Outcome>,
) -> Result<Response, ApiError> {
    if outcomes.iter().all(|it| matches!(it, Outcome::Failed(_))) && session.has_ended() {
        return Err(session.ended_error());
    }
    if let Some(error) = common_error(topic, &outcomes) {
        return Err(error);
    }
    let stored = outcomes.iter().all(|it| matches!(it, Outcome::Stored { .. }));
    let status = if stored { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let offsets = outcomes.into_iter().map(RecordMetadata::from).collect();
    Ok(answer::json(status, &Produced { key_schema_id: None, offsets, value_schema_id: None }))
}

/// The error of the request, if every record failed for the same kind of reason.
fn common_error(topic: &TopicName, outcomes: &[Outcome]) -> Option<ApiError> {
    let all = |test: fn(&Outcome) -> bool| outcomes.iter().all(test);
    match outcomes.first()? {
        Outcome::Unfit(unfit) if all(|it| matches!(it, Outcome::Unfit(_))) => Some(match unfit {
            Unfit::Data(text) => ApiError::BadRequest(text.clone()),
            Unfit::Field(text) => ApiError::Invalid(text.clone()),
        }),
        _ if all(Outcome::is_denied) => Some(ApiError::Forbidden),
        _ if all(Outcome::is_away) => Some(ApiError::Unavailable(KAFKA_AWAY)),
        _ if all(Outcome::is_unknown_topic) => Some(ApiError::TopicNotFound(topic.to_string())),
        _ => None,
    }
}

impl From<Outcome> for RecordMetadata {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Stored { partition, offset } => Self::Stored { offset, partition },
            Outcome::Unfit(it) => Self::Failed { error: it.text().to_owned(), error_code: 1 },
            Outcome::Failed(code) => {
                let error_code = if outcome::is_retriable(code) { 2 } else { 1 };
                Self::Failed { error: outcome::text(code), error_code }
            }
        }
    }
}

#[cfg(test)]
mod tests;
