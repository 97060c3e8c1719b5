//! How long keys are used, and how often they are asked for.

use std::time::Duration;

use crate::error::ConfigError;

/// How long keys are used, and how often they are asked for. The defaults are for everybody; a
/// shorter `hard_stale` makes a key that was withdrawn end sooner while the issuer is down, and
/// makes an outage of the issuer ours sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTimes {
    /// How often the keys are fetched, if their answer does not say. A tenth more or less.
    pub refresh: Duration,
    /// The least that an answer's `max-age` counts.
    pub min_refresh: Duration,
    /// The most that an answer's `max-age` counts.
    pub max_refresh: Duration,
    /// The first pause after a failure; it doubles.
    pub min_retry: Duration,
    /// The longest pause after a failure.
    pub max_retry: Duration,
    /// How long old keys are trusted while no new ones can be had. Then tokens get 503, not 401.
    pub hard_stale: Duration,
    /// How long a request waits for a key that a fetch may bring.
    pub wait: Duration,
    /// The least time between two fetches on account of unknown keys, whoever brings them.
    pub unknown_key_pause: Duration,
    /// How long a key is known to be missing.
    pub unknown_key_memory: Duration,
    /// How often an issuer is asked where its keys are.
    pub rediscover: Duration,
    /// How long a verified token is remembered. Never past its end.
    pub token_memory: Duration,
}

impl Default for KeyTimes {
    fn default() -> Self {
        Self {
            refresh: Duration::from_mins(5),
            min_refresh: Duration::from_mins(1),
            max_refresh: Duration::from_hours(1),
            min_retry: Duration::from_secs(1),
            max_retry: Duration::from_mins(1),
            hard_stale: Duration::from_hours(24),
            wait: Duration::from_secs(2),
            unknown_key_pause: Duration::from_secs(10),
            unknown_key_memory: Duration::from_mins(1),
            rediscover: Duration::from_hours(1),
            token_memory: Duration::from_mins(1),
        }
    }
}

impl KeyTimes {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let rules = [
            (self.min_refresh.is_zero(), "min_refresh is zero"),
            (self.min_refresh > self.max_refresh, "min_refresh is more than max_refresh"),
            (self.min_retry.is_zero(), "min_retry is zero"),
            (self.min_retry > self.max_retry, "min_retry is more than max_retry"),
            // Or keys would end between two fetches that both succeed.
            (
                self.hard_stale < self.max_refresh.saturating_add(Duration::from_mins(1)),
                "hard_stale is less than max_refresh and a minute",
            ),
        ];
        match rules.into_iter().find(|(broken, _)| *broken) {
            Some((_, rule)) => Err(ConfigError::Times(rule)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_must_not_contradict_each_other() {
        let times = KeyTimes::default();
        assert!(times.check().is_ok());
        let hard_stale = times.max_refresh;
        assert!(KeyTimes { hard_stale, ..times }.check().is_err());
        assert!(KeyTimes { min_retry: Duration::ZERO, ..times }.check().is_err());
        assert!(KeyTimes { min_refresh: Duration::from_hours(2), ..times }.check().is_err());
    }
}
