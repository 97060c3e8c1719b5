//! The identity provider's keys, kept fresh in the background.
//!
//! Readers never wait while the key is known. One task does all the fetching; those who miss a key
//! wait for it together, and not for long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use aws_lc_rs::rand;
use jsonwebtoken::Algorithm;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use crate::error::{AuthError, JwksError};
use crate::fetch::KeySource;
use crate::jwk::Key;
use crate::key_set::KeySet;
use crate::missing::{Advice, Missing};

/// How often the keys are fetched, if their answer does not say.
const REFRESH: Duration = Duration::from_mins(5);
const MIN_REFRESH: Duration = Duration::from_mins(1);
const MAX_REFRESH: Duration = Duration::from_hours(1);
/// The first pause after a failure; it doubles up to [`MAX_RETRY`].
const MIN_RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_mins(1);
/// How long old keys are trusted while no new ones can be had.
const HARD_STALE: Duration = Duration::from_hours(24);
/// How long a request waits for keys.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The keys of one identity provider. Dropping it stops the fetching.
pub(crate) struct JwksCache {
    shared: Arc<Shared>,
    _refresher: JoinSet<()>,
}

struct Shared {
    source: Box<dyn KeySource>,
    snapshot: ArcSwapOption<Snapshot>,
    missing: Mutex<Missing>,
    wake: Notify,
    /// Whether the last fetch succeeded. Sent at the end of each.
    ended: watch::Sender<bool>,
}

/// What the last successful fetch brought.
struct Snapshot {
    keys: KeySet,
    fetched_at: Instant,
}

impl JwksCache {
    /// Starts fetching at once. Needs a Tokio runtime around it.
    pub(crate) fn start(source: Box<dyn KeySource>) -> Self {
        let mut missing = Missing::default();
        missing.begin();
        let shared = Arc::new(Shared {
            source,
            snapshot: ArcSwapOption::empty(),
            missing: Mutex::new(missing),
            wake: Notify::new(),
            ended: watch::Sender::new(false),
        });
        let mut refresher = JoinSet::new();
        refresher.spawn(refresh(Arc::clone(&shared)));
        Self { shared, _refresher: refresher }
    }

    /// The key for a token with this `kid` and `alg`. Waits up to two seconds if a fetch may help.
    pub(crate) async fn find(
        &self,
        kid: Option<&str>,
        alg: Algorithm,
    ) -> Result<Arc<Key>, AuthError> {
        let first = self.shared.find(kid, alg);
        let may_help = match first {
            Err(AuthError::KeysUnavailable) => true,
            Err(AuthError::UnknownKey) => kid.is_some(),
            _ => false,
        };
        if !may_help || !self.shared.fetched_anew(kid).await {
            return first;
        }
        let second = self.shared.find(kid, alg);
        if let (Some(kid), Err(AuthError::UnknownKey)) = (kid, &second) {
            self.shared.missing().remember(kid, Instant::now());
        }
        second
    }
}

impl Shared {
    fn find(&self, kid: Option<&str>, alg: Algorithm) -> Result<Arc<Key>, AuthError> {
        let snapshot = self.snapshot.load();
        match snapshot.as_deref() {
            Some(it) if it.is_trusted(Instant::now()) => it.keys.find(kid, alg),
            _ => Err(AuthError::KeysUnavailable),
        }
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
        matches!(timeout(MAX_WAIT, ended.changed()).await, Ok(Ok(()))) && *ended.borrow()
    }

    fn missing(&self) -> MutexGuard<'_, Missing> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One fetch, from which on its keys are in use, and only they. Without a usable key nothing
    /// changes. Answers for how long the keys are fresh.
    async fn fetch(&self) -> Result<Duration, JwksError> {
        let fetched = self.source.fetch().await?;
        let (keys, report) = KeySet::read(&fetched.body)?;
        let usable = report.usable();
        if usable == 0 {
            return Err(JwksError::NoUsableKey);
        }
        let snapshot = Snapshot { keys, fetched_at: Instant::now() };
        if self.snapshot.swap(Some(Arc::new(snapshot))).is_none() {
            info!(jwks.host = self.source.name(), usable, "have the identity provider's keys");
        }
        Ok(fetched.max_age.unwrap_or(REFRESH).clamp(MIN_REFRESH, MAX_REFRESH))
    }
}

impl Snapshot {
    fn is_trusted(&self, now: Instant) -> bool {
        now.duration_since(self.fetched_at) < HARD_STALE
    }
}

/// Fetches for ever: when the keys are no longer fresh, when a fetch failed, and when asked.
async fn refresh(shared: Arc<Shared>) {
    let mut failures = 0;
    loop {
        shared.missing().begin();
        let fetched = shared.fetch().await;
        let succeeded = fetched.is_ok();
        let pause = match fetched {
            Ok(fresh) => {
                if failures > 0 {
                    info!(jwks.host = shared.source.name(), failures, "can fetch keys again");
                }
                failures = 0;
                jittered(fresh, random_byte())
            }
            Err(error) => {
                let pause = retry_pause(failures);
                failures += 1;
                warn!(
                    jwks.host = shared.source.name(),
                    failures,
                    retry_secs = pause.as_secs(),
                    error = &error as &dyn std::error::Error,
                    "cannot fetch the identity provider's keys; the old ones stay in use"
                );
                pause
            }
        };
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

fn retry_pause(failures: u32) -> Duration {
    MIN_RETRY.saturating_mul(2_u32.saturating_pow(failures)).min(MAX_RETRY)
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
