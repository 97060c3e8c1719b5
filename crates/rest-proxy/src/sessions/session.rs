//! One caller's clients, and the token they run on.

mod metadata;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use model::{Timestamp, TopicName};
use rdkafka::client::{Client, ClientContext};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::Tools;
use crate::clients::{self, Health};
use crate::directory::Directory;
use crate::error::{ApiError, EXPIRED, KAFKA_AWAY, REFUSED, REPLACED};
use crate::identity::Caller;
use crate::librdkafka::{self, SetupError, TokenError};
use crate::metrics::{End, Metrics};
use crate::owner::{Credential, Owner, Token};
use crate::produce::{Pace, Producer};
use crate::settings::Active;
use crate::shared::{Disposable, locked};

/// A token is not worth swapping for one that lives hardly longer.
const WORTH_SWAPPING_MS: i64 = 5_000;

/// A live client that runs on a token.
pub(crate) trait TokenSink: Send + Sync {
    /// Gives it a newer one of the same principal.
    fn set_token(&self, token: &Token, principal: &str) -> Result<(), TokenError>;
}

/// The clients of one owner.
pub(crate) struct Session {
    owner: Owner,
    active: Arc<Active>,
    tools: Arc<Tools>,
    /// What it runs on. A token is swapped for a newer one, a password never.
    credential: ArcSwap<Credential>,
    /// Also the lock under which the token is swapped.
    sinks: Mutex<Vec<Weak<dyn TokenSink>>>,
    directory: ArcSwap<Box<dyn Directory>>,
    /// One for each [`Pace`].
    producers: [Slot; Pace::ALL.len()],
    topics: Mutex<HashMap<TopicName, Known>>,
    consumers: Arc<Consumers>,
    health: Arc<Health>,
    last_used: AtomicI64,
    end: OnceLock<(End, Timestamp)>,
    ended: CancellationToken,
}

/// The place of a producer.
#[derive(Default)]
struct Slot {
    producer: ArcSwapOption<Producer>,
    /// Held by who creates it.
    creating: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy)]
struct Known {
    partitions: i32,
    until: Timestamp,
}

impl Session {
    pub(super) fn new(caller: &Caller, tools: Arc<Tools>) -> Self {
        let directory = tools.directory(&caller.active, &caller.owner, &caller.credential);
        let consumers = Consumers { live: AtomicUsize::new(0), wake: Arc::clone(&tools.wake) };
        let health = Health::new(Arc::clone(&tools.wake));
        Self {
            owner: caller.owner.clone(),
            active: Arc::clone(&caller.active),
            tools,
            credential: ArcSwap::from_pointee(caller.credential.clone()),
            sinks: Mutex::default(),
            directory: ArcSwap::from_pointee(directory),
            producers: Default::default(),
            topics: Mutex::default(),
            consumers: Arc::new(consumers),
            health: Arc::new(health),
            last_used: AtomicI64::new(Timestamp::now().0),
            end: OnceLock::new(),
            ended: CancellationToken::new(),
        }
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(crate) fn active(&self) -> &Active {
        &self.active
    }

    /// What goes on beside requests.
    pub(crate) fn tracker(&self) -> &TaskTracker {
        &self.tools.tracker
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.tools.metrics
    }

    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    pub(super) fn generation(&self) -> u64 {
        self.active.generation
    }

    pub(super) fn touch(&self, now: Timestamp) {
        self.last_used.store(now.0, Ordering::Relaxed);
    }

    pub(super) fn last_used(&self) -> Timestamp {
        Timestamp(self.last_used.load(Ordering::Relaxed))
    }

    /// Counts a live consumer for as long as the returned value exists.
    pub(crate) fn count_consumer(&self) -> Counted {
        self.consumers.live.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(&self.consumers))
    }

    pub(super) fn has_consumers(&self) -> bool {
        self.consumers.live.load(Ordering::Relaxed) > 0
    }

    pub(super) fn take_refusal(&self, now: Timestamp) -> bool {
        self.health.take_refusal(now, self.tools.limits.refusal_retry())
    }

    /// Since when, or from when on, it is idle; never with consumers.
    pub(super) fn idle_at(&self) -> Option<Timestamp> {
        let idle_ms = i64::from(self.tools.limits.session_idle_secs) * 1000;
        (!self.has_consumers()).then(|| self.last_used().plus_ms(idle_ms))
    }

