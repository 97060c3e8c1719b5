//! How it goes with an issuer's keys, for metrics and readiness.

use std::sync::Arc;
use std::time::Duration;

/// How it goes with the keys of one issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysStatus {
    /// Whose they are.
    pub issuer: Arc<str>,
    /// What they are worth.
    pub state: KeysState,
    /// How many are in use.
    pub keys: usize,
    /// How long ago they were last known to be right.
    pub since_success: Option<Duration>,
    /// How many fetches failed since then.
    pub failures: u32,
}

/// What an issuer's keys are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysState {
    /// There never were any: not ready.
    Missing,
    /// The last fetch succeeded.
    Fresh,
    /// The last fetch failed, and the old ones are in use: degraded.
    Stale,
    /// Too old to be trusted: its tokens get 503.
    Expired,
}

impl KeysState {
    /// Whether tokens can be verified.
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Fresh | Self::Stale)
    }

    /// A word for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Expired => "expired",
        }
    }
}
