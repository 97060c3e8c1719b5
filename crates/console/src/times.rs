//! Moments as people read them: how long ago, and exactly when on hover.

use maud::{Markup, html};
use model::Timestamp;

const UNITS: [(i64, &str); 4] = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];

/// A moment, relative to `now`.
pub fn time(at: Timestamp, now: Timestamp) -> Markup {
    let exact = at.to_string();
    html! { time datetime=(exact) title=(exact) { (relative(at, now)) } }
}

/// `3 minutes ago`, `in 2 hours`, `just now`: in the largest unit of which there is a whole one,
/// rounded down.
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let ms = now.ms_since(at);
    let span = span(ms.saturating_abs());
    match span {
        None => "just now".to_owned(),
        Some(span) if ms > 0 => format!("{span} ago"),
        Some(span) => format!("in {span}"),
    }
}

/// How long `ms` milliseconds are; `None` if that is less than a second.
pub fn span(ms: i64) -> Option<String> {
    let seconds = ms / 1000;
    let (size, unit) = UNITS.into_iter().find(|(size, _)| seconds >= *size)?;
    let count = seconds / size;
    let plural = if count == 1 { "" } else { "s" };
    Some(format!("{count} {unit}{plural}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_that_is_whole_counts() {
        let at = Timestamp(1_795_291_200_000);
        let told = |seconds: i64| relative(at, at.plus_ms(seconds * 1000));
        for (seconds, expected) in [
            (0, "just now"),
            (1, "1 second ago"),
            (59, "59 seconds ago"),
            (60, "1 minute ago"),
            (3599, "59 minutes ago"),
            (7200, "2 hours ago"),
            (86_399, "23 hours ago"),
            (86_400 * 400, "400 days ago"),
            (-1, "in 1 second"),
            (-90, "in 1 minute"),
        ] {
            assert_eq!(told(seconds), expected, "{seconds}");
        }
        assert_eq!(relative(at, at.plus_ms(999)), "just now");
        assert_eq!(relative(at, Timestamp(i64::MIN)), format!("in {} days", i64::MAX / 86_400_000));
    }

    #[test]
    fn the_exact_moment_is_there_for_programs_and_on_hover() {
        let at = Timestamp(1_795_291_200_000);
        assert_eq!(
            time(at, at.plus_ms(61_000)).into_string(),
            r#"<time datetime="2026-11-21T20:00:00Z" title="2026-11-21T20:00:00Z">1 minute ago</time>"#
        );
    }
}
