//! When an unknown `kid` is worth another fetch.
//!
//! Anybody can write any `kid` into a token, so strangers must not make us flood the identity
//! provider: there is one bucket for all of them. Pure: the caller brings the time.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// How many are remembered.
const CAPACITY: usize = 1024;

/// What to do about a key that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Start a fetch and wait for it.
    Fetch,
    /// Wait for the one under way.
    Join,
    /// Nothing would come of it.
    Refuse,
}

/// The memory of the bucket.
#[derive(Debug)]
pub(crate) struct Missing {
    /// Between two fetches on account of unknown keys.
    pause: Duration,
    /// How long a `kid` is known to be missing.
    remembered: Duration,
    under_way: bool,
    last_asked: Option<Instant>,
    known: HashSet<String>,
    /// The same, oldest first.
    order: VecDeque<(Instant, String)>,
}

impl Missing {
    /// Nothing is missing yet.
    pub(crate) fn new(pause: Duration, remembered: Duration) -> Self {
        Self {
            pause,
            remembered,
            under_way: false,
            last_asked: None,
            known: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    /// What to do about the missing key `kid`, or about there being no keys at all.
    pub(crate) fn advise(&mut self, kid: Option<&str>, now: Instant) -> Advice {
        self.forget(now);
        if kid.is_some_and(|kid| self.known.contains(kid)) {
            return Advice::Refuse;
        }
        if self.under_way {
            return Advice::Join;
        }
        if self.last_asked.is_some_and(|at| now.duration_since(at) < self.pause) {
            return Advice::Refuse;
        }
        self.last_asked = Some(now);
        self.under_way = true;
        Advice::Fetch
    }

    /// A fetch, for whatever reason, begins.
    pub(crate) const fn begin(&mut self) {
        self.under_way = true;
    }

    /// It is over.
    pub(crate) const fn end(&mut self) {
        self.under_way = false;
    }

    /// `kid` was not among keys that were fetched just now.
    pub(crate) fn remember(&mut self, kid: &str, now: Instant) {
        if !self.known.insert(kid.to_owned()) {
            return;
        }
        self.order.push_back((now, kid.to_owned()));
        if self.order.len() > CAPACITY {
            self.drop_oldest();
        }
    }

    fn forget(&mut self, now: Instant) {
        let remembered = self.remembered;
        let old = |entry: &(Instant, String)| now.duration_since(entry.0) >= remembered;
        while self.order.front().is_some_and(old) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, kid)) = self.order.pop_front() {
            self.known.remove(&kid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing() -> Missing {
        Missing::new(Duration::from_secs(10), Duration::from_mins(1))
    }

    #[test]
    fn one_fetch_in_ten_seconds_whoever_asks() {
        let (mut missing, start) = (missing(), Instant::now());
        assert_eq!(missing.advise(Some("a"), start), Advice::Fetch);
        assert_eq!(missing.advise(Some("b"), start), Advice::Join);
        missing.end();
        assert_eq!(missing.advise(Some("c"), start + Duration::from_secs(9)), Advice::Refuse);
        assert_eq!(missing.advise(Some("c"), start + Duration::from_secs(10)), Advice::Fetch);
    }

    #[test]
    fn a_kid_known_to_be_missing_does_not_use_up_the_bucket() {
        let (mut missing, start) = (missing(), Instant::now());
        missing.remember("junk", start);
        assert_eq!(missing.advise(Some("junk"), start + Duration::from_secs(59)), Advice::Refuse);
        assert_eq!(missing.advise(Some("new"), start + Duration::from_secs(59)), Advice::Fetch);
        missing.end();
        assert_eq!(missing.advise(Some("junk"), start + Duration::from_secs(70)), Advice::Fetch);
    }

    #[test]
    fn the_memory_is_bounded() {
        let (mut missing, start) = (missing(), Instant::now());
        for n in 0..5000 {
            missing.remember(&n.to_string(), start);
            missing.remember(&n.to_string(), start);
        }
        assert_eq!((missing.known.len(), missing.order.len()), (CAPACITY, CAPACITY));
        assert_eq!(missing.advise(Some("4999"), start), Advice::Refuse);
        assert_eq!(missing.advise(Some("0"), start), Advice::Fetch);
    }
}
