//! What went on while no acknowledgement came: the gaps beside the states of the nodes.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::load::Window;

/// So many of the longest are told.
const TOLD: usize = 8;

/// What the service was seen to do, with the time.
#[derive(Clone, Debug, Default)]
pub(super) struct Diary(Vec<(f64, String)>);

impl Diary {
    /// Writes down what is seen now.
    #[expect(clippy::disallowed_methods, reason = "the load tells its gaps by the same clock")]
    pub(super) fn note(&mut self, line: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.0.push((now.as_secs_f64() * 1e3, line.to_owned()));
    }

    /// The longest gaps in the order of time, each with what was seen meanwhile.
    pub(super) fn gaps(&self, path: &str, window: &Window) -> String {
        let start = self.0.first().map_or(0.0, |(at, _)| *at);
        let mut gaps = window.gaps();
        gaps.truncate(TOLD);
        gaps.sort_by(|a, b| a.1.total_cmp(&b.1));
        let line = |&(ms, until): &(f64, f64)| {
            let (from, to) = ((until - ms - start) / 1e3, (until - start) / 1e3);
            let seen = self.between(until - ms, until).join("\n            then ");
            format!("  {path}: {ms:.0} ms, from {from:.1} to {to:.1} s\n            {seen}")
        };
        gaps.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What held at `from`, and what came until `to`.
    fn between(&self, from: f64, to: f64) -> Vec<&str> {
        let first = self.0.partition_point(|(at, _)| *at <= from).saturating_sub(1);
        let seen = self.0.iter().skip(first).take_while(|(at, _)| *at <= to);
        seen.map(|(_, line)| line.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_with_what_held_and_what_came() {
        let of = |at: f64, line: &str| (at, line.to_owned());
        let diary = Diary(vec![of(10.0, "a"), of(20.0, "b"), of(30.0, "c"), of(40.0, "d")]);
        assert_eq!(diary.between(25.0, 35.0), ["b", "c"]);
        assert_eq!(diary.between(5.0, 8.0), Vec::<&str>::new());
        assert_eq!(diary.between(41.0, 45.0), ["d"]);
    }
}
