//! The long poll.

use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use rdkafka::error::KafkaError;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Instance;
use crate::consumers::Subscription;
use crate::consumers::live::{self, Live};
use crate::consumers::shelf::Handout;
use crate::error::{ApiError, KAFKA_AWAY};
use crate::sessions::Session;
use crate::shared::locked;

impl Instance {
    /// Records of at most `max_bytes`, as soon as there is one; none at `deadline`, or when `stop`
    /// is cancelled. By asking, the caller says that it has what it got before.
    pub(crate) async fn fetch(
        &self,
        session: &Arc<Session>,
        max_bytes: usize,
        deadline: Instant,
        stop: &CancellationToken,
    ) -> Result<Option<Handout>, ApiError> {
        let Ok(_turn) = timeout_at(deadline, self.turn.lock()).await else { return Ok(None) };
        let subscribed = locked(&self.state).subscription != Subscription::None;
        let live = if subscribed { self.live(session).await? } else { None };
        let Some(live) = live else {
            tokio::select! {
                () = sleep_until(deadline) => {}
                () = stop.cancelled() => {}
                () = session.ended() => {}
                () = self.deleted.cancelled() => return Err(self.not_found()),
            }
            return Ok(None);
        };
        live.store();
        live.wake().await;
        tokio::select! {
            biased;
            waited = self.wait(&live) => waited?,
            () = self.deleted.cancelled() => return Err(self.not_found()),
            () = stop.cancelled() => {}
            () = rest(&live) => {}
            () = live.session().ended() => {}
            () = sleep_until(deadline) => {}
        }
        let health = live.session().health();
        if live.shelf().is_empty() && health.is_away() {
            live.session().ask(|it| async move { it.probe().await }).await?;
            health.found_back();
        }
        let handout = live.shelf().take(max_bytes);
        if handout.records().is_empty() && !self.options.wishes.earliest {
            live.mark_start();
        }
        Ok(Some(handout))
    }

    /// Waits until there is a record, or an error that ends the request.
    async fn wait(&self, live: &Live) -> Result<(), ApiError> {
        while live.shelf().is_empty() {
            if let Some(error) = live.shelf().take_trouble() {
                self.judge(live, &error)?;
                continue;
            }
            live.shelf().changed().await;
        }
        Ok(())
    }

    /// Whether an error ends the request, or passes.
    fn judge(&self, live: &Live, error: &KafkaError) -> Result<(), ApiError> {
        if let KafkaError::MessageConsumptionFatal(_) = error {
            self.suspend();
            return Err(ApiError::Unavailable(KAFKA_AWAY));
        }
        match error.rdkafka_error_code().and_then(live::lasting) {
            Some(error) => Err(error),
            None if live.session().has_ended() => Err(live.session().ended_error()),
            None => Ok(()),
        }
    }
}

/// Waits until the client should leave its group, because its session's token is about to be over.
async fn rest(live: &Live) {
    while let Some(at) = live.session().consumers_rest_at() {
        let left = at.ms_since(Timestamp::now());
        let Ok(left) = u64::try_from(left) else { return };
        if left == 0 {
            return;
        }
        // Then again: there may be a newer token.
        tokio::time::sleep(Duration::from_millis(left)).await;
    }
    std::future::pending::<()>().await;
}
