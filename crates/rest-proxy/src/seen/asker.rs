//! Who asks, as far as anybody can say.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use model::{Timestamp, Username};
use quick_cache::sync::Cache;

use super::Seen;
use crate::identity::Presented;
use crate::owner::Owner;
use crate::settings::Active;

/// A token that is no good is not looked at again for so long, in milliseconds.
const KEPT_MS: i64 = 10_000;
/// How many of them are remembered.
const MOST: usize = 1_000;

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asker {
    /// `None`: nobody that could be named.
    pub(crate) principal: Option<Arc<str>>,
    /// Whether that was shown by a token or a password.
    pub(crate) proven: bool,
}

impl Asker {
    /// With authorization on, whoever has shown it.
    pub(crate) fn proven(owner: &Owner) -> Self {
        match owner {
            Owner::Proxy => Self::default(),
            Owner::Oidc { principal: name, .. } | Owner::User { username: name } => {
                Self { principal: Some(Arc::clone(name)), proven: true }
            }
        }
    }
}

/// Tokens that were not good a moment ago, so that they do not cost each request a look at their
/// signature. By a hash with a key of this process: nobody can choose two that are alike.
pub(crate) struct Strangers {
    seen: Cache<u64, Timestamp>,
    hash: RandomState,
}

impl Strangers {
    pub(super) fn new() -> Self {
        Self { seen: Cache::new(MOST), hash: RandomState::new() }
    }
}

impl Seen {
    /// With authorization off, who the caller would be with it on, as far as that can be said without
    /// asking anybody. A token that is not good makes nobody, and a password is not looked at.
    pub(crate) fn guess(&self, active: &Active, presented: Option<Presented<'_>>) -> Asker {
        match presented {
            None => Asker::default(),
            Some(Presented::Bearer(token)) => self.bearer(active, token).unwrap_or_default(),
            Some(Presented::Basic(name, _)) => {
                let name = name.parse::<Username>().ok();
                Asker { principal: name.map(|it| it.as_str().into()), proven: false }
            }
        }
    }

    fn bearer(&self, active: &Active, token: &str) -> Option<Asker> {
        let rules = active.verifier.as_deref()?;
        let now = Timestamp::now();
        let hash = self.strangers.hash.hash_one(token);
        let refused = self.strangers.seen.get(&hash);
        if refused.is_some_and(|at| (0..KEPT_MS).contains(&now.ms_since(at))) {
            return None;
        }
        let Ok(verified) = rules.verify_at_hand(token) else {
            self.strangers.seen.insert(hash, now);
            return None;
        };
        self.claims(&verified, token, &active.told_claims);
        Some(Asker { principal: Some(Arc::clone(&verified.principal)), proven: true })
    }
}
