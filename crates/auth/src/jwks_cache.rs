//! The identity provider's keys, kept fresh in the background.
//!
//! Readers never wait while the key is known. One task does all the fetching; those who miss a key
//! wait for it together, and not for long.

mod snapshot;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use aws_lc_rs::rand;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use self::snapshot::Snapshot;
use crate::accepted::Algorithm;
use crate::error::{AuthError, JwksError};
use crate::fetch::KeySource;
use crate::http::Answer;
use crate::jwk::Key;
use crate::missing::{Advice, Missing};
use crate::status::{KeysState, KeysStatus};
use crate::times::KeyTimes;

/// The keys of one identity provider. Dropping it stops the fetching.
pub(crate) struct JwksCache {
    shared: Arc<Shared>,
    _refresher: JoinSet<()>,
}

/// A key, and the key set that it was found in.
#[derive(Debug)]
pub(crate) struct FoundKey {
    pub(crate) key: Arc<Key>,
    pub(crate) generation: u64,
}

struct Shared {
    source: Box<dyn KeySource>,
    times: KeyTimes,
    snapshot: ArcSwapOption<Snapshot>,
    missing: Mutex<Missing>,
    wake: Notify,
    /// Failed fetches since the last one that succeeded.
    failures: AtomicU32,
    /// Whether the last fetch succeeded. Sent at the end of each.
    ended: watch::Sender<bool>,
}

impl JwksCache {
    /// Starts fetching at once. Needs a Tokio runtime around it.
    pub(crate) fn start(source: Box<dyn KeySource>, times: KeyTimes) -> Self {
        let mut missing = Missing::new(times.unknown_key_pause, times.unknown_key_memory);
        missing.begin();
        let shared = Arc::new(Shared {
            source,
            times,
            snapshot: ArcSwapOption::empty(),
            missing: Mutex::new(missing),
            wake: Notify::new(),
            failures: AtomicU32::new(0),
            ended: watch::Sender::new(false),
        });
        let mut refresher = JoinSet::new();
        refresher.spawn(refresh(Arc::clone(&shared)));
        Self { shared, _refresher: refresher }
    }

    /// The key for a token with this `kid` and `alg`. Waits a little if a fetch may help.
    pub(crate) async fn find(
        &self,
        kid: Option<&str>,
        alg: Algorithm,
    ) -> Result<FoundKey, AuthError> {
        let first = self.shared.find(kid, alg);
        if !may_help(&first, kid) || !self.shared.fetched_anew(kid).await {
            return first;
        }
        let second = self.shared.find(kid, alg);
        if let (Some(kid), Err(AuthError::UnknownKey)) = (kid, &second) {
            self.shared.missing().remember(kid, Instant::now());
        }
        second
    }

    /// The same without waiting. If a fetch may help, the next one may find it.
    pub(crate) fn find_at_hand(
        &self,
        kid: Option<&str>,
        alg: Algorithm,
    ) -> Result<FoundKey, AuthError> {
        let found = self.shared.find(kid, alg);
        if may_help(&found, kid)
            && let Advice::Fetch = self.shared.missing().advise(kid, Instant::now())
        {
            self.shared.wake.notify_one();
        }
        found
    }

    /// Which key set is in use; nothing if there is none that is still trusted. What was verified
    /// with another one is not known to be good any more.
    pub(crate) fn generation(&self) -> Option<u64> {
        let snapshot = self.shared.snapshot.load();
        let trusted = snapshot.as_deref().filter(|it| self.shared.trusts(it));
        trusted.map(|it| it.generation)
    }

    /// How it goes.
    pub(crate) fn status(&self, issuer: Arc<str>) -> KeysStatus {
        let snapshot = self.shared.snapshot.load();
        let failures = self.shared.failures.load(Ordering::Relaxed);
        let state = match snapshot.as_deref() {
            None => KeysState::Missing,
            Some(it) if !self.shared.trusts(it) => KeysState::Expired,
            Some(_) if failures > 0 => KeysState::Stale,
            Some(_) => KeysState::Fresh,
        };
        KeysStatus {
            issuer,
            state,
            keys: snapshot.as_deref().map_or(0, |it| it.keys.len()),
            since_success: snapshot.as_deref().map(|it| it.fetched_at.elapsed()),
            failures,
        }
    }
}

impl Shared {
    fn find(&self, kid: Option<&str>, alg: Algorithm) -> Result<FoundKey, AuthError> {
        let snapshot = self.snapshot.load();
        match snapshot.as_deref() {
            Some(it) if self.trusts(it) => {
                Ok(FoundKey { key: it.keys.find(kid, alg)?, generation: it.generation })
            }
            _ => Err(AuthError::KeysUnavailable),
        }
    }

