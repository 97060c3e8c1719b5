//! Refused credentials cost the good callers little: those beyond a rate are answered late.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::config::Limits;
use crate::shared::locked;

/// A bucket for all callers. Only refusals touch it.
pub(crate) struct Brake {
    bucket: Mutex<Bucket>,
    per_sec: f64,
    hold: Duration,
    held: Semaphore,
}

struct Bucket {
    left: f64,
    at: Instant,
}

/// What has to become of the connection of a refused request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Close,
}

impl Brake {
    pub(crate) fn new(limits: &Limits) -> Self {
        let per_sec = f64::from(limits.refusals_per_sec);
        Self {
            bucket: Mutex::new(Bucket { left: per_sec, at: Instant::now() }),
            per_sec,
            hold: Duration::from_millis(limits.refusal_hold_ms.into()),
            held: Semaphore::new(limits.max_refusals_held),
        }
    }

    /// Waits until a refusal may be answered. Its request is gone by then, with its body.
    pub(crate) async fn hold(&self) -> Verdict {
        if self.take() {
            return Verdict::Keep;
        }
        let Ok(_held) = self.held.try_acquire() else { return Verdict::Close };
        sleep(self.hold).await;
        Verdict::Keep
    }

    fn take(&self) -> bool {
        let mut bucket = locked(&self.bucket);
        let now = Instant::now();
        let gained = now.duration_since(bucket.at).as_secs_f64() * self.per_sec;
        bucket.left = (bucket.left + gained).min(self.per_sec);
        bucket.at = now;
        let enough = bucket.left >= 1.0;
        if enough {
            bucket.left -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test(start_paused = true)]
    async fn beyond_the_rate_refusals_are_held_and_beyond_the_bound_connections_end() {
        let limits = Limits {
            refusals_per_sec: 2,
            refusal_hold_ms: 400,
            max_refusals_held: 1,
            ..testing::limits()
        };
        let brake = Brake::new(&limits);
        let started = Instant::now();
        assert_eq!((brake.hold().await, brake.hold().await), (Verdict::Keep, Verdict::Keep));
        assert_eq!(started.elapsed().as_millis(), 0, "two a second are free");
        let both = tokio::join!(brake.hold(), brake.hold());
        assert_eq!(both, (Verdict::Keep, Verdict::Close));
        assert_eq!(started.elapsed().as_millis(), 400);
        tokio::time::advance(Duration::from_millis(600)).await;
        assert_eq!((brake.hold().await, started.elapsed().as_millis()), (Verdict::Keep, 1000));
    }
}
