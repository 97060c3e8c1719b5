//! The clock of a run.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Counts from the start of a run, and knows when that was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started: Instant,
    begun_unix: Duration,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "only to find the brokers' log lines by")]
    pub(super) fn start() -> Self {
        let begun_unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), begun_unix }
    }

    /// Time since the start of the run.
    pub(super) fn now(self) -> Duration {
        self.started.elapsed()
    }

    /// When the run began, for who compares with the logs of others.
    pub(super) const fn begun_unix(self) -> Duration {
        self.begun_unix
    }
}