    /// When it has to be looked at.
    pub(super) fn due(&self) -> Option<Timestamp> {
        if let Some((_, at)) = self.end.get() {
            return Some(at.plus_ms(self.refusal_kept_ms()));
        }
        let refusal = self.health.refusal_due(self.tools.limits.refusal_retry());
        [self.expires_at(), self.idle_at(), refusal].into_iter().flatten().min()
    }

    fn refusal_kept_ms(&self) -> i64 {
        i64::try_from(self.tools.limits.refusal_kept().as_millis()).unwrap_or(i64::MAX)
    }

    /// Has it looked at soon.
    pub(crate) fn wake(&self) {
        self.tools.wake.notify_one();
    }

    fn token(&self) -> Option<Arc<Token>> {
        match &**self.credential.load() {
            Credential::Token(token) => Some(Arc::clone(token)),
            Credential::Own | Credential::Password(_) => None,
        }
    }

    /// When its newest token is over; never for the proxy's own identity.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        self.token().map(|it| it.expires_at)
    }

    pub(super) fn expired(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|it| it <= now)
    }

    /// When consumers should be closed, so that they can still say good-bye to their group.
    pub(crate) fn consumers_rest_at(&self) -> Option<Timestamp> {
        let token = self.token()?;
        let life = token.expires_at.ms_since(token.issued_at);
        Some(token.expires_at.plus_ms(-(life / 20).clamp(0, 1_000)))
    }

    /// Whether this is what it logs in with.
    pub(super) fn runs_on(&self, credential: &Credential) -> bool {
        self.credential.load().is(credential)
    }

    /// Takes over `token`, a verified one of this session's owner, if it lives longer than what the
    /// session has. The connections stay up.
    pub(super) fn offer(&self, token: &Arc<Token>, now: Timestamp) -> Result<(), ApiError> {
        if !self.is_worth(token, now) {
            return Ok(());
        }
        let mut sinks = locked(&self.sinks);
        if !self.is_worth(token, now) {
            return Ok(());
        }
        sinks.retain(|it| it.strong_count() > 0);
        for sink in sinks.iter().filter_map(Weak::upgrade) {
            self.push(&*sink, token)?;
        }
        self.credential.store(Arc::new(Credential::Token(Arc::clone(token))));
        self.tools.metrics.token_swapped();
        self.directory.store(Arc::new(self.fresh_directory()));
        Ok(())
    }

    fn is_worth(&self, token: &Token, now: Timestamp) -> bool {
        self.token().is_none_or(|current| {
            let gain = token.expires_at.ms_since(current.expires_at);
            let left = current.expires_at.ms_since(now);
            gain > WORTH_SWAPPING_MS || (gain > 0 && left < 2 * WORTH_SWAPPING_MS)
        })
    }

    /// Gives a new client the session's token, now and whenever there is a newer one.
    pub(crate) fn attach<S: TokenSink + 'static>(&self, sink: &Arc<S>) -> Result<(), ApiError> {
        let mut sinks = locked(&self.sinks);
        if let Some(token) = self.token() {
            self.push(&**sink, &token)?;
        }
        let weak: Weak<S> = Arc::downgrade(sink);
        sinks.push(weak);
        Ok(())
    }

    fn push(&self, sink: &dyn TokenSink, token: &Token) -> Result<(), ApiError> {
        let principal = match &self.owner {
            Owner::Proxy | Owner::User { .. } => return Ok(()),
            // Without logins there is nobody to show it to.
            _ if !self.active.settings.security_protocol.starts_with("SASL") => return Ok(()),
            Owner::Oidc { principal, .. } => principal,
        };
        sink.set_token(token, principal).map_err(|error| {
            if token.expires_at <= Timestamp::now() {
                ApiError::InvalidToken(EXPIRED)
            } else {
                ApiError::internal(error)
            }
        })
    }

    /// Runs `create` beside the requests and within the bound on such work, and lets the new client
    /// log in. `client` finds it in what was created.
    pub(crate) async fn build<T, C>(
        &self,
        create: impl FnOnce() -> Result<T, rdkafka::error::KafkaError> + Send + 'static,
        client: fn(&T) -> &Client<C>,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        C: ClientContext + 'static,
    {
        let login = clients::login(&self.active.settings, &self.owner, &self.credential.load());
        let permit = self.tools.builds.acquire().await.map_err(ApiError::internal)?;
        let built = self.tools.tracker.spawn_blocking(move || {
            let created = create()?;
            if let Some(login) = login {
                librdkafka::log_in(client(&created), &login)?;
            }
            Ok::<_, SetupError>(created)
        });
        let built = built.await;
        drop(permit);
        self.tools.metrics.client_built(matches!(built, Ok(Ok(_))));
        built.map_err(ApiError::internal)?.map_err(ApiError::internal)
    }

    /// Runs a call that blocks beside the requests.
    pub(crate) async fn block<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        self.tools.tracker.spawn_blocking(call).await.map_err(ApiError::internal)
    }

    /// Makes sure that `value` is dropped beside the requests.
    pub(crate) fn dispose<T: Send + 'static>(&self, value: T) -> Disposable<T> {
        Disposable::new(value, self.tools.tracker.clone())
    }

    /// The session's producer for this pace, first for `topic`. The first caller creates it, the
    /// others wait for that one.
    pub(crate) async fn producer(
        &self,
        pace: Pace,
        topic: &TopicName,
    ) -> Result<Arc<Producer>, ApiError> {
        let slot = &self.producers[pace as usize];
        let usable = || slot.producer.load_full().filter(|it| !it.is_spent());
        if let Some(producer) = usable() {
            return Ok(producer);
        }
        let _creating = slot.creating.lock().await;
        if let Some(producer) = usable() {
            return Ok(producer);
        }
        let producer = Producer::create(self, pace, self.delivery_timeout()).await?;
        self.attach(&producer)?;
        let (warmed, topic) = (Arc::clone(&producer), topic.clone());
        self.tools.tracker.spawn_blocking(move || warmed.warm_up(&topic));
        slot.producer.store(Some(Arc::clone(&producer)));
        Ok(producer)
    }

    /// What a record may take, a little less than its request.
    fn delivery_timeout(&self) -> Duration {
        self.tools.limits.request_timeout().mul_f32(0.9)
    }

    /// A directory with connections of its own.
    pub(super) fn fresh_directory(&self) -> Box<dyn Directory> {
        self.tools.directory(&self.active, &self.owner, &self.credential.load())
    }

    /// The brokers do not accept what the session logs in with, though we do.
    pub(super) fn refused(&self) {
        match &self.owner {
            Owner::Proxy => warn!("Kafka refuses the proxy's own identity: is its password stale?"),
            Owner::Oidc { issuer, .. } => warn!(
                %issuer,
                "Kafka refuses a token that this proxy accepts: the brokers' JWKS, expected issuer, \
                 expected audience or subject claim differ from the service's settings"
            ),
            Owner::User { username } => info!(
                user = %username,
                "Kafka refuses a password that it accepted before: it was changed, or the user removed"
            ),
        }
        if let Credential::Password(password) = &**self.credential.load() {
            self.tools.logins.refuse(password.fingerprint);
        }
        self.end(End::Refused);
    }

    /// What the caller is told then.
    pub(super) const fn refusal(&self) -> ApiError {
        match self.owner {
            Owner::Proxy => ApiError::Unavailable(KAFKA_AWAY),
            Owner::Oidc { .. } => ApiError::InvalidToken(REFUSED),
            Owner::User { .. } => ApiError::WrongPassword,
        }
    }

    /// Whether the brokers refused its token a short while ago.
    pub(super) fn remembers_refusal(&self, now: Timestamp) -> bool {
        let Some((End::Refused, at)) = self.end.get() else { return false };
        now.ms_since(*at) < self.refusal_kept_ms()
    }

    /// Ends the session. Its token serves nothing any more if that is why; otherwise what was begun
    /// is finished.
    pub(super) fn end(&self, end: End) {
        if self.end.set((end, Timestamp::now())).is_err() {
            return;
        }
        self.tools.metrics.session_ended(end);
        if let End::Expired | End::Refused = end {
            let producers = self.producers.iter().filter_map(|it| it.producer.load_full());
            producers.for_each(|it| it.purge());
        }
        self.ended.cancel();
        // Its consumers have to be closed.
        self.wake();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Completes when the session has ended.
    pub(crate) fn ended(&self) -> WaitForCancellationFuture<'_> {
        self.ended.cancelled()
    }

    /// What a request that needed the session is told when it has ended.
    pub(crate) fn ended_error(&self) -> ApiError {
        match self.end.get() {
            Some((End::Expired, _)) => ApiError::InvalidToken(EXPIRED),
            Some((End::Refused, _)) => self.refusal(),
            _ => ApiError::Unavailable(REPLACED),
        }
    }
}

/// How many live consumers a session has.
struct Consumers {
    live: AtomicUsize,
    wake: Arc<Notify>,
}

/// One more live consumer of a session.
pub(crate) struct Counted(Arc<Consumers>);

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.live.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Now the session can be idle.
            self.0.wake.notify_one();
        }
    }
}
