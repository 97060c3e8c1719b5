//! What went wrong, counted, with the first of it in words.

use serde::Serialize;

/// Failed requests or records.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Failures {
    pub(super) failures: u64,
    /// `None` if there were none.
    pub(super) first_failure: Option<String>,
}

impl Failures {
    pub(super) fn add(&mut self, what: impl FnOnce() -> String) {
        self.failures += 1;
        self.first_failure.get_or_insert_with(what);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.failures += other.failures;
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }
}
