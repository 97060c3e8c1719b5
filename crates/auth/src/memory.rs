//! Tokens that were verified a moment ago: a client sends the same one with every request.
//!
//! **Invariant:** what is remembered is nothing that verifying again would refuse, but for a minute
//! of delay: it ends with the token, with the key set that it was verified by, and after a minute.
//! Only tokens that were good are remembered, so nobody without one can push others out.

use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use quick_cache::sync::Cache;

use crate::verifier::Verified;

/// Verified tokens by their SHA-256. A shard is locked for the time of a look-up.
pub(crate) struct Memory {
    tokens: Option<Cache<[u8; 32], Remembered>>,
    lasts_ms: i64,
}

#[derive(Clone)]
pub(crate) struct Remembered {
    pub(crate) verified: Arc<Verified>,
    /// Which of the issuers, and which of its key sets.
    pub(crate) issuer: usize,
    pub(crate) generation: u64,
    pub(crate) at: Timestamp,
}

impl Memory {
    pub(crate) fn new(capacity: usize, lasts: Duration) -> Self {
        let tokens = (capacity > 0).then(|| Cache::new(capacity));
        Self { tokens, lasts_ms: i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX) }
    }

    /// What is known of this token, if it still holds. `generation` tells an issuer's key set.
    pub(crate) fn recall(
        &self,
        sha256: &[u8; 32],
        now: Timestamp,
        generation: impl Fn(usize) -> Option<u64>,
    ) -> Option<Arc<Verified>> {
        let tokens = self.tokens.as_ref()?;
        let found = tokens.get(sha256)?;
        // A clock that was set back makes the age negative.
        let holds = now < found.verified.expires_at
            && (0..self.lasts_ms).contains(&now.ms_since(found.at))
            && generation(found.issuer) == Some(found.generation);
        if holds {
            return Some(found.verified);
        }
        tokens.remove(sha256);
        None
    }

    pub(crate) fn remember(&self, token: Remembered) {
        if let Some(tokens) = &self.tokens {
            tokens.insert(token.verified.token_sha256, token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remembered(id: u32) -> Remembered {
        let mut token_sha256 = [0; 32];
        token_sha256[..4].copy_from_slice(&id.to_le_bytes());
        let verified = Verified {
            principal: "alice".into(),
            issuer: "https://idp".into(),
            expires_at: Timestamp(50_000),
            issued_at: Timestamp(0),
            token_sha256,
        };
        Remembered { verified: Arc::new(verified), issuer: 0, generation: 7, at: Timestamp(1_000) }
    }

    fn recalls(memory: &Memory, now: i64, generation: Option<u64>) -> bool {
        memory.remember(remembered(1));
        let sha256 = remembered(1).verified.token_sha256;
        memory.recall(&sha256, Timestamp(now), |_| generation).is_some()
    }

    #[test]
    fn a_token_is_remembered_while_nothing_changes() {
        let memory = Memory::new(10, Duration::from_secs(30));
        assert!(recalls(&memory, 1_000, Some(7)));
        assert!(recalls(&memory, 30_999, Some(7)));
        assert!(!recalls(&memory, 31_000, Some(7)), "too long ago");
        assert!(!recalls(&memory, 999, Some(7)), "the clock was set back");
        assert!(!recalls(&memory, 2_000, Some(8)), "the keys changed");
        assert!(!recalls(&memory, 2_000, None), "the keys are too old");
        let memory = Memory::new(10, Duration::from_hours(1));
        assert!(recalls(&memory, 49_999, Some(7)));
        assert!(!recalls(&memory, 50_000, Some(7)), "it expired");
        assert!(!recalls(&Memory::new(0, Duration::from_hours(1)), 1_000, Some(7)));
    }

    #[test]
    fn the_memory_is_bounded() {
        let memory = Memory::new(100, Duration::from_hours(1));
        for id in 0..10_000 {
            memory.remember(remembered(id));
        }
        assert!(memory.tokens.unwrap().len() <= 100);
    }
}
