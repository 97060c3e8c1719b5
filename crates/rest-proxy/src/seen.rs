//! Who used what, for the control plane to say who would lose access by a change.
//!
//! Noting a use that is known takes one look-up and no allocation. **Invariant:** nothing here refuses
//! a request or keeps one waiting: what there is no room for is forgotten, and counted.

mod asker;
mod report;

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use auth::Verified;
use model::{AclOperation, Principal, ResourceType, SeenClaims, SeenReport, SeenUse, Timestamp};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Lifecycle, UnitWeighter};

pub(crate) use self::asker::{Asker, Strangers};
use crate::metrics::Metrics;
use crate::settings::ToldClaims;

/// The most uses that are remembered.
const MOST_USES: usize = 10_000;
/// The most principals whose claims are remembered.
const MOST_CLAIMS: usize = 2_000;
/// The most uses of one report, and the most principals with claims: less than the control plane
/// reads at once even if all names are long.
const PART: (usize, usize) = (400, 25);
/// What goes on is told again after so long: when it was last is of days.
const AGAIN_MS: i64 = 5 * 60 * 1000;
/// The same of claims, which hardly change.
const CLAIMS_AGAIN_MS: i64 = 60 * 60 * 1000;
/// As a time: never.
const NEVER: i64 = i64::MIN;

/// What was seen, and what of it was told.
pub(crate) struct Seen {
    uses: Cache<Use, Arc<Times>, UnitWeighter, RandomState, Forgetting>,
    claims: Cache<Arc<str>, Arc<Claims>>,
    pub(crate) strangers: Strangers,
    metrics: Metrics,
}

/// A use of a resource.
#[derive(Clone, PartialEq, Eq)]
struct Use {
    asker: Asker,
    resource_type: ResourceType,
    resource_name: Arc<str>,
    operation: AclOperation,
}

/// The same, to look it up.
#[derive(PartialEq, Eq, Hash)]
struct Asked<'a> {
    principal: Option<&'a str>,
    proven: bool,
    resource_type: ResourceType,
    resource_name: &'a str,
    operation: AclOperation,
}

impl Use {
    fn asked(&self) -> Asked<'_> {
        Asked {
            principal: self.asker.principal.as_deref(),
            proven: self.asker.proven,
            resource_type: self.resource_type,
            resource_name: &self.resource_name,
            operation: self.operation,
        }
    }
}

impl Hash for Use {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.asked().hash(state);
    }
}

impl Equivalent<Use> for Asked<'_> {
    fn equivalent(&self, key: &Use) -> bool {
        *self == key.asked()
    }
}

/// When a use was last, and which time the control plane has; in milliseconds.
struct Times {
    last: AtomicI64,
    told: AtomicI64,
}

impl Times {
    fn is_told(&self) -> bool {
        self.told.load(Ordering::Relaxed) != NEVER
    }

    /// The time to tell, if it is to be told; with `all` also if that could wait.
    pub(crate) fn due(&self, all: bool) -> Option<Timestamp> {
        let (last, told) = (self.last.load(Ordering::Relaxed), self.told.load(Ordering::Relaxed));
        let wait = if all { 1 } else { AGAIN_MS };
        (last.saturating_sub(told) >= wait).then_some(Timestamp(last))
    }
}

/// What the latest token of a principal says.
struct Claims {
    token: [u8; 32],
    /// What was looked for in it.
    wanted: Arc<ToldClaims>,
    texts: BTreeMap<String, String>,
    /// Those that are watched and not in it.
    absent: BTreeSet<String>,
    /// When it was told.
    told: AtomicI64,
}

/// Counts uses that go before they were told.
#[derive(Clone)]
struct Forgetting(Metrics);

impl Lifecycle<Use, Arc<Times>> for Forgetting {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: Use, times: Arc<Times>) {
        if !times.is_told() {
            self.0.uses_forgotten(1);
        }
    }
}

impl Seen {
    pub(crate) fn new(metrics: Metrics) -> Self {
        let forgetting = Forgetting(metrics.clone());
        let most = MOST_USES as u64;
        Self {
            uses: Cache::with(MOST_USES, most, UnitWeighter, RandomState::new(), forgetting),
            claims: Cache::new(MOST_CLAIMS),
            strangers: Strangers::new(),
            metrics,
        }
    }

