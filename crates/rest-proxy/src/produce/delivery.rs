//! Delivery reports of one request: a slot for each record, one wake-up for all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;
use tokio::sync::Notify;

use crate::clients::Callbacks;

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Acknowledged. The offset is -1 without acknowledgements (`acks=0`).
    Stored { partition: i32, offset: i64 },
    /// Kafka or librdkafka says no.
    Failed(RDKafkaErrorCode),
    /// It was never sent: it is not what its format says.
    Unfit(String),
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

/// The reports of one request's records.
pub(crate) struct Delivery {
    slots: Box<[OnceLock<Outcome>]>,
    open: AtomicUsize,
    done: Notify,
}

impl Delivery {
    pub(crate) fn of(records: usize) -> Arc<Self> {
        let slots = (0..records).map(|_| OnceLock::new()).collect();
        Arc::new(Self { slots, open: AtomicUsize::new(records), done: Notify::new() })
    }

    /// Takes the outcome of a record. The first one counts.
    pub(crate) fn report(&self, index: usize, outcome: Outcome) {
        let first = self.slots.get(index).is_some_and(|it| it.set(outcome).is_ok());
        if first && self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }

    /// Waits until every record has its outcome. One waiter.
    pub(crate) async fn wait(&self) {
        while self.open.load(Ordering::Acquire) > 0 {
            self.done.notified().await;
        }
    }

    /// What became of each, in the order of the request.
    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        let lost = Outcome::Failed(RDKafkaErrorCode::Unknown);
        self.slots.iter().map(|it| it.get().unwrap_or(&lost).clone()).collect()
    }
}

/// Rides along with a record and brings its report home.
pub(crate) struct Ticket {
    delivery: Arc<Delivery>,
    index: usize,
}

impl Ticket {
    pub(crate) fn new(delivery: Arc<Delivery>, index: usize) -> Self {
        Self { delivery, index }
    }
}

impl ProducerContext for Callbacks {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, report: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let outcome = match report {
            Ok(message) => {
                Outcome::Stored { partition: message.partition(), offset: message.offset().max(-1) }
            }
            Err((error, _)) => {
                Outcome::Failed(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail))
            }
        };
        ticket.delivery.report(ticket.index, outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_report_ends_the_waiting_and_order_is_kept() {
        let delivery = Delivery::of(2);
        delivery.report(1, Outcome::Stored { partition: 0, offset: 7 });
        delivery.report(1, Outcome::Unfit("again".to_owned()));
        let late = Arc::clone(&delivery);
        let thread = std::thread::spawn(move || late.report(0, Outcome::Unfit("bad".to_owned())));
        delivery.wait().await;
        thread.join().unwrap();
        let expected =
            [Outcome::Unfit("bad".to_owned()), Outcome::Stored { partition: 0, offset: 7 }];
        assert_eq!(delivery.outcomes(), expected);
    }
}
