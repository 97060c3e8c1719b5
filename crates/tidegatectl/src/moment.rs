//! Moments as the API writes them, and times as people read them.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Seconds since the Unix epoch; `None` for what is no moment.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

/// What the clock of this machine says.
pub(crate) fn now() -> i64 {
    model::Timestamp::now().0.div_euclid(1000)
}

/// How long ago, or until when.
pub(crate) fn between(from: &str, to: i64) -> Option<String> {
    seconds(from).map(|from| duration(to - from))
}

/// `41 s`, `3 m 20 s`, `2 h 5 m`, `3 d 4 h`. Clocks differ a little, so that it is never below 0.
pub(crate) fn duration(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..60 => format!("{s} s"),
        s @ 60..3600 => format!("{} m {} s", s / 60, s % 60),
        s @ 3600..86_400 => format!("{} h {} m", s / 3600, s % 3600 / 60),
        s => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_are_enough() {
        let shown = [-3, 0, 59, 60, 3599, 3600, 86_399, 90_000].map(duration);
        let expected =
            ["0 s", "0 s", "59 s", "1 m 0 s", "59 m 59 s", "1 h 0 m", "23 h 59 m", "1 d 1 h"];
        assert_eq!(shown, expected);
        assert_eq!(seconds("1970-01-01T00:01:00Z"), Some(60));
        assert_eq!(seconds("soon"), None);
    }
}
