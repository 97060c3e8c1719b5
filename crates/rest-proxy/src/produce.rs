//! `POST /topics/{topic}`: records into Kafka, and what became of each.

mod body;
mod delivery;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use model::TopicName;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer as _, PurgeConfig, ThreadedProducer};
use serde::Serialize;
use tokio::time::Instant;
use tracing::info;

use self::body::Record;
use self::delivery::{Delivery, Outcome, Ticket};
use crate::App;
use crate::answer;
use crate::clients::{self, Callbacks};
use crate::error::{ApiError, KAFKA_AWAY, topic_name};
use crate::formats::Format;
use crate::identity::{Caller, Token};
use crate::librdkafka::{self, TokenError};
use crate::media;
use crate::request_body;
use crate::sessions::{Session, TokenSink};
use crate::shared::Disposable;

/// How long a broken producer answers for itself: a caller without rights costs no client each
/// time, and soon notices when it gets them.
const REPLACED_AFTER: Duration = Duration::from_secs(1);
/// How often a full queue is tried again.
const QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// A session's producer.
pub(crate) struct Producer {
    client: Disposable<ThreadedProducer<Callbacks>>,
    /// When it was seen to have broken for good.
    broken_at: OnceLock<Instant>,
}

impl Producer {
    pub(crate) async fn create(session: &Session, timeout: Duration) -> Result<Self, ApiError> {
        let config = clients::producer(&session.active().settings, session.owner(), timeout);
        let callbacks = Callbacks(Arc::clone(session.health()));
        let create = move || config.create_with_context(callbacks);
        let client = session.build(create, ThreadedProducer::client).await?;
        Ok(Self { client: session.dispose(client), broken_at: OnceLock::new() })
    }

    /// Why it broke for good, if it did: above all a principal that may write nowhere.
    fn broken(&self) -> Option<RDKafkaErrorCode> {
        let (code, reason) = self.client.client().fatal_error()?;
        self.broken_at.get_or_init(|| {
            info!(reason, "a producer broke for good and is replaced");
            Instant::now()
        });
        Some(code)
    }

    /// Whether it broke long enough ago to try another.
    pub(crate) fn is_spent(&self) -> bool {
        self.broken_at.get().is_some_and(|it| it.elapsed() >= REPLACED_AFTER)
    }

    /// Fails every record that is not acknowledged yet, at once.
    pub(crate) fn purge(&self) {
        self.client.purge(PurgeConfig::default().queue().inflight().non_blocking());
    }
}

impl TokenSink for Producer {
    fn set_token(&self, token: &Token, principal: &str) -> Result<(), TokenError> {
        librdkafka::set_token(self.client.client(), token, principal)
    }
}

/// `POST /topics/{topic}`
pub(crate) async fn produce_records(
    State(app): State<App>,
    caller: Caller,
    Path(topic): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let format = media::content_format(&headers)?;
    media::accept(&headers)?;
    let limit = caller.active.settings.producer.max_request_size;
    let body = request_body::read(&headers, body, limit).await?;
    let records = body::parse(&body)?;
    let deadline = Instant::now() + app.limits.request_timeout();
    let session = app.sessions.session(&caller)?;
    let topic = topic_name(&topic)?;
    let batch = Batch { topic: &topic, format, records: &records, deadline };
    let work = batch.send(&session);
    match tokio::time::timeout_at(deadline, work).await {
        Ok(outcomes) => answer(&topic, &session, outcomes?),
        Err(_) => Err(ApiError::Unavailable(KAFKA_AWAY)),
    }
}

/// The records of one request.
struct Batch<'a> {
    topic: &'a TopicName,
    format: Format,
    records: &'a [Record<'a>],
    deadline: Instant,
}

impl Batch<'_> {
    /// Hands every good record to librdkafka, in order, and waits for all reports.
    async fn send(&self, session: &Session) -> Result<Vec<Outcome>, ApiError> {
        let highest = self.records.iter().filter_map(|it| it.partition().ok().flatten()).max();
        let partitions = session.partitions(self.topic, highest).await?;
        let producer = session.producer().await?;
        if session.has_ended() {
            return Err(session.ended_error());
        }
        let delivery = Delivery::of(self.records.len());
        for (index, record) in self.records.iter().enumerate() {
            if let Err(outcome) =
                self.hand_over(&producer, &delivery, index, record, partitions).await
            {
                delivery.report(index, outcome);
            }
        }
        delivery.wait().await;
        let mut outcomes = delivery.outcomes();
        if outcomes.iter().any(Outcome::is_broken)
            && let Some(cause) = producer.broken()
        {
            // The records only say that something is.
            let broken = Outcome::Failed(cause);
            outcomes.iter_mut().filter(|it| it.is_broken()).for_each(|it| *it = broken.clone());
        }
        Ok(outcomes)
    }

    async fn hand_over(
        &self,
        producer: &Producer,
        delivery: &Arc<Delivery>,
        index: usize,
        record: &Record<'_>,
        partitions: i32,
    ) -> Result<(), Outcome> {
        let embedded = self.format.embedded();
        let encode = |it| embedded.encode(it).map_err(|it| Outcome::Unfit(it.0));
        let key: Option<Cow<'_, [u8]>> = record.key.map(encode).transpose()?;
        let value: Option<Cow<'_, [u8]>> = record.value.map(encode).transpose()?;
        let partition = record.partition().map_err(Outcome::Unfit)?;
        if partition.is_some_and(|it| !(0..partitions).contains(&it)) {
            return Err(Outcome::Failed(RDKafkaErrorCode::UnknownPartition));
        }
        let ticket = Box::new(Ticket::new(Arc::clone(delivery), index));
        let mut ready: BaseRecord<'_, [u8], [u8], Box<Ticket>> =
            BaseRecord::with_opaque_to(self.topic.as_str(), ticket);
        ready.partition = partition;
        ready.key = key.as_deref();
        ready.payload = value.as_deref();
        loop {
            let Err((error, back)) = producer.client.send(ready) else { return Ok(()) };
            let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
            let full = matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
            if !full || Instant::now() + QUEUE_PAUSE >= self.deadline {
                return Err(Outcome::Failed(code));
            }
            // Back-pressure: the caller waits until acknowledgements make room.
            tokio::time::sleep(QUEUE_PAUSE).await;
            ready = back;
        }
    }
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
        Outcome::Unfit(text) if all(|it| matches!(it, Outcome::Unfit(_))) => {
            Some(ApiError::BadRequest(text.clone()))
        }
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
            Outcome::Unfit(error) => Self::Failed { error, error_code: 1 },
            Outcome::Failed(code) => {
                let error_code = if delivery::is_retriable(code) { 2 } else { 1 };
                Self::Failed { error: delivery::text(code), error_code }
            }
        }
    }
}

#[cfg(test)]
mod tests;
