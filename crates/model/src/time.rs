//! The only clock that the pure crates know: a number.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// As RFC 3339 has it, in UTC and without a fraction of a second.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1000));
        let text = moment.ok().and_then(|it| it.format(SECONDS).ok());
        f.write_str(text.as_deref().unwrap_or("beyond all time"))
    }
}

impl Timestamp {
    /// What the wall clock of this machine says. Pure crates take it as an argument instead.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the ban points to")]
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self(since.map_or(0, |it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The moment `ms` milliseconds after this one.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// How many milliseconds `self` is after `earlier`; negative if it is before.
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_a_date() {
        assert_eq!(Timestamp(1_795_291_200_999).to_string(), "2026-11-21T20:00:00Z");
        assert_eq!(Timestamp(i64::MAX).to_string(), "beyond all time");
    }
}
