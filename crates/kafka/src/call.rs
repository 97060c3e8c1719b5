//! One request, from the choice of a broker to an answer that is none of "try again".

use std::time::Duration;

use kafka_protocol::protocol::Request;
use model::NodeId;
use tokio::time::{Instant, sleep};

use crate::connection::Failed;
use crate::error::{ErrorCode, KafkaError};
use crate::routing::Router;

/// How long to wait before a request is repeated: each time twice as long, up to a second.
fn pauses() -> impl Iterator<Item = Duration> {
    let longer = |it: &Duration| Some((*it * 2).min(Duration::from_secs(1)));
    std::iter::successors(Some(Duration::from_millis(50)), longer)
}

/// A request and how it may be asked.
#[derive(Debug)]
pub(crate) struct Call<'a, R> {
    request: &'a R,
    to: Target,
    at_least: i16,
    repeatable: bool,
}

#[derive(Clone, Copy, Debug)]
enum Target {
    /// Any broker; in `KRaft` each one forwards what is the controller's.
    Any,
    /// This one.
    Node(NodeId),
}

impl<'a, R: Request> Call<'a, R> {
    /// To any broker.
    pub(crate) const fn any(request: &'a R) -> Self {
        Self { request, to: Target::Any, at_least: 0, repeatable: true }
    }

    /// To one broker.
    pub(crate) const fn node(node: NodeId, request: &'a R) -> Self {
        Self { request, to: Target::Node(node), at_least: 0, repeatable: true }
    }

    /// In this version or a newer one.
    pub(crate) const fn at_least(mut self, version: i16) -> Self {
        self.at_least = version;
        self
    }

    /// Asked again only if it cannot have happened: a second time would fail where the first
    /// succeeded.
    pub(crate) const fn once(mut self) -> Self {
        self.repeatable = false;
        self
    }
}

impl Router {
    /// Asks until there is an answer that `check` accepts or refuses for good.
    pub(crate) async fn ask<R: Request>(
        &self,
        call: Call<'_, R>,
        deadline: Instant,
        check: impl Fn(&R::Response) -> Result<(), KafkaError>,
    ) -> Result<R::Response, KafkaError> {
        let mut pauses = pauses();
        loop {
            let response = match call.to {
                Target::Any => self.ask_any(&call, deadline).await?,
                Target::Node(node) => self.ask_node(node, &call, deadline).await?,
            };
            let Err(error) = check(&response) else {
                return Ok(response);
            };
            let pause = pauses.next().filter(|it| Instant::now() + *it < deadline);
            match pause {
                Some(pause) if is_passing(error.code(), call.repeatable) => {
                    tracing::debug!(%error, pause_ms = pause.as_millis(), "asking Kafka again");
                    sleep(pause).await;
                }
                _ => return Err(error),
            }
        }
    }

    /// Asks one address after the other until one answers. One that hangs leaves time for the
    /// others: each has its share of the time to take a connection, and half of what is left to
    /// answer what may be asked twice.
    async fn ask_any<R: Request>(
        &self,
        call: &Call<'_, R>,
        deadline: Instant,
    ) -> Result<R::Response, KafkaError> {
        let candidates = self.candidates();
        let mut last = KafkaError::Invalid("no bootstrap address was given");
        for (at, address) in candidates.iter().enumerate() {
            let now = Instant::now();
            let left = deadline.saturating_duration_since(now);
            let others = u32::try_from(candidates.len() - at - 1).unwrap_or(u32::MAX - 1);
            let patient = others == 0 || !call.repeatable;
            let answer_by = if patient { deadline } else { now + left / 2 };
            match self.ask_at(address, call, now + left / (others + 1), answer_by).await {
                Ok(response) => {
                    self.prefer(address);
                    return Ok(response);
                }
                Err(failed) => {
                    self.avoid(address);
                    if !is_absence(&failed.error) || (failed.sent && !call.repeatable) {
                        return Err(failed.error);
                    }
                    tracing::debug!(address, error = %failed.error, "asking another broker");
                    last = failed.error;
                }
            }
        }
        Err(last)
    }

    /// Asks one broker; looks up where it is when that is not known or no longer true.
    async fn ask_node<R: Request>(
        &self,
        node: NodeId,
        call: &Call<'_, R>,
        deadline: Instant,
    ) -> Result<R::Response, KafkaError> {
        let before = self.address_of(node);
        if let Some(address) = &before {
            let left = deadline.saturating_duration_since(Instant::now());
            // What connects at all connects fast; the rest is for looking elsewhere.
            match self.ask_at(address, call, Instant::now() + left / 2, deadline).await {
                Ok(response) => return Ok(response),
                Err(failed) => {
                    let broken = matches!(failed.error, KafkaError::Unreachable { .. });
                    if !broken || (failed.sent && !call.repeatable) {
                        return Err(failed.error);
                    }
                    self.look_around(deadline).await?;
                    // A broker that was restarted may be elsewhere, and one that closed an old
                    // connection may take a new one.
                    if !failed.sent && self.address_of(node) == before {
                        return Err(failed.error);
                    }
                }
            }
        } else {
            self.look_around(deadline).await?;
        }
        let address = self.address_of(node).ok_or(KafkaError::UnknownNode(node))?;
        Ok(self.ask_at(&address, call, deadline, deadline).await?)
    }

    async fn ask_at<R: Request>(
        &self,
        address: &str,
        call: &Call<'_, R>,
        open_by: Instant,
        deadline: Instant,
    ) -> Result<R::Response, Failed> {
        let connection = self
            .connection(address, open_by)
            .await
            .map_err(|error| Failed { error, sent: false })?;
        connection.call(call.request, call.at_least, deadline).await
    }
}

/// Repeats `attempt`, which looks up again whom to ask, while Kafka says that it will do later.
pub(crate) async fn persist<T, F>(
    deadline: Instant,
    attempt: impl Fn() -> F,
) -> Result<T, KafkaError>
where
    F: Future<Output = Result<T, KafkaError>>,
{
    let mut pauses = pauses();
    loop {
        let error = match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let pause = pauses.next().filter(|it| Instant::now() + *it < deadline);
        match pause {
            Some(pause) if is_passing(error.code(), true) => sleep(pause).await,
            _ => return Err(error),
        }
    }
}

/// Whether another broker may answer where this one did not.
pub(crate) const fn is_absence(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Unreachable { .. } | KafkaError::Timeout { .. })
}

/// Whether Kafka says by this code that the same request will do later.
///
/// Not every code that the protocol calls retriable: an unknown topic, for one, is an answer.
const fn is_passing(code: Option<ErrorCode>, repeatable: bool) -> bool {
    match code {
        Some(
            ErrorCode::LeaderNotAvailable
            | ErrorCode::NotLeaderOrFollower
            | ErrorCode::CoordinatorLoadInProgress
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::NotCoordinator
            | ErrorCode::NotController
            | ErrorCode::FencedLeaderEpoch
            | ErrorCode::UnknownLeaderEpoch
            | ErrorCode::OffsetNotAvailable
            | ErrorCode::UnstableOffsetCommit
            | ErrorCode::ThrottlingQuotaExceeded,
        ) => true,
        // These leave open whether it happened.
        Some(ErrorCode::RequestTimedOut | ErrorCode::NetworkException) => repeatable,
        _ => false,
    }
}
