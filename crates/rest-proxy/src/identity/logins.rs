//! Which passwords Kafka accepts, asked seldom: a password is proven by a login of its own before it
//! opens anything, and proven again from time to time.
//!
//! **Invariant:** a name with a wrong password costs one login attempt in a while, of a few at the
//! same time, and neither uses nor disturbs what the right password has open.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use aws_lc_rs::{hmac, rand};
use futures::future::BoxFuture;
use kafka::KafkaError;
use model::Secret;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout};
use tracing::info;

use crate::config::Limits;
use crate::error::ApiError;
use crate::owner::{Fingerprint, Owner};
use crate::shared::{Table, locked};

/// How many wrong passwords are remembered. Older ones are tried again.
const MOST_REMEMBERED: usize = 4096;

/// A login with the password in question.
pub(crate) type Probe<'a> = &'a (dyn Fn() -> BoxFuture<'a, Result<(), KafkaError>> + Send + Sync);

/// The passwords that were tried.
pub(crate) struct Logins {
    /// Random, so that what a dump of the memory shows cannot be tried elsewhere.
    key: hmac::Key,
    limits: Limits,
    started: Instant,
    /// Read by every request, changed by few.
    proven: Table<Fingerprint, Proven>,
    /// Who is first tries, the others wait for that.
    trying: Mutex<HashMap<Fingerprint, Weak<tokio::sync::Mutex<()>>>>,
    refused: Mutex<Refused>,
    turns: Semaphore,
    waiting: Semaphore,
}

struct Proven {
    owner: Owner,
    /// When Kafka said so, in milliseconds since `started`.
    at: AtomicU64,
}

/// Wrong passwords, and until when they are not tried again.
#[derive(Default)]
struct Refused {
    until: HashMap<Fingerprint, Instant>,
    order: VecDeque<(Instant, Fingerprint)>,
}

impl Logins {
    pub(crate) fn new(limits: &Limits) -> Self {
        let mut key = [0; 32];
        if rand::fill(&mut key).is_err() {
            // The key only hides; without one, fingerprints still tell passwords apart.
            info!("no random numbers for the fingerprints of passwords");
        }
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            limits: limits.clone(),
            started: Instant::now(),
            proven: Table::new(),
            trying: Mutex::default(),
            refused: Mutex::default(),
            turns: Semaphore::new(limits.max_logins.max(1)),
            waiting: Semaphore::new(limits.max_logins + limits.max_logins_waiting),
        }
    }

    pub(crate) fn fingerprint(&self, username: &str, password: &Secret) -> Fingerprint {
        // A name has no NUL in it.
        let both = [username.as_bytes(), b"\0", password.expose().as_bytes()].concat();
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(hmac::sign(&self.key, &both).as_ref());
        fingerprint
    }

    /// Makes sure that Kafka accepted the password a short while ago, by `probe` if need be.
    pub(crate) async fn prove(
        &self,
        owner: &Owner,
        fingerprint: Fingerprint,
        probe: Probe<'_>,
    ) -> Result<(), ApiError> {
        if self.is_fresh(&fingerprint) {
            return Ok(());
        }
        if locked(&self.refused).has(&fingerprint) {
            return Err(ApiError::WrongPassword);
        }
        let turn = self.turn(fingerprint);
        let _turn = turn.lock().await;
        // Somebody else may have tried it meanwhile.
        if self.is_fresh(&fingerprint) {
            return Ok(());
        }
        if locked(&self.refused).has(&fingerprint) {
            return Err(ApiError::WrongPassword);
        }
        let was_good = self.proven.get(&fingerprint).is_some();
        let outcome = if was_good {
            self.prove_again(probe).await
        } else {
            let Some(_turn) = self.first_turn().await else { return Err(self.busy()) };
            probe().await
        };
        match outcome {
            Ok(()) => self.accept(owner, fingerprint),
            Err(KafkaError::Authentication { .. }) => {
                if was_good {
                    info!("Kafka refuses a password that it accepted before");
                }
                self.refuse(fingerprint);
                return Err(ApiError::WrongPassword);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Forgets that a password was good.
    pub(crate) fn refuse(&self, fingerprint: Fingerprint) {
        self.proven.change(|proven| proven.remove(&fingerprint));
        let until = Instant::now() + self.limits.refusal_kept();
        locked(&self.refused).add(fingerprint, until);
    }

    fn busy(&self) -> ApiError {
        info!(waiting = self.limits.max_logins_waiting, "too many passwords wait to be tried");
        ApiError::Unavailable("Too many logins at once")
    }

    fn is_fresh(&self, fingerprint: &Fingerprint) -> bool {
        let Some(proven) = self.proven.get(fingerprint) else { return false };
        let age = self.now().saturating_sub(proven.at.load(Ordering::Relaxed));
        age < u64::from(self.limits.password_check_secs) * 1000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn turn(&self, fingerprint: Fingerprint) -> Arc<tokio::sync::Mutex<()>> {
        let mut trying = locked(&self.trying);
        if let Some(turn) = trying.get(&fingerprint).and_then(Weak::upgrade) {
            return turn;
        }
        if trying.len() >= MOST_REMEMBERED {
            trying.retain(|_, it| it.strong_count() > 0);
        }
        let turn = Arc::default();
        trying.insert(fingerprint, Arc::downgrade(&turn));
        turn
    }

    /// For a password seen for the first time: one of a few at the same time.
    async fn first_turn(&self) -> Option<(SemaphorePermit<'_>, SemaphorePermit<'_>)> {
        let place = self.waiting.try_acquire().ok()?;
        let turn = timeout(self.limits.request_timeout(), self.turns.acquire()).await;
        Some((place, turn.ok()?.ok()?))
    }

    /// Of one that was good: guesses do not keep it waiting, and one broker that just started does not
    /// end it.
    async fn prove_again(&self, probe: Probe<'_>) -> Result<(), KafkaError> {
        match probe().await {
            Err(KafkaError::Authentication { .. }) => {}
            other => return other,
        }
        sleep(self.limits.refusal_retry()).await;
        probe().await
    }

    fn accept(&self, owner: &Owner, fingerprint: Fingerprint) {
        let now = self.now();
        if let Some(proven) = self.proven.get(&fingerprint) {
            proven.at.store(now, Ordering::Relaxed);
            return;
        }
        let kept = Duration::from_secs(self.limits.password_check_secs.into()) * 2;
        let kept = u64::try_from(kept.as_millis()).unwrap_or(u64::MAX);
        self.proven.change(|proven| {
            // A user has one password; what was not used for long is forgotten.
            proven.retain(|_, it| {
                it.owner != *owner && now.saturating_sub(it.at.load(Ordering::Relaxed)) < kept
            });
            let new = Proven { owner: owner.clone(), at: AtomicU64::new(now) };
            proven.insert(fingerprint, Arc::new(new));
        });
        locked(&self.trying).remove(&fingerprint);
    }
}

impl Refused {
    fn has(&mut self, fingerprint: &Fingerprint) -> bool {
        let now = Instant::now();
        while let Some((until, oldest)) = self.order.front().copied()
            && (until <= now || self.order.len() > MOST_REMEMBERED)
        {
            self.order.pop_front();
            if self.until.get(&oldest) == Some(&until) {
                self.until.remove(&oldest);
            }
        }
        self.until.contains_key(fingerprint)
    }

    fn add(&mut self, fingerprint: Fingerprint, until: Instant) {
        self.until.insert(fingerprint, until);
        self.order.push_back((until, fingerprint));
    }
}

#[cfg(test)]
mod tests;
