//! What became of a record, and what its sender is told.

use rdkafka::error::RDKafkaErrorCode;

use super::record::Unfit;
use crate::librdkafka::Report;
use crate::metrics::ProduceFailure;

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Acknowledged. The offset is -1 without acknowledgements (`acks=0`).
    Stored { partition: i32, offset: i64 },
    /// Kafka or librdkafka says no.
    Failed(RDKafkaErrorCode),
    /// It was never sent: something of it is not what it should be.
    Unfit(Unfit),
}

impl From<Report> for Outcome {
    fn from(report: Report) -> Self {
        match report {
            Report::Stored { partition, offset } => Self::Stored { partition, offset },
            Report::Failed(code) => Self::Failed(code),
        }
    }
}

impl Outcome {
    pub(crate) const fn is_denied(&self) -> bool {
        use RDKafkaErrorCode as Code;
        matches!(
            self,
            Self::Failed(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed)
        )
    }

    /// Whether it only failed because its producer did.
    pub(crate) const fn is_broken(&self) -> bool {
        use RDKafkaErrorCode as Code;
        matches!(self, Self::Failed(Code::Fatal | Code::PurgeQueue | Code::PurgeInflight))
    }

    pub(crate) const fn is_unknown_topic(&self) -> bool {
        use RDKafkaErrorCode as Code;
        matches!(self, Self::Failed(Code::UnknownTopic | Code::UnknownTopicOrPartition))
    }

    /// Whether Kafka could not be reached in time, or a full queue says as much.
    pub(crate) const fn is_away(&self) -> bool {
        use RDKafkaErrorCode as Code;
        matches!(
            self,
            Self::Failed(
                Code::MessageTimedOut
                    | Code::OperationTimedOut
                    | Code::RequestTimedOut
                    | Code::BrokerTransportFailure
                    | Code::AllBrokersDown
                    | Code::QueueFull
                    | Code::PurgeQueue
                    | Code::PurgeInflight
                    | Code::Fatal
                    | Code::NotEnoughReplicas
                    | Code::NotEnoughReplicasAfterAppend
                    | Code::LeaderNotAvailable
                    | Code::NotLeaderForPartition
            )
        )
    }
}

impl Outcome {
    /// As what the metrics count it, if the record was not stored.
    pub(crate) const fn failure(&self) -> Option<ProduceFailure> {
        use RDKafkaErrorCode as Code;
        Some(match self {
            Self::Stored { .. } => return None,
            Self::Unfit(_) => ProduceFailure::Unfit,
            Self::Failed(Code::UnknownPartition) => ProduceFailure::Unknown,
            Self::Failed(Code::MessageSizeTooLarge) => ProduceFailure::TooLarge,
            it if it.is_denied() => ProduceFailure::Denied,
            it if it.is_unknown_topic() => ProduceFailure::Unknown,
            it if it.is_away() => ProduceFailure::Unavailable,
            Self::Failed(_) => ProduceFailure::Other,
        })
    }
}

/// Whether the same record may be stored when it is sent again.
pub(crate) const fn is_retriable(code: RDKafkaErrorCode) -> bool {
    let outcome = Outcome::Failed(code);
    outcome.is_away()
        || matches!(
            code,
            RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownTopicOrPartition
        )
}

/// The text of a failed record: Karapace's where it has one.
pub(crate) fn text(code: RDKafkaErrorCode) -> String {
    use RDKafkaErrorCode as Code;
    let text = match code {
        Code::UnknownPartition | Code::UnknownTopic | Code::UnknownTopicOrPartition => {
            "This request is for a topic or partition that does not exist on this broker."
        }
        Code::MessageSizeTooLarge => {
            "The server has a configurable maximum message size to avoid unbounded memory \
             allocation. This error is thrown if the client attempt to produce a message larger \
             than this maximum."
        }
        Code::QueueFull => "timed out waiting to publish message, producer buffer full",
        Code::MessageTimedOut => "timed out waiting to publish message",
        Code::PurgeQueue | Code::PurgeInflight => "Publish message cancelled",
        other => return other.to_string(),
    };
    text.to_owned()
}
