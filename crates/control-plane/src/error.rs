//! What can go wrong in a request, and how a client hears of it: in Aiven's shape.

use std::error::Error;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use model::{InvalidName, Role};
use serde::Serialize;
use service_config::ConfigError;
use store::{
    AddAclError, CreateServiceError, CreateTopicError, CreateUserError, StartRolloutError,
    StoreError, TerminateError,
};
use tracing::{error, warn};
use utoipa::ToSchema;
use web::chain;

use crate::extract::Json;
use crate::random::NoRandomness;
use crate::rollouts::ForecastView;

type Cause = Box<dyn Error + Send + Sync>;

/// What Aiven says to whoever terminates a protected service.
pub(crate) const PROTECTED: &str =
    "Service is protected against termination and shutdown. Remove termination protection first.";

/// An error that a client sees.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The configuration breaks rules.
    #[error("{}", join(.0))]
    InvalidConfig(Vec<ConfigError>),
    /// There is no token, or one that opens nothing.
    #[error("Invalid token")]
    Unauthenticated,
    /// There were too many such tokens from the same address.
    #[error("Too many attempts with invalid tokens, try again in {} s", seconds(.0))]
    TooManyFailures(Duration),
    /// The token is good, and does not allow this; or nothing does.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing, or the caller may not know of it.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// There is no such address.
    #[error("Not found")]
    NoRoute,
    /// The address is known, and not for this method.
    #[error("Method not allowed")]
    Method,
    /// Right request, wrong moment.
    #[error("{0}")]
    Conflict(String),
    /// Somebody else was faster: what the caller has seen is not there any more.
    #[error("{0}")]
    Precondition(String),
    /// A restart would make something unavailable, and nobody has agreed to it.
    #[error(
        "A rolling restart makes partitions unavailable, whatever is waited for: start it with \
         'consent', or raise their replication factor or lower min.insync.replicas first"
    )]
    NeedsConsent(Box<ForecastView>),
    /// The body is larger than anybody needs.
    #[error("The request body is too large")]
    TooLarge,
    /// Not yet, or not at all.
    #[error("{0}")]
    NotOffered(String),
    /// Something that we need is away. The cause is logged, and never sent.
    #[error("{0} cannot be reached at the moment, try again later")]
    Unavailable(&'static str, #[source] Cause),
    /// It took too long, whoever is to blame. It may have been done nevertheless.
    #[error(
        "Not answered within {} s: whether it was done is not known, look before you try again",
        .0.as_secs()
    )]
    TooSlow(Duration),
    /// Our fault. The cause is logged, and never sent.
    #[error("Internal server error")]
    Internal(#[source] Cause),
}

/// The body of every answer that is not a success.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// What is wrong, in one sentence.
    message: String,
    /// Each single thing that is wrong.
    errors: Vec<ErrorItem>,
    /// What would happen, if that is why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<Box<ForecastView>>,
}

/// One thing that is wrong.
#[derive(Serialize, ToSchema)]
struct ErrorItem {
    message: String,
    status: u16,
    /// Stable, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
}

/// Whole seconds, rounded up.
const fn seconds(wait: &Duration) -> u64 {
    wait.as_secs() + 1
}

