//! Assignments and positions that the owner of the instance decides.
//!
//! The keeper carries them out between two looks at the consumer: a record that was read before and
//! is put on the shelf after would undo them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::RDKafkaErrorCode;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::{Group, Live, begin, lasting, list, store};
use crate::consumers::shelf::{Place, Positions, Shelf};
use crate::error::{ApiError, KAFKA_AWAY, REPLACED};
use crate::shared::Disposable;

/// How often a partition is tried again that librdkafka has not begun to fetch.
const STARTING: Duration = Duration::from_millis(20);
/// How long one try may take. librdkafka answers itself; no broker is asked.
const ONE_TRY: Duration = Duration::from_secs(2);

impl Live {
    /// Reads exactly `places`, without the group.
    pub(crate) async fn assign(&self, places: Vec<Place>) -> Result<(), ApiError> {
        let (mover, auto_commit) = (self.mover(), self.auto_commit);
        self.between_looks(async move {
            if auto_commit {
                store(&mover.shelf, &**mover.consumer);
            }
            mover.assign(&places).await
        })
        .await
    }

    /// Goes on at `targets`; partitions that the group has not given yet start there.
    pub(crate) async fn seek(&self, targets: Positions, deadline: Instant) -> Result<(), ApiError> {
        // A pause remembers a position of its own.
        self.wake().await;
        let mover = self.mover();
        self.between_looks(async move { mover.seek(targets, deadline).await }).await
    }

    fn mover(&self) -> Mover {
        Mover {
            consumer: Arc::clone(&self.consumer),
            shelf: Arc::clone(&self.shelf),
            tracker: self.session.tracker().clone(),
        }
    }

    /// Lets the keeper do `work`. It is done to its end even if nobody waits for it.
    pub(super) async fn between_looks(
        &self,
        work: impl Future<Output = Result<(), ApiError>> + Send + 'static,
    ) -> Result<(), ApiError> {
        let (done, outcome) = oneshot::channel();
        let job = Box::pin(async move {
            // Nobody waits for it if that fails.
            let _heard = done.send(work.await);
        });
        let gone = || ApiError::Unavailable(REPLACED);
        self.jobs.send(job).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}

/// What moves a consumer while nobody polls it.
struct Mover {
    consumer: Arc<Disposable<StreamConsumer<Group>>>,
    shelf: Arc<Shelf>,
    tracker: TaskTracker,
}

impl Mover {
    async fn assign(&self, places: &[Place]) -> Result<(), ApiError> {
        let starts = self.shelf.reassign(places);
        let list = list(places.iter().map(|it| (it.clone(), starts.get(it).copied())));
        let consumer = Arc::clone(&self.consumer);
        let assigned = self.tracker.spawn_blocking(move || begin(&consumer, &list)).await;
        assigned.map_err(ApiError::internal)?.map_err(ApiError::internal)
    }

    async fn seek(&self, targets: Positions, deadline: Instant) -> Result<(), ApiError> {
        let assigned: HashSet<Place> = self.shelf.assigned().into_iter().collect();
        let (mut left, later): (Positions, Positions) =
            targets.into_iter().partition(|(place, _)| assigned.contains(place));
        self.shelf.seek(&later);
        while !left.is_empty() {
            left = self.seek_once(left).await?;
            if left.is_empty() {
                break;
            }
            if Instant::now() + STARTING >= deadline {
                return Err(ApiError::Unavailable(KAFKA_AWAY));
            }
            sleep(STARTING).await;
        }
        Ok(())
    }

    /// Moves what can be moved; returns the others.
    async fn seek_once(&self, targets: Positions) -> Result<Positions, ApiError> {
        let consumer = Arc::clone(&self.consumer);
        let asked = list(targets.iter().map(|(place, at)| (place.clone(), Some(*at))));
        let sought =
            self.tracker.spawn_blocking(move || consumer.seek_partitions(asked, ONE_TRY)).await;
        let sought = sought.map_err(ApiError::internal)?.map_err(|error| {
            debug!(error = &error as &dyn std::error::Error, "cannot seek");
            ApiError::Unavailable(KAFKA_AWAY)
        })?;
        let (mut moved, mut left, mut failed) = (targets, Positions::new(), None);
        for element in sought.elements() {
            let Err(error) = element.error() else { continue };
            let place: Place = (self.shelf.topic(element.topic()), element.partition());
            let target = moved.remove_entry(&place);
            match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::State | RDKafkaErrorCode::PreviousInProgress) => {
                    left.extend(target);
                }
                code => {
                    let lasting = code.and_then(lasting);
                    failed = Some(lasting.unwrap_or_else(|| ApiError::internal(error)));
                }
            }
        }
        self.shelf.seek(&moved);
        failed.map_or(Ok(left), Err)
    }
}
