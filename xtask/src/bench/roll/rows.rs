//! The outcomes as rows, and side by side.

use std::fmt::Write as _;

use Goal::{Millis, Nothing, TwiceTheBaseline, Zero};
use Source::{Native, Partitions, Rest};

use super::outcome::{OURS, Outcome};
use super::rivals::SINGLE;
use crate::bench::row::{Row, short};

/// A number of an outcome, and its goal for ours.
struct Measure {
    name: &'static str,
    /// Heads its column in the short table, if it has one.
    short: &'static str,
    unit: &'static str,
    source: Source,
    goal: Goal,
}

/// Where a number is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Total,
    Whole,
    Busy,
    /// In the windows of native clients.
    Native(&'static str),
    /// In the windows of the REST proxy's.
    Rest(&'static str),
    Partitions(&'static str),
}

#[derive(Clone, Copy)]
enum Goal {
    Nothing,
    Zero,
    TwiceTheBaseline,
    Millis(f64),
}

impl Measure {
    const fn new(
        name: &'static str,
        short: &'static str,
        unit: &'static str,
        source: Source,
        goal: Goal,
    ) -> Self {
        Self { name, short, unit, source, goal }
    }

    fn value(&self, of: &Outcome) -> Option<f64> {
        match self.source {
            Source::Total => Some(of.total_secs),
            Source::Whole => Some(of.whole_secs),
            Source::Busy => Some(of.busy),
            Native(key) => of.report.change.number(key).ok(),
            Rest(key) => of.report.rest.as_ref()?.1.number(key).ok(),
            Partitions(key) => of.report.partitions.number(key).ok(),
        }
    }

    fn baseline(&self, of: &Outcome) -> Option<f64> {
        match self.source {
            Native(key) => of.report.baseline.number(key).ok(),
            Rest(key) => of.report.rest.as_ref()?.0.number(key).ok(),
            Source::Total | Source::Whole | Source::Busy | Partitions(_) => None,
        }
    }

    fn limit(&self, baseline: Option<f64>) -> Option<f64> {
        match self.goal {
            Nothing => None,
            Zero => Some(0.0),
            TwiceTheBaseline => baseline.map(|it| 2.0 * it),
            Millis(limit) => Some(limit),
        }
    }

    /// Whether the short table shows how often it is the baseline.
    const fn has_ratio(&self) -> bool {
        matches!(self.goal, TwiceTheBaseline)
    }
}

const TOTAL: Measure = Measure::new("total", "total s", "s", Source::Total, Nothing);
/// The longest time without an acknowledgement that a client may see.
const SECOND: Goal = Millis(1000.0);

#[rustfmt::skip]
const MEASURES: [Measure; 26] = [
    Measure::new("until all is in sync", "whole s", "s", Source::Whole, Nothing),
    Measure::new("native: acked", "", "records", Native("acked"), Nothing),
    Measure::new("native: failed", "failed", "records", Native("failed"), Zero),
    Measure::new("native: lost", "lost", "records", Native("lost"), Zero),
    Measure::new("native: duplicated", "dup", "records", Native("duplicated"), Zero),
    Measure::new("native: out of order", "order", "records", Native("out_of_order"), Zero),
    Measure::new("native: p50", "", "ms", Native("p50_ms"), Nothing),
    Measure::new("native: p99", "p99", "ms", Native("p99_ms"), TwiceTheBaseline),
    Measure::new("native: max", "", "ms", Native("max_ms"), Nothing),
    Measure::new("native: longest gap", "gap", "ms", Native("longest_gap_ms"), SECOND),
    Measure::new("native: longest gap of a consumer", "", "ms", Native("consume_gap_ms"), Nothing),
    Measure::new("REST: acked", "", "records", Rest("acked"), Nothing),
    Measure::new("REST: failed requests", "R failed", "requests", Rest("failed"), Zero),
    Measure::new("REST: failed reads", "R reads", "requests", Rest("failed_reads"), Zero),
    Measure::new("REST: lost", "R lost", "records", Rest("lost"), Zero),
    Measure::new("REST: duplicated", "R dup", "records", Rest("duplicated"), Zero),
    Measure::new("REST: out of order", "R order", "records", Rest("out_of_order"), Zero),
    Measure::new("REST: p50", "", "ms", Rest("p50_ms"), Nothing),
    Measure::new("REST: p99", "R p99", "ms", Rest("p99_ms"), TwiceTheBaseline),
    Measure::new("REST: max", "", "ms", Rest("max_ms"), Nothing),
    Measure::new("REST: longest gap", "R gap", "ms", Rest("longest_gap_ms"), SECOND),
    Measure::new("REST: longest gap of a consumer", "", "ms", Rest("consume_gap_ms"), Nothing),
    Measure::new("under min ISR, worst partition", "u-min ms", "ms", Partitions("under_min_isr_max_ms"), Zero),
    Measure::new("leaderless, worst partition", "no lead", "ms", Partitions("leaderless_max_ms"), Nothing),
    Measure::new("longest time without a picture of the partitions", "", "ms", Partitions("longest_blind_ms"), Nothing),
    Measure::new("load average of the machine before it", "machine", "", Source::Busy, Nothing),
];

/// Every number of every outcome. Of several of the same name the worst counts, and the note has
/// them all.
pub(super) fn rows(outcomes: &[Outcome]) -> Vec<Row> {
    let mut names: Vec<&str> = Vec::new();
    for it in outcomes {
        if !names.contains(&it.name.as_str()) {
            names.push(&it.name);
        }
    }
    let single: Vec<f64> =
        outcomes.iter().filter(|it| it.name == SINGLE).map(|it| it.total_secs).collect();
    let single = median(single);
    let mut rows = Vec::new();
    for name in names {
        let own: Vec<&Outcome> = outcomes.iter().filter(|it| it.name == name).collect();
        if let Some(mut row) = row(&own, &TOTAL) {
            if let Some(single) = single.filter(|_| name != SINGLE) {
                row = row.beside(single);
                row = if name == OURS { row.at_most(1.2 * single) } else { row };
            }
            rows.push(row.note(own.iter().find_map(|it| it.note.clone())));
        }
        rows.extend(MEASURES.iter().filter_map(|measure| row(&own, measure)));
        if let Some(last) = own.last() {
            for (node, states) in &last.states {
                for (state, time) in states {
                    rows.push(Row::new(format!("{name}: {node} {state}"), time.as_secs_f64(), "s"));
                }
            }
        }
    }
    rows
}

fn row(own: &[&Outcome], measure: &Measure) -> Option<Row> {
    let values: Vec<f64> = own.iter().filter_map(|it| measure.value(it)).collect();
    let worst = own.iter().max_by(|a, b| {
        let value = |it: &Outcome| measure.value(it).unwrap_or(f64::MIN);
        value(a).total_cmp(&value(b))
    })?;
    let (value, baseline) = (measure.value(worst)?, measure.baseline(worst));
    let mut row = Row::new(format!("{}: {}", worst.name, measure.name), value, measure.unit);
    row = baseline.map_or(row.clone(), |it| row.beside(it));
    if let Some(limit) = measure.limit(baseline).filter(|_| worst.name == OURS) {
        row = row.at_most(limit);
    }
    let all = values.iter().map(|it| short(*it)).collect::<Vec<_>>().join(", ");
    Some(row.note((values.len() > 1).then(|| format!("the worst of {all}"))))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// A line for each outcome, with what matters most. A p99 comes with how often it is the baseline's.
pub(super) fn side_by_side(outcomes: &[Outcome]) -> String {
    let shown = || std::iter::once(&TOTAL).chain(&MEASURES).filter(|it| !it.short.is_empty());
    let mut text = format!("{:<12}", "");
    // Writing to a String cannot fail.
    for measure in shown() {
        let _ = write!(text, " {:>8}", measure.short);
        if measure.has_ratio() {
            let _ = write!(text, " {:>6}", "ratio");
        }
    }
    for it in outcomes {
        let _ = write!(text, "\n{:<12}", it.name);
        for measure in shown() {
            let value = measure.value(it);
            let _ = write!(text, " {:>8}", value.map_or_else(dash, brief));
            if measure.has_ratio() {
                let ratio = value.zip(measure.baseline(it)).map(|(value, of)| value / of);
                let _ = write!(text, " {:>6}", ratio.map_or_else(dash, short));
            }
        }
    }
    text
}

fn dash() -> String {
    "-".to_owned()
}

fn brief(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number}") } else { short(number) }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::tests::report;
    use super::*;

    fn outcome(name: &str, total_secs: f64, number: f64) -> Outcome {
        Outcome {
            name: name.to_owned(),
            total_secs,
            whole_secs: total_secs,
            report: report(number),
            busy: 1.0,
            states: std::collections::BTreeMap::new(),
            note: None,
        }
    }

    #[test]
    fn the_worst_of_ours_is_held_against_the_goals_and_the_others_are_only_told() {
        let outcomes = [
            outcome(OURS, 35.0, 0.0),
            outcome(SINGLE, 30.0, 5.0),
            outcome("naive", 20.0, 900.0),
            outcome(OURS, 37.0, 15.0),
            outcome(SINGLE, 30.0, 5.0),
        ];
        let rows = rows(&outcomes);
        let holds = |name: &str| rows.iter().find(|it| it.measure() == name).unwrap().holds();
        assert_eq!(holds("ours: total"), Some(false), "37 s are more than 1.2 times 30 s");
        assert_eq!(holds("ours: native: failed"), Some(false));
        assert_eq!(holds("ours: REST: p99"), Some(true), "15 ms are at most twice 10 ms");
        assert_eq!(holds("ours: native: longest gap"), Some(true));
        assert_eq!(holds("naive: native: failed"), None);
    }

    #[test]
    fn there_is_a_line_for_each_outcome() {
        let text = side_by_side(&[outcome(OURS, 35.0, 0.0), outcome("naive", 20.0, 15.0)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[2].starts_with("naive") && lines[2].contains("1.50"), "{text}");
    }
}
