//! A consumer instance: what a caller created, whether Kafka clients are open for it or not.
//!
//! It belongs to its owner and not to a token. When the owner's session ends, the librdkafka
//! consumer is closed and the instance keeps its subscription and positions; the owner's next
//! request opens another one, which goes on there.

mod fetch;
mod moving;

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{AclOperation, Timestamp};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Subscription;
use super::live::Live;
use super::shelf::{Place, Positions};
use crate::clients::ConsumerWishes;
use crate::error::{ApiError, KAFKA_AWAY};
use crate::formats::Format;
use crate::owner::Owner;
use crate::sessions::Session;
use crate::shared::locked;

/// How long a commit waits for its group to settle.
const SETTLING: Duration = Duration::from_millis(300);

/// What tells instances apart: another owner's is another instance, whatever its names.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) owner: Owner,
    pub(crate) group: String,
    pub(crate) name: String,
}

/// What an instance was created with.
pub(crate) struct Options {
    pub(crate) format: Format,
    pub(crate) request_timeout: Duration,
    pub(crate) max_bytes: usize,
    pub(crate) idle_ms: Option<i64>,
    pub(crate) include_headers: bool,
    pub(crate) wishes: ConsumerWishes,
}

pub(crate) struct Instance {
    key: Key,
    options: Options,
    state: Mutex<State>,
    /// Held while a client is made or its subscription changes.
    changing: tokio::sync::Mutex<()>,
    /// Held by who waits for records.
    turn: tokio::sync::Mutex<()>,
    requests: AtomicUsize,
    last_used: AtomicI64,
    deleted: CancellationToken,
}

#[derive(Default)]
struct State {
    subscription: Subscription,
    live: Option<Arc<Live>>,
    /// Where to go on with the next client.
    kept: Positions,
    /// What the last client had been assigned by its group.
    held: HashSet<Place>,
    /// Whether the partitions that the owner assigned are known to exist.
    checked: bool,
}

/// A request that uses an instance, which is not idle meanwhile.
pub(crate) struct InUse(Arc<Instance>);

impl std::ops::Deref for InUse {
    type Target = Arc<Instance>;

