//! How far back a chart goes, of what steps it is made, and how long these are kept.

use model::Timestamp;

/// What is kept in steps of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// The length of a step.
    pub(super) seconds: i32,
    /// How long a step is kept after it began, in hours.
    hours: i32,
}

/// Samples, as they were taken.
pub(super) const SAMPLE: Kept = Kept { seconds: 30, hours: 3 };
/// Means of 5 minutes, for 8 days.
pub(super) const FINE: Kept = Kept { seconds: 300, hours: 8 * 24 };
/// Means of an hour, for 400 days.
pub(super) const MEAN: Kept = Kept { seconds: HOUR, hours: 400 * 24 };
pub(super) const HOUR: i32 = 3600;

impl Kept {
    /// What began earlier is deleted at `now`.
    pub(super) fn oldest(self, now: Timestamp) -> Timestamp {
        now.plus_ms(-ms(self.hours * HOUR))
    }
}

/// How far back a chart goes, by Aiven's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Period {
    /// 60 minutes, in steps of 30 seconds.
    #[default]
    Hour,
    /// 24 hours, in steps of 5 minutes.
    Day,
    /// 7 days, in steps of half an hour.
    Week,
    /// 31 days, in steps of 3 hours.
    Month,
    /// 366 days, in steps of a day.
    Year,
}

impl Period {
    /// All of them, the shortest first.
    pub const ALL: [Self; 5] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// The time between two points of its chart, in seconds.
    pub const fn step_seconds(self) -> i32 {
        match self {
            Self::Hour => 30,
            Self::Day => 5 * 60,
            Self::Week => 30 * 60,
            Self::Month => 3 * HOUR,
            Self::Year => 24 * HOUR,
        }
    }

    /// The most points that a chart of it has.
    pub const fn points(self) -> i32 {
        self.hours() * HOUR / self.step_seconds() + 1
    }

    const fn hours(self) -> i32 {
        match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 31 * 24,
            Self::Year => 366 * 24,
        }
    }

    /// Of what its points are made.
    pub(super) const fn stored(self) -> Kept {
        match self {
            Self::Hour => SAMPLE,
            Self::Day | Self::Week => FINE,
            Self::Month | Self::Year => MEAN,
        }
    }

    /// When its first point begins, if it ends at `now`.
    pub(super) fn from(self, now: Timestamp) -> Timestamp {
        begin(now.plus_ms(-ms(self.hours() * HOUR)), self.step_seconds())
    }
}

/// When the step of `seconds` begins that `at` is in.
pub(super) fn begin(at: Timestamp, seconds: i32) -> Timestamp {
    Timestamp(at.0 - at.0.rem_euclid(ms(seconds)))
}

fn ms(seconds: i32) -> i64 {
    i64::from(seconds) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_a_few_hundred_points_of_whole_steps_that_are_kept() {
        let now = Timestamp(1_795_291_234_567);
        for period in Period::ALL {
            let stored = period.stored();
            assert!((100..400).contains(&period.points()), "{period:?}: {}", period.points());
            assert_eq!(period.step_seconds() % stored.seconds, 0, "{period:?}");
            let from = period.from(now);
            assert!(from >= stored.oldest(now), "{period:?} wants what is deleted");
            assert_eq!(from.0 % ms(period.step_seconds()), 0, "{period:?}");
        }
    }

    #[test]
    fn a_step_begins_at_its_own_beginning() {
        for (at, begins) in [(0, 0), (29_999, 0), (30_000, 30_000), (59_999, 30_000)] {
            assert_eq!(begin(Timestamp(at), 30), Timestamp(begins), "{at}");
        }
    }
}
