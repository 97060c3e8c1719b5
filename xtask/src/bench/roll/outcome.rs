//! What came of one rolling restart.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::load::Report;
use crate::rollout::Watched;

/// The name of our own.
pub(super) const OURS: &str = "ours";

/// What came of one rolling restart.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// `ours`, or the rival.
    pub(super) name: String,
    /// Until it was through.
    pub(super) total_secs: f64,
    /// Until every replica was in sync, which for ours is the same.
    pub(super) whole_secs: f64,
    pub(super) report: Report,
    /// The machine's load average when it began.
    pub(super) busy: f64,
    /// Of ours: how long each node was in each state.
    pub(super) states: BTreeMap<String, BTreeMap<String, Duration>>,
    pub(super) note: Option<String>,
}

impl Outcome {
    pub(super) fn of_ours(watched: Watched, report: Report, busy: f64) -> Self {
        let total_secs = watched.total.as_secs_f64();
        let note = format!("order: {}", watched.order.join(", "));
        let (name, states, note) = (OURS.to_owned(), watched.states, Some(note));
        Self { name, total_secs, whole_secs: total_secs, report, busy, states, note }
    }

    /// `said` is the report of `tidegate-roll`. The time of `single` is that of its restarts alone.
    pub(super) fn of_rival(
        name: &str,
        said: &Value,
        (report, busy): (Report, f64),
        note: String,
    ) -> anyhow::Result<Self> {
        let number = |key: &str| said[key].as_f64().with_context(|| format!("{key}: {said}"));
        let restarts = said["restarts"].as_array().into_iter().flatten();
        let alone: f64 = restarts.filter_map(|it| it["in_sync_secs"].as_f64()).sum();
        let is_single = name == super::rivals::SINGLE;
        let mut note = note;
        if let Some(why) = said["gave_up"].as_str() {
            note = format!("GAVE UP: {why}; {note}");
        }
        if said["ended_by_themselves"].as_u64() > Some(0) {
            note = format!("{} brokers ended by themselves; {note}", said["ended_by_themselves"]);
        }
        Ok(Self {
            name: name.to_owned(),
            total_secs: if is_single { alone } else { number("total_secs")? },
            whole_secs: if is_single { alone } else { number("whole_secs")? },
            report,
            busy,
            states: BTreeMap::new(),
            note: Some(note),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// What the load says of a run in which every number was `number`, after a baseline of tens.
    pub(in crate::bench::roll) fn report(number: f64) -> Report {
        let numbers = [
            "acked",
            "failed",
            "lost",
            "duplicated",
            "out_of_order",
            "failed_reads",
            "p50_ms",
            "p99_ms",
            "max_ms",
            "longest_gap_ms",
            "consume_gap_ms",
            "under_min_isr_max_ms",
            "leaderless_max_ms",
            "longest_blind_ms",
        ];
        let window = |name: &str, number: f64| {
            let mut window: Value = numbers.iter().map(|it| (*it, number)).collect();
            window["name"] = name.into();
            window
        };
        let windows = json!([window("baseline", 10.0), window("change", number)]);
        let rest = json!({ "windows": windows });
        let report = json!({ "windows": windows, "rest": rest, "partitions": windows });
        Report::parse(&report).unwrap()
    }

    #[test]
    fn single_takes_as_long_as_its_restarts_and_others_until_they_are_through() {
        let said = json!({ "total_secs": 30.0, "whole_secs": 35.0, "ended_by_themselves": 1,
            "restarts": [{ "in_sync_secs": 5.0 }, { "in_sync_secs": 7.0 }] });
        let of =
            |name| Outcome::of_rival(name, &said, (report(0.0), 1.0), "a note".to_owned()).unwrap();
        assert!((of("single").total_secs - 12.0).abs() < 1e-9);
        assert!((of("naive").total_secs - 30.0).abs() < 1e-9);
        assert_eq!(of("naive").note.as_deref(), Some("1 brokers ended by themselves; a note"));
    }
}