fn join(errors: &[ConfigError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl ApiError {
    /// A body or parameter that makes no sense.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    /// A role that is not enough.
    pub(crate) fn weak_role(role: Role, need: Role) -> Self {
        Self::Forbidden(format!("This needs the role {need}; yours in the project is {role}"))
    }

    /// The one table from error to status.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::InvalidConfig(_) => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::TooManyFailures(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) | Self::NoRoute => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Precondition(_) => StatusCode::PRECONDITION_FAILED,
            Self::NeedsConsent(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotOffered(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Unavailable(..) | Self::TooSlow(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Seconds after which to try again, if that is known to help.
    pub(crate) const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Unavailable(..) | Self::TooSlow(_) => Some(2),
            Self::TooManyFailures(wait) => Some(seconds(wait)),
            _ => None,
        }
    }

    /// Logs what whoever runs this has to know. Once, where it is answered.
    pub(crate) fn log(&self) {
        match self {
            Self::Internal(cause) => error!(error = %chain(&**cause), "request failed"),
            Self::Unavailable(what, cause) => warn!(error = %chain(&**cause), "{what} is away"),
            Self::TooSlow(longest) => warn!(?longest, "a request took too long"),
            _ => {}
        }
    }

    fn code(&self) -> Option<String> {
        match self {
            Self::NotFound(what) => {
                Some(format!("{}_does_not_exist", what.to_lowercase().replace(' ', "_")))
            }
            Self::NeedsConsent(_) => Some("needs_consent".to_owned()),
            _ => None,
        }
    }

    fn body(self) -> ErrorBody {
        let status = self.status().as_u16();
        let item = |message, error_code| ErrorItem { message, status, error_code };
        let errors = match &self {
            Self::InvalidConfig(errors) => {
                errors.iter().map(|it| item(it.to_string(), None)).collect()
            }
            _ => vec![item(self.to_string(), self.code())],
        };
        let message = self.to_string();
        let forecast = if let Self::NeedsConsent(forecast) = self { Some(forecast) } else { None };
        ErrorBody { message, errors, forecast }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let header = match &self {
            Self::Unauthenticated => {
                Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
            }
            _ => self.retry_after().map(|it| (header::RETRY_AFTER, HeaderValue::from(it))),
        };
        let mut response = (self.status(), Json(self.body())).into_response();
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if error.is_away() {
            Self::Unavailable("The database", error.into())
        } else {
            Self::Internal(error.into())
        }
    }
}

impl From<CreateServiceError> for ApiError {
    fn from(error: CreateServiceError) -> Self {
        match error {
            CreateServiceError::Exists => Self::Conflict("Service already exists".into()),
            CreateServiceError::PortTaken => {
                Self::Conflict("Others take the same ports, try again".into())
            }
            CreateServiceError::NoSuchProject => Self::NotFound("Project"),
            CreateServiceError::Store(error) => error.into(),
        }
    }
}

impl From<TerminateError> for ApiError {
    fn from(error: TerminateError) -> Self {
        match error {
            TerminateError::Protected => Self::Forbidden(PROTECTED.into()),
            TerminateError::Store(error) => error.into(),
        }
    }
}

impl From<CreateUserError> for ApiError {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::Exists => Self::Conflict("Service user already exists".into()),
            CreateUserError::Store(error) => error.into(),
        }
    }
}

impl From<AddAclError> for ApiError {
    fn from(error: AddAclError) -> Self {
        match error {
            AddAclError::Identical => Self::Conflict("Identical ACL entry already exists".into()),
            AddAclError::Store(error) => error.into(),
        }
    }
}

impl From<CreateTopicError> for ApiError {
    fn from(error: CreateTopicError) -> Self {
        match error {
            CreateTopicError::Exists => Self::Conflict("Topic already exists".into()),
            CreateTopicError::Store(error) => error.into(),
        }
    }
}

impl From<StartRolloutError> for ApiError {
    fn from(error: StartRolloutError) -> Self {
        match error {
            StartRolloutError::UnderWay => {
                Self::Conflict("A rollout of the service is under way".into())
            }
            StartRolloutError::Stale => {
                Self::Precondition("The service has changed since it was looked at".into())
            }
            StartRolloutError::Store(error) => error.into(),
        }
    }
}

impl From<Vec<ConfigError>> for ApiError {
    fn from(errors: Vec<ConfigError>) -> Self {
        Self::InvalidConfig(errors)
    }
}

impl From<InvalidName> for ApiError {
    fn from(error: InvalidName) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<NoRandomness> for ApiError {
    fn from(error: NoRandomness) -> Self {
        Self::Internal(error.into())
    }
}
