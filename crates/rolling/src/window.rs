//! Maintenance windows.

use model::Timestamp;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
/// 1 January 1970 was a Thursday: that many days after a Monday.
const EPOCH_WEEKDAY: i64 = 3;

/// A maintenance window: the same time each week, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The start, in milliseconds after Monday 00:00 UTC; below one week.
    start_ms: i64,
}

/// Where a moment lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowState {
    /// Inside, until then.
    Open(Timestamp),
    /// Outside; the next one opens then.
    Closed(Timestamp),
}

impl Window {
    /// How long a window is open: as long as Aiven's.
    pub const LENGTH_MS: i64 = 4 * 60 * MINUTE_MS;

    /// The window that starts on this day (`monday` to `sunday`) at this time (`HH:MM:SS`). `None`
    /// for anything else, `never` included.
    pub fn parse(dow: &str, time: &str) -> Option<Self> {
        const DAYS: [&str; 7] =
            ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let day = i64::try_from(DAYS.iter().position(|it| *it == dow)?).ok()?;
        let mut parts = time.split(':').map(str::parse::<i64>);
        let (hours, minutes) = (parts.next()?.ok()?, parts.next()?.ok()?);
        let seconds = parts.next().unwrap_or(Ok(0)).ok()?;
        let in_range =
            (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..60).contains(&seconds);
        let start_ms = day * DAY_MS + (hours * 60 + minutes) * MINUTE_MS + seconds * 1000;
        (in_range && parts.next().is_none()).then_some(Self { start_ms })
    }

    /// Where `now` lies.
    pub const fn at(self, now: Timestamp) -> WindowState {
        let into_week = (now.0 + EPOCH_WEEKDAY * DAY_MS).rem_euclid(WEEK_MS);
        let since_start = (into_week - self.start_ms).rem_euclid(WEEK_MS);
        let started = now.plus_ms(-since_start);
        if since_start < Self::LENGTH_MS {
            WindowState::Open(started.plus_ms(Self::LENGTH_MS))
        } else {
            WindowState::Closed(started.plus_ms(WEEK_MS))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-25 was a Wednesday.
    const WEDNESDAY: i64 = 1_795_564_800_000;

    #[test]
    fn opens_on_its_day_at_its_time_and_closes_four_hours_later() {
        let window = Window::parse("wednesday", "22:30:00").unwrap();
        let opens = Timestamp(WEDNESDAY + (22 * 60 + 30) * MINUTE_MS);
        assert_eq!(window.at(Timestamp(WEDNESDAY)), WindowState::Closed(opens));
        let closes = opens.plus_ms(Window::LENGTH_MS);
        assert_eq!(window.at(opens), WindowState::Open(closes), "over midnight");
        assert_eq!(window.at(closes.plus_ms(-1)), WindowState::Open(closes));
        assert_eq!(window.at(closes), WindowState::Closed(opens.plus_ms(WEEK_MS)));
    }

    #[test]
    fn never_is_no_window_and_neither_is_nonsense() {
        for (dow, time) in
            [("never", "00:00:00"), ("monday", "24:00:00"), ("monday", "12"), ("", "")]
        {
            assert_eq!(Window::parse(dow, time), None, "{dow} {time}");
        }
        assert!(Window::parse("sunday", "23:59").is_some());
    }
}
