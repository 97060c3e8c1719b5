//! What can go wrong with a request, and the one table from that to status, code and text.

use std::error::Error;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use kafka::{ErrorCode, KafkaError};
use model::TopicName;
use serde::Serialize;
use tracing::{error, warn};

use crate::answer;
use crate::identity::challenge::Challenge;
use crate::shared::Seldom;

/// Why a request failed. Texts are Karapace's where a client may know them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("Missing request JSON body")]
    NoBody,
    #[error("Invalid request JSON body")]
    NotJson,
    #[error("Request body is not valid utf-8")]
    NotUtf8,
    #[error("Unknown charset {0}")]
    UnknownCharset(String),
    #[error("No request body allowed for this operation")]
    BodyNotAllowed,
    #[error("Malformed request")]
    NotAnObject,
    #[error("The request body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("The request body cannot be read")]
    BrokenBody,
    #[error("The request body did not arrive in time")]
    SlowBody,
    #[error("HTTP 415 Unsupported Media Type")]
    UnsupportedMediaType,
    #[error("HTTP 415 Unsupported Media Type: Content-Encoding is expected to be gzip or identity")]
    UnsupportedEncoding,
    #[error("HTTP 406 Not Acceptable")]
    NotAcceptable,
    #[error("Consumer format {consumer} does not match the embedded format {asked}")]
    FormatMismatch { consumer: &'static str, asked: &'static str },
    #[error("{0}")]
    BadRequest(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    InvalidConsumer(String),
    /// To `GET /topics/{topic}`, where Karapace has its own code.
    #[error("Topic {0} not found")]
    NoSuchTopic(String),
    #[error("Topic {0} not found")]
    TopicNotFound(String),
    #[error("Partition {0} not found")]
    PartitionNotFound(i64),
    /// What stands in a path where a number belongs.
    #[error("Partition {0} not found")]
    NoPartition(String),
    /// Karapace answers with its client library's text here.
    #[error("Topic {0} not found: [Error 3] UnknownTopicOrPartitionError")]
    OffsetsOfNoTopic(String),
    #[error("Partition {0} not found: [Error 3] UnknownTopicOrPartitionError")]
    OffsetsOfNoPartition(i64),
    #[error("Unknown topic or partition")]
    UnknownTopicOrPartition,
    #[error("Consumer for ('{group}', '{instance}') not found")]
    ConsumerNotFound { group: String, instance: String },
    #[error("Consumer {0} already exists")]
    ConsumerExists(String),
    #[error("{0}")]
    IllegalState(String),
    #[error("Too many requests of this principal at once, at most {0} are allowed")]
    TooManyRequests(usize),
    #[error("The request has more than {0} records")]
    TooManyRecords(usize),
    #[error("Too many consumer instances for this principal, at most {0} are allowed")]
    TooManyConsumers(usize),
    #[error("{0} deserialization error for format {1}: topic {2}, partition {3}, offset {4}")]
    Undecodable(&'static str, &'static str, String, i32, i64),
    #[error("Authentication required")]
    NoCredentials,
    #[error("{0}")]
    BadCredentials(&'static str),
    #[error("{0}")]
    InvalidToken(&'static str),
    #[error("The user name or the password is wrong")]
    WrongPassword,
    #[error("Forbidden")]
    Forbidden,
    #[error("{0}")]
    Unavailable(&'static str),
    #[error("Internal server error")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

/// The text of a 401 when the token's time is over.
pub(crate) const EXPIRED: &str = "The access token expired";
/// The text of a 401 when the brokers do not accept what we do.
pub(crate) const REFUSED: &str = "Kafka refused the access token";
/// The text of a 503 when there is no room for another request body.
pub(crate) const NO_ROOM: &str = "Too many bytes are in flight";
/// The text of a 503 when no broker answers.
pub(crate) const KAFKA_AWAY: &str = "Kafka is not available";
/// The text of a 503 when the clients of a request are no longer those in use.
pub(crate) const REPLACED: &str = "The Kafka clients are being replaced";

#[derive(Serialize)]
struct Body {
    error_code: u32,
    message: String,
}

impl ApiError {
    pub(crate) fn internal(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Internal(Box::new(error))
    }

    /// The one table from error to status and `error_code`.
    pub(crate) const fn kind(&self) -> (StatusCode, u32) {
        match self {
            Self::NoBody
            | Self::NotJson
            | Self::NotUtf8
            | Self::UnknownCharset(_)
            | Self::BodyNotAllowed
            | Self::NotAnObject
            | Self::BrokenBody
            | Self::BadRequest(_)
            | Self::BadCredentials(_) => (StatusCode::BAD_REQUEST, 400),
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, 408),
            Self::NoCredentials | Self::InvalidToken(_) | Self::WrongPassword => {
                (StatusCode::UNAUTHORIZED, 40101)
            }
            Self::Forbidden => (StatusCode::FORBIDDEN, 40301),
            Self::NoPartition(_) => (StatusCode::NOT_FOUND, 404),
            Self::TopicNotFound(_) | Self::OffsetsOfNoTopic(_) => (StatusCode::NOT_FOUND, 40401),
            Self::PartitionNotFound(_) | Self::OffsetsOfNoPartition(_) => {
                (StatusCode::NOT_FOUND, 40402)
            }
            Self::NoSuchTopic(_)
            | Self::UnknownTopicOrPartition
            | Self::ConsumerNotFound { .. } => (StatusCode::NOT_FOUND, 40403),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, 406),
            Self::FormatMismatch { .. } => (StatusCode::NOT_ACCEPTABLE, 40601),
            Self::ConsumerExists(_) => (StatusCode::CONFLICT, 40902),
            Self::IllegalState(_) => (StatusCode::CONFLICT, 40903),
            Self::TooLarge(_) | Self::TooManyRecords(_) => (StatusCode::PAYLOAD_TOO_LARGE, 413),
            Self::UnsupportedMediaType | Self::UnsupportedEncoding => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, 415)
            }
            Self::Invalid(_) | Self::Undecodable(..) => (StatusCode::UNPROCESSABLE_ENTITY, 422),
            Self::InvalidConsumer(_) => (StatusCode::UNPROCESSABLE_ENTITY, 42204),
            Self::TooManyConsumers(_) | Self::TooManyRequests(_) => {
                (StatusCode::TOO_MANY_REQUESTS, 429)
            }
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, 500),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, 503),
        }
    }

    /// What the answer has to say of how to get in.
    const fn challenge(&self) -> Option<Challenge> {
        match self {
            Self::NoCredentials | Self::WrongPassword => Some(Challenge::Bare),
            Self::BadCredentials(text) => Some(Challenge::InvalidRequest(text)),
            Self::InvalidToken(text) => Some(Challenge::InvalidToken(text)),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Internal(cause) = &self {
            error!(error = &**cause as &dyn Error, "request failed");
        }
        let (status, error_code) = self.kind();
        if let Self::NoBody
        | Self::NotJson
        | Self::NotUtf8
        | Self::UnknownCharset(_)
        | Self::BodyNotAllowed = self
        {
            return (status, self.to_string()).into_response();
        }
        let body = Body { error_code, message: self.to_string() };
        let mut response = answer::json(status, &body);
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        match status {
            StatusCode::UNAUTHORIZED => set(CACHE_CONTROL, "no-store"),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                set(RETRY_AFTER, "1");
            }
            _ => {}
        }
        if let StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PAYLOAD_TOO_LARGE =
            status
        {
            set(CONTENT_TYPE, "application/json");
        }
        if let Some(challenge) = self.challenge() {
            // Written by `challenge::guard`, which knows the ways in.
            response.extensions_mut().insert(challenge);
        }
        response
    }
}

/// Of warnings that Kafka is away.
static AWAY: Seldom = Seldom::new();

/// What became of an admin call of the caller's. A refused login is told apart by the session.
impl From<KafkaError> for ApiError {
    fn from(error: KafkaError) -> Self {
        match error {
            KafkaError::Broker { code, .. } if is_denial(code) => Self::Forbidden,
            KafkaError::Unreachable { .. }
            | KafkaError::Timeout { .. }
            | KafkaError::Broker { .. } => {
                if AWAY.is_due() {
                    warn!(error = &error as &dyn Error, "Kafka did not answer requests");
                }
                Self::Unavailable(KAFKA_AWAY)
            }
            other => Self::internal(other),
        }
    }
}

/// The topic of that name. There is none of a name that Kafka does not allow.
pub(crate) fn topic_name(text: &str) -> Result<TopicName, ApiError> {
    text.parse().map_err(|_| ApiError::TopicNotFound(text.chars().take(249).collect()))
}

/// Whether an ACL is missing.
pub(crate) const fn is_denial(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::TopicAuthorizationFailed
            | ErrorCode::GroupAuthorizationFailed
            | ErrorCode::ClusterAuthorizationFailed
    )
}

#[cfg(test)]
mod tests;