    fn trusts(&self, snapshot: &Snapshot) -> bool {
        snapshot.fetched_at.elapsed() < self.times.hard_stale
    }

    /// Asks for a fetch, or joins the one under way. True if one ended well within our patience.
    async fn fetched_anew(&self, kid: Option<&str>) -> bool {
        // Before asking: so the end of the fetch cannot be missed.
        let mut ended = self.ended.subscribe();
        match self.missing().advise(kid, Instant::now()) {
            Advice::Refuse => return false,
            Advice::Fetch => self.wake.notify_one(),
            Advice::Join => {}
        }
        matches!(timeout(self.times.wait, ended.changed()).await, Ok(Ok(()))) && *ended.borrow()
    }

    fn missing(&self) -> MutexGuard<'_, Missing> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One fetch, from which on its keys are in use, and only they. Without a usable key nothing
    /// changes. Answers for how long the keys are fresh.
    async fn fetch(&self) -> Result<Duration, JwksError> {
        let before = self.snapshot.load_full();
        let known = before.as_ref().and_then(|it| it.known.as_ref());
        let (answer, address) = self.source.fetch(known).await?;
        let (snapshot, fresh) = match (answer, before.as_deref()) {
            (Answer::Unchanged { fresh }, Some(before)) => (before.confirmed(), fresh),
            (Answer::Unchanged { .. }, None) => return Err(JwksError::NotModified),
            (Answer::Document(it), before) => {
                let fresh = it.fresh;
                (Snapshot::read(it, address, before)?, fresh)
            }
        };
        if before.is_none_or(|it| it.generation != snapshot.generation) {
            let usable = snapshot.keys.len();
            info!(jwks.host = self.source.name(), usable, "have the identity provider's keys");
        }
        self.snapshot.store(Some(Arc::new(snapshot)));
        let KeyTimes { refresh, min_refresh, max_refresh, .. } = self.times;
        Ok(fresh.unwrap_or(refresh).clamp(min_refresh, max_refresh))
    }

    /// Fetches, and says after which pause to do it again.
    async fn fetch_and_tell(&self) -> (bool, Duration) {
        let fetched = self.fetch().await;
        let failures = self.failures.load(Ordering::Relaxed);
        match fetched {
            Ok(fresh) => {
                if failures > 0 {
                    info!(jwks.host = self.source.name(), failures, "can fetch keys again");
                }
                self.failures.store(0, Ordering::Relaxed);
                (true, jittered(fresh, random_byte()))
            }
            Err(error) => {
                let pause = retry_pause(&self.times, failures);
                self.failures.store(failures.saturating_add(1), Ordering::Relaxed);
                warn!(
                    jwks.host = self.source.name(),
                    failures = failures.saturating_add(1),
                    retry_secs = pause.as_secs(),
                    error = &error as &dyn std::error::Error,
                    "cannot fetch the identity provider's keys; the old ones stay in use"
                );
                (false, pause)
            }
        }
    }
}

/// Fetches for ever: when the keys are no longer fresh, when a fetch failed, and when asked.
async fn refresh(shared: Arc<Shared>) {
    loop {
        shared.missing().begin();
        let (succeeded, pause) = shared.fetch_and_tell().await;
        {
            let mut missing = shared.missing();
            missing.end();
            // Under the lock: who asks now either sees this end or starts another fetch.
            shared.ended.send_replace(succeeded);
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = shared.wake.notified() => {}
        }
    }
}

/// Whether a fetch may bring what was not found.
const fn may_help(found: &Result<FoundKey, AuthError>, kid: Option<&str>) -> bool {
    match found {
        Err(AuthError::KeysUnavailable) => true,
        Err(AuthError::UnknownKey) => kid.is_some(),
        _ => false,
    }
}

fn retry_pause(times: &KeyTimes, failures: u32) -> Duration {
    times.min_retry.saturating_mul(2_u32.saturating_pow(failures)).min(times.max_retry)
}

/// `pause` and up to a tenth more or less, so that many processes do not fetch in step.
fn jittered(pause: Duration, random: u8) -> Duration {
    pause.mul_f64(0.9 + 0.2 * f64::from(random) / 255.0)
}

fn random_byte() -> u8 {
    let mut byte = [0];
    // Without randomness there is no jitter, and that is all.
    if rand::fill(&mut byte).is_err() {
        return 128;
    }
    byte[0]
}

#[cfg(test)]
mod tests;
