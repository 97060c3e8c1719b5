//! One caller's clients, and the token they run on.

mod metadata;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use model::{Timestamp, TopicName};
use rdkafka::client::{Client, ClientContext};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tracing::warn;

use super::{REFUSAL_GRACE, REFUSAL_KEPT_MS, Tools};
use crate::clients::{self, Health};
use crate::directory::Directory;
use crate::error::{ApiError, EXPIRED, KAFKA_AWAY, REFUSED, REPLACED};
use crate::identity::{Caller, Owner, Token};
use crate::librdkafka::{self, SetupError, TokenError};
use crate::produce::Producer;
use crate::settings::Active;
use crate::shared::{Disposable, locked};

/// A token is not worth swapping for one that lives hardly longer.
const WORTH_SWAPPING_MS: i64 = 5_000;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its newest token is over.
    Expired,
    /// The brokers do not accept its token.
    Refused,
    /// Nobody used it.
    Idle,
    /// The settings changed, a client broke, or its place was needed.
    Replaced,
}

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
    token: ArcSwapOption<Token>,
    /// Also the lock under which the token is swapped.
    sinks: Mutex<Vec<Weak<dyn TokenSink>>>,
    directory: ArcSwap<Box<dyn Directory>>,
    producer: ArcSwapOption<Producer>,
    /// Held by who creates the producer.
    creating: tokio::sync::Mutex<()>,
    topics: Mutex<HashMap<TopicName, Known>>,
    consumers: Arc<AtomicUsize>,
    health: Arc<Health>,
    last_used: AtomicI64,
    end: OnceLock<(End, Timestamp)>,
    ended: CancellationToken,
}

#[derive(Clone, Copy)]
struct Known {
    partitions: i32,
    until: Timestamp,
}

impl Session {
    pub(super) fn new(caller: &Caller, tools: Arc<Tools>) -> Self {
        let token = caller.token.clone();
        let directory = directory(&tools, &caller.active, &caller.owner, token.as_deref());
        Self {
            owner: caller.owner.clone(),
            active: Arc::clone(&caller.active),
            tools,
            token: ArcSwapOption::new(token),
            sinks: Mutex::default(),
            directory: ArcSwap::from_pointee(directory),
            producer: ArcSwapOption::empty(),
            creating: tokio::sync::Mutex::default(),
            topics: Mutex::default(),
            consumers: Arc::default(),
            health: Arc::default(),
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
        self.consumers.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(&self.consumers))
    }

    pub(super) fn has_consumers(&self) -> bool {
        self.consumers.load(Ordering::Relaxed) > 0
    }

    pub(super) fn take_refusal(&self, now: Timestamp) -> bool {
        self.health.take_refusal(now, REFUSAL_GRACE)
    }

    /// When its newest token is over; never for the proxy's own identity.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        self.token.load().as_ref().map(|it| it.expires_at)
    }

    pub(super) fn expired(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|it| it <= now)
    }

    /// When consumers should be closed, so that they can still say good-bye to their group.
    pub(crate) fn consumers_rest_at(&self) -> Option<Timestamp> {
        let token = self.token.load();
        let token = token.as_ref()?;
        let life = token.expires_at.ms_since(token.issued_at);
        Some(token.expires_at.plus_ms(-(life / 20).clamp(0, 1_000)))
    }

    /// Whether its token is this one.
    pub(super) fn holds(&self, token: Option<&Token>) -> bool {
        self.token.load().as_ref().map(|it| it.sha256) == token.map(|it| it.sha256)
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
        self.token.store(Some(Arc::clone(token)));
        let directory = directory(&self.tools, &self.active, &self.owner, Some(token));
        self.directory.store(Arc::new(directory));
        Ok(())
    }

    fn is_worth(&self, token: &Token, now: Timestamp) -> bool {
        self.token.load().as_ref().is_none_or(|current| {
            let gain = token.expires_at.ms_since(current.expires_at);
            let left = current.expires_at.ms_since(now);
            gain > WORTH_SWAPPING_MS || (gain > 0 && left < 2 * WORTH_SWAPPING_MS)
        })
    }

    /// Gives a new client the session's token, now and whenever there is a newer one.
    pub(crate) fn attach<S: TokenSink + 'static>(&self, sink: &Arc<S>) -> Result<(), ApiError> {
        let mut sinks = locked(&self.sinks);
        if let Some(token) = self.token.load_full() {
            self.push(&**sink, &token)?;
        }
        let weak: Weak<S> = Arc::downgrade(sink);
        sinks.push(weak);
        Ok(())
    }

    fn push(&self, sink: &dyn TokenSink, token: &Token) -> Result<(), ApiError> {
        let principal = match &self.owner {
            Owner::Proxy => return Ok(()),
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
        let login = clients::login(&self.active.settings, &self.owner);
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

    /// The session's producer. The first caller creates it, the others wait for that one.
    pub(crate) async fn producer(&self) -> Result<Arc<Producer>, ApiError> {
        let usable = || self.producer.load_full().filter(|it| !it.is_spent());
        if let Some(producer) = usable() {
            return Ok(producer);
        }
        let _creating = self.creating.lock().await;
        if let Some(producer) = usable() {
            return Ok(producer);
        }
        let producer = Arc::new(Producer::create(self, self.delivery_timeout()).await?);
        self.attach(&producer)?;
        self.producer.store(Some(Arc::clone(&producer)));
        Ok(producer)
    }

    /// What a record may take, a little less than its request.
    fn delivery_timeout(&self) -> Duration {
        self.tools.limits.request_timeout().mul_f32(0.9)
    }

    /// A directory with connections of its own.
    pub(super) fn fresh_directory(&self) -> Box<dyn Directory> {
        directory(&self.tools, &self.active, &self.owner, self.token.load_full().as_deref())
    }

    /// The brokers do not accept the session's token, though we do.
    pub(super) fn refused(&self) {
        match &self.owner {
            Owner::Proxy => warn!("Kafka refuses the proxy's own identity: is its password stale?"),
            Owner::Oidc { issuer, .. } => warn!(
                %issuer,
                "Kafka refuses a token that this proxy accepts: the brokers' JWKS, expected issuer, \
                 expected audience or subject claim differ from the service's settings"
            ),
        }
        self.end(End::Refused);
    }

    /// What the caller is told then.
    pub(super) const fn refusal(&self) -> ApiError {
        match self.owner {
            Owner::Proxy => ApiError::Unavailable(KAFKA_AWAY),
            Owner::Oidc { .. } => ApiError::InvalidToken(REFUSED),
        }
    }

    /// Whether the brokers refused its token a short while ago.
    pub(super) fn remembers_refusal(&self, now: Timestamp) -> bool {
        let Some((End::Refused, at)) = self.end.get() else { return false };
        now.ms_since(*at) < REFUSAL_KEPT_MS
    }

    /// Ends the session. Its token serves nothing any more if that is why; otherwise what was begun
    /// is finished.
    pub(super) fn end(&self, end: End) {
        if self.end.set((end, Timestamp::now())).is_err() {
            return;
        }
        if let (End::Expired | End::Refused, Some(producer)) = (end, self.producer.load_full()) {
            producer.purge();
        }
        self.ended.cancel();
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

/// One more live consumer of a session.
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn directory(
    tools: &Tools,
    active: &Active,
    owner: &Owner,
    token: Option<&Token>,
) -> Box<dyn Directory> {
    let timeout = tools.limits.request_timeout().mul_f32(0.9).min(Duration::from_secs(10));
    (tools.directories)(clients::admin(&active.settings, owner, token, timeout))
}