    fn deref(&self) -> &Arc<Instance> {
        &self.0
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.touch();
        self.0.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Instance {
    pub(crate) fn new(key: Key, options: Options) -> Self {
        Self {
            key,
            options,
            state: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            requests: AtomicUsize::new(0),
            last_used: AtomicI64::new(Timestamp::now().0),
            deleted: CancellationToken::new(),
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn used(self: &Arc<Self>) -> InUse {
        self.requests.fetch_add(1, Ordering::AcqRel);
        self.touch();
        InUse(Arc::clone(self))
    }

    fn touch(&self) {
        self.last_used.store(Timestamp::now().0, Ordering::Relaxed);
    }

    /// The time of its last request; now during one.
    pub(crate) fn last_used(&self) -> Timestamp {
        if self.requests.load(Ordering::Acquire) > 0 {
            return Timestamp::now();
        }
        Timestamp(self.last_used.load(Ordering::Relaxed))
    }

    pub(crate) fn is_live(&self) -> bool {
        locked(&self.state).live.is_some()
    }

    fn not_found(&self) -> ApiError {
        ApiError::ConsumerNotFound {
            group: self.key.group.clone(),
            instance: self.key.name.clone(),
        }
    }

    /// The client, opened under `session` if there is none. `None` shortly before the session's
    /// token is over: a client that joins now would leave again at once.
    async fn live(&self, session: &Arc<Session>) -> Result<Option<Arc<Live>>, ApiError> {
        if let Some(live) = self.live_of(session) {
            return Ok(Some(live));
        }
        let _changing = self.changing.lock().await;
        self.open(session).await
    }

    fn live_of(&self, session: &Arc<Session>) -> Option<Arc<Live>> {
        let live = locked(&self.state).live.clone()?;
        (Arc::ptr_eq(live.session(), session) && !session.has_ended()).then_some(live)
    }

    /// As [`Self::live`], by who holds `changing`.
    async fn open(&self, session: &Arc<Session>) -> Result<Option<Arc<Live>>, ApiError> {
        if let Some(live) = self.live_of(session) {
            return Ok(Some(live));
        }
        self.suspend();
        if session.consumers_rest_at().is_some_and(|it| it <= Timestamp::now()) {
            return Ok(None);
        }
        let (kept, subscription) = {
            let state = locked(&self.state);
            (state.kept.clone(), state.subscription.clone())
        };
        let live = Live::create(session, &self.options.wishes, kept).await?;
        if subscription != Subscription::None {
            live.subscribe(&subscription).await?;
        }
        let mut state = locked(&self.state);
        if self.deleted.is_cancelled() {
            return Err(self.not_found());
        }
        state.live = Some(Arc::clone(&live));
        state.kept.clear();
        drop(state);
        // Its token may be over before anything else is.
        session.wake();
        Ok(Some(live))
    }

    /// Closes the client, if there is one, and keeps what the next one needs.
    pub(crate) fn suspend(&self) {
        let mut state = locked(&self.state);
        if let Some(live) = state.live.take() {
            state.kept = live.shelf().resume_at();
            state.held = live.shelf().assigned().into_iter().collect();
            debug!(group.id = self.key.group, "a consumer instance waits for its owner");
        }
    }

    /// When the client has to be closed, if there is one: nobody asks, or its session is over, or
    /// will be in a moment.
    pub(crate) fn rest_at(&self, idle_secs: u32) -> Option<Timestamp> {
        let session = locked(&self.state).live.as_ref().map(|it| Arc::clone(it.session()))?;
        if session.has_ended() {
            return Some(Timestamp(0));
        }
        let idle = self.last_used().plus_ms(i64::from(idle_secs) * 1000);
        Some(session.consumers_rest_at().map_or(idle, |it| it.min(idle)))
    }

    pub(crate) async fn subscribe(
        &self,
        session: &Arc<Session>,
        subscription: Subscription,
    ) -> Result<(), ApiError> {
        let _changing = self.changing.lock().await;
        if let Subscription::Assigned(_) = locked(&self.state).subscription {
            return Err(moving::one_way());
        }
        if let Some(live) = self.open(session).await? {
            live.subscribe(&subscription).await?;
        }
        let mut state = locked(&self.state);
        state.subscription = subscription;
        state.held.clear();
        Ok(())
    }

    /// The topics that it is subscribed to.
    pub(crate) fn subscription(&self) -> Vec<String> {
        let state = locked(&self.state);
        match &state.subscription {
            Subscription::None | Subscription::Assigned(_) => Vec::new(),
            Subscription::Topics(topics) => topics.clone(),
            Subscription::Pattern(_) => {
                state.live.as_ref().map_or_else(Vec::new, |it| it.matched_topics())
            }
        }
    }

    /// The partitions that it reads, and what Kafka asks of the group for that; nothing before the
    /// group has let it in.
    pub(crate) fn reads(&self) -> (Vec<Place>, Option<AclOperation>) {
        let state = locked(&self.state);
        let Some(live) = &state.live else { return (Vec::new(), None) };
        let operation = match &state.subscription {
            Subscription::None => None,
            // Where to begin is what the group has committed.
            Subscription::Assigned(_) if !self.options.wishes.auto_commit => {
                Some(AclOperation::Describe)
            }
            Subscription::Assigned(_) => Some(AclOperation::Read),
            Subscription::Topics(_) | Subscription::Pattern(_) => {
                (live.shelf().rebalances() > 0).then_some(AclOperation::Read)
            }
        };
        (live.shelf().assigned(), operation)
    }

    /// Commits `offsets`, or how far handing out has come.
    pub(crate) async fn commit(
        &self,
        session: &Arc<Session>,
        offsets: Option<Positions>,
        deadline: Instant,
    ) -> Result<(), ApiError> {
        let live = self.live(session).await?.ok_or_else(session_is_short)?;
        let offsets = offsets.unwrap_or_else(|| live.shelf().positions());
        if offsets.is_empty() {
            return Ok(());
        }
        let committed = async {
            loop {
                match live.commit(offsets.clone()).await {
                    // The group changes, or this client has just come back to it.
                    Err(ApiError::Unavailable(_)) => tokio::time::sleep(SETTLING).await,
                    other => return other,
                }
            }
        };
        tokio::select! {
            committed = committed => committed,
            () = live.session().ended() => Err(live.session().ended_error()),
            () = self.deleted.cancelled() => Err(self.not_found()),
            () = sleep_until(deadline) => Err(ApiError::Unavailable(KAFKA_AWAY)),
        }
    }

    pub(crate) async fn committed(
        &self,
        session: &Arc<Session>,
        places: Vec<Place>,
        deadline: Instant,
    ) -> Result<Positions, ApiError> {
        let live = self.live(session).await?.ok_or_else(session_is_short)?;
        let timeout = deadline.saturating_duration_since(Instant::now());
        tokio::select! {
            committed = live.committed(places, timeout) => committed,
            () = live.session().ended() => Err(live.session().ended_error()),
            () = sleep_until(deadline) => Err(ApiError::Unavailable(KAFKA_AWAY)),
        }
    }

    /// Ends the instance. What was handed out is committed if that is automatic, and the group is
    /// left. Returns what is cancelled when that has happened.
    pub(crate) fn delete(&self) -> Option<CancellationToken> {
        self.deleted.cancel();
        let live = locked(&self.state).live.take()?;
        live.store();
        Some(live.gone())
    }
}

fn session_is_short() -> ApiError {
    ApiError::Unavailable("The access token is about to expire")
}