    /// Kafka allowed `asker` to do this with a resource.
    pub(crate) fn note(
        &self,
        asker: &Asker,
        resource_type: ResourceType,
        resource_name: &str,
        operation: AclOperation,
    ) {
        let key = Asked {
            principal: asker.principal.as_deref(),
            proven: asker.proven,
            resource_type,
            resource_name,
            operation,
        };
        let now = Timestamp::now().0;
        if let Some(times) = self.uses.get(&key) {
            times.last.store(now, Ordering::Relaxed);
            return;
        }
        let (asker, resource_name) = (asker.clone(), Arc::from(resource_name));
        let new = Use { asker, resource_type, resource_name, operation };
        // Two requests may both be the first: one of them counts.
        let times = Times { last: AtomicI64::new(now), told: AtomicI64::new(NEVER) };
        self.uses.insert(new, Arc::new(times));
    }

    /// `asker` used a topic.
    pub(crate) fn topic(&self, asker: &Asker, topic: &str, operation: AclOperation) {
        self.note(asker, ResourceType::Topic, topic, operation);
    }

    /// `asker` used a consumer group.
    pub(crate) fn group(&self, asker: &Asker, group: &str, operation: AclOperation) {
        self.note(asker, ResourceType::Group, group, operation);
    }

    /// `token` was verified: what else does it call its bearer? It is looked at again when other claims
    /// are told than before.
    pub(crate) fn claims(&self, verified: &Verified, token: &str, told_claims: &Arc<ToldClaims>) {
        let known = self.claims.get(&*verified.principal);
        let is_same = |it: &Arc<Claims>| {
            it.token == verified.token_sha256 && Arc::ptr_eq(&it.wanted, told_claims)
        };
        if known.as_ref().is_some_and(is_same) {
            return;
        }
        let mut texts = verified.claims(token, &told_claims.names());
        texts.retain(|_, text| is_told(text));
        let absent = told_claims.watched.iter().filter(|it| !texts.contains_key(*it));
        let absent = absent.cloned().collect();
        let now = Timestamp::now().0;
        let known = known.filter(|it| it.texts == texts && it.absent == absent);
        let told = known.map(|it| it.told.load(Ordering::Relaxed));
        let told = told.filter(|it| now.saturating_sub(*it) < CLAIMS_AGAIN_MS).unwrap_or(NEVER);
        let claims = Claims {
            token: verified.token_sha256,
            wanted: Arc::clone(told_claims),
            texts,
            absent,
            told: AtomicI64::new(told),
        };
        self.claims.insert(Arc::clone(&verified.principal), Arc::new(claims));
    }

    /// What the control plane does not know yet, or, unless `all` is asked for, has not heard of for a
    /// while; a part of it if it is much. What the control plane would not take is left out.
    pub(crate) fn due(&self, all: bool) -> SeenReport {
        let uses = self.uses.iter().filter_map(|(it, times)| {
            let seen = SeenUse {
                principal: it.asker.principal.as_deref().map(principal),
                proven: it.asker.proven,
                resource_type: it.resource_type,
                resource_name: it.resource_name.to_string(),
                operation: it.operation,
                last: times.due(all)?,
            };
            seen.check().is_ok().then_some(seen)
        });
        let claims = self.claims.iter().filter_map(|(name, it)| {
            if it.told.load(Ordering::Relaxed) != NEVER {
                return None;
            }
            let (claims, absent) = (it.texts.clone(), it.absent.clone());
            let seen = SeenClaims { principal: principal(&name), claims, absent };
            seen.check().is_ok().then_some(seen)
        });
        SeenReport { uses: uses.take(PART.0).collect(), claims: claims.take(PART.1).collect() }
    }

    /// The control plane has a report, or will never take it.
    fn told(&self, report: &SeenReport) {
        for it in &report.uses {
            let asked = Asked {
                principal: it.principal.as_ref().map(|it| it.0.as_str()),
                proven: it.proven,
                resource_type: it.resource_type,
                resource_name: &it.resource_name,
                operation: it.operation,
            };
            if let Some(times) = self.uses.peek(&asked) {
                times.told.store(it.last.0, Ordering::Relaxed);
            }
        }
        let now = Timestamp::now().0;
        for it in &report.claims {
            if let Some(claims) = self.claims.peek(&*it.principal.0) {
                claims.told.store(now, Ordering::Relaxed);
            }
        }
    }
}

fn principal(name: &str) -> Principal {
    Principal(name.to_owned())
}

/// Whether the control plane takes a claim of this text.
fn is_told(text: &str) -> bool {
    (1..=256).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
