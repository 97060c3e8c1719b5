//! Moments as Aiven's clients parse them.

use model::Timestamp;
use time::macros::format_description;

/// `2026-11-21T20:00:00Z`: no fraction, which some clients cannot parse.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    at.to_string()
}

/// Whether `text` is `HH:MM:SS`.
pub(crate) fn is_time_of_day(text: &str) -> bool {
    time::Time::parse(text, format_description!("[hour]:[minute]:[second]")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_no_fraction() {
        assert_eq!(rfc3339(Timestamp(1_795_291_200_999)), "2026-11-21T20:00:00Z");
    }

    #[test]
    fn a_time_of_day_has_six_digits() {
        assert!(is_time_of_day("03:00:00"));
        assert!(!is_time_of_day("3:00"));
        assert!(!is_time_of_day("24:00:00"));
    }
}
