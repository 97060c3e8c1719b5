//! What can go wrong in a call.

use std::fmt;
use std::io;
use std::time::Duration;

pub use kafka_protocol::error::ResponseError as ErrorCode;
use model::NodeId;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// No connection, or it broke. After a connection broke, a change may have happened.
    #[error("cannot reach Kafka at {address}")]
    Unreachable {
        /// `host:port`
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No answer in time. A change may have happened, or may still happen.
    #[error("Kafka at {address} did not answer {api} within {} ms", .after.as_millis())]
    Timeout {
        /// `host:port`
        address: String,
        /// Kafka's name of the request.
        api: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// The listener refused who we are.
    #[error("Kafka at {address} refused the {mechanism} login: {reason}")]
    Authentication {
        /// `host:port`
        address: String,
        /// The SASL mechanism.
        mechanism: &'static str,
        /// In the broker's words; never holds the secret.
        reason: String,
    },
    /// The cluster understood the request and refused it.
    #[error("Kafka answered {}", Refusal(*.code, .message.as_deref()))]
    Broker {
        /// Kafka's error code.
        code: ErrorCode,
        /// Its explanation.
        message: Option<String>,
    },
    /// The cluster refused some of the items of one request. The others are done.
    #[error("Kafka refused {} of {of} items, the first: {}", .failed.len(), First(.failed))]
    Items {
        /// Which, and why.
        failed: Vec<ItemError>,
        /// How many there were.
        of: usize,
    },
    /// Client and broker have no version of a request in common.
    #[error(
        "no common version of {api} with Kafka at {address}: this client has {ours}, the broker {theirs}"
    )]
    Version {
        /// `host:port`
        address: String,
        /// Kafka's name of the request.
        api: &'static str,
        /// The versions that this client can use.
        ours: String,
        /// The versions that the broker offers.
        theirs: String,
    },
    /// What came back is not what Kafka's protocol says.
    #[error("Kafka at {address} sent what is no answer to {api}")]
    Protocol {
        /// `host:port`
        address: String,
        /// Kafka's name of the request.
        api: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The cluster knows no broker of that id.
    #[error("no broker {0} is registered in the cluster")]
    UnknownNode(NodeId),
    /// The call could not be made of what was given.
    #[error("cannot ask Kafka: {0}")]
    Invalid(&'static str),
}

/// One item of a request that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemError {
    /// What it was about.
    pub item: String,
    /// Kafka's error code.
    pub code: ErrorCode,
    /// Its explanation.
    pub message: Option<String>,
}

impl KafkaError {
    /// The code that Kafka answered with, if it did; of several items, the first.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Broker { code, .. } => Some(*code),
            Self::Items { failed, .. } => failed.first().map(|it| it.code),
            _ => None,
        }
    }
}

/// An error with a message, as answers carry them: `0` is none.
pub(crate) fn refused(code: i16, message: Option<&str>) -> Result<(), KafkaError> {
    match ErrorCode::try_from_code(code) {
        None => Ok(()),
        Some(code) => Err(KafkaError::Broker { code, message: said(message) }),
    }
}

/// What became of the items of one request, all or the failures.
pub(crate) fn items(
    results: impl IntoIterator<Item = (String, i16, Option<String>)>,
) -> Result<(), KafkaError> {
    let mut of = 0;
    let mut failed = Vec::new();
    for (item, code, message) in results {
        of += 1;
        if let Some(code) = ErrorCode::try_from_code(code) {
            let message = said(message.as_deref());
            failed.push(ItemError { item, code, message });
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(KafkaError::Items { failed, of }) }
}

/// An explanation, if there is one in it.
fn said(message: Option<&str>) -> Option<String> {
    message.filter(|it| !it.is_empty()).map(str::to_owned)
}

/// Kafka's own spelling of a code (`org.apache.kafka.common.protocol.Errors`) and its message.
pub(crate) struct Refusal<'a>(pub(crate) ErrorCode, pub(crate) Option<&'a str>);

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let ErrorCode::Unknown(code) = self.0 {
            write!(f, "error {code}")?;
        } else {
            for (at, letter) in self.0.to_string().chars().enumerate() {
                if at > 0 && letter.is_ascii_uppercase() {
                    f.write_str("_")?;
                }
                write!(f, "{}", letter.to_ascii_uppercase())?;
            }
        }
        match self.1 {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

struct First<'a>(&'a [ItemError]);

impl fmt::Display for First<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.first().map_or(Ok(()), |it| {
            write!(f, "{}: {}", it.item, Refusal(it.code, it.message.as_deref()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_as_kafka_spells_it() {
        let error = refused(36, Some("Topic 'a' already exists.")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Kafka answered TOPIC_ALREADY_EXISTS: Topic 'a' already exists."
        );
        assert_eq!(error.code(), Some(ErrorCode::TopicAlreadyExists));
        assert_eq!(refused(999, None).unwrap_err().to_string(), "Kafka answered error 999");
        assert!(refused(0, Some("ignored")).is_ok());
    }

    #[test]
    fn the_failed_items_of_a_request_are_kept() {
        let results = [("a", 0), ("b", 87), ("c", 42)];
        let error = items(results.map(|(item, code)| (item.to_owned(), code, None))).unwrap_err();
        assert_eq!(error.to_string(), "Kafka refused 2 of 3 items, the first: b: INVALID_RECORD");
    }
}
