//! One line of a measurement.

use std::fmt::{self, Write as _};

use serde_json::{Value, json};

/// A number that was measured, what it is compared with, and what it should be.
#[derive(Clone, Debug)]
pub(super) struct Row {
    measure: String,
    value: f64,
    unit: &'static str,
    baseline: Option<f64>,
    ratio: Option<f64>,
    goal: Option<Goal>,
    failures: u64,
    note: Option<String>,
}

/// What a number should be.
#[derive(Clone, Copy, Debug)]
enum Goal {
    AtMost(f64),
    /// Of the baseline.
    RatioAtLeast(f64),
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "<= {limit}"),
            Self::RatioAtLeast(limit) => write!(f, "ratio >= {limit}"),
        }
    }
}

impl Row {
    /// A number without a goal.
    pub(super) fn new(measure: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let (baseline, ratio, goal, note) = (None, None, None, None);
        Self { measure: measure.into(), value, unit, baseline, ratio, goal, failures: 0, note }
    }

    /// What it is compared with.
    pub(super) fn beside(self, baseline: f64) -> Self {
        Self { baseline: Some(baseline), ..self }
    }

    /// How it compares, where that is not simply the quotient: the median of several, say.
    pub(super) fn ratio_of(self, ratio: f64) -> Self {
        Self { ratio: Some(ratio), ..self }
    }

    /// Its goal.
    pub(super) fn at_most(self, limit: f64) -> Self {
        Self { goal: Some(Goal::AtMost(limit)), ..self }
    }

    /// Its goal, as a part of the baseline.
    pub(super) fn ratio_at_least(self, limit: f64) -> Self {
        Self { goal: Some(Goal::RatioAtLeast(limit)), ..self }
    }

    /// What failed while it was measured. Then it does not hold, whatever it is.
    pub(super) fn failed(self, failures: u64, first: Option<String>) -> Self {
        let note = first.map(|it| format!("{failures} failed, the first: {it}")).or(self.note);
        Self { failures: self.failures + failures, note, ..self }
    }

    /// What else is to be known of it.
    pub(super) fn note(self, note: Option<String>) -> Self {
        Self { note: self.note.or(note), ..self }
    }

    /// Measured at another place than that which the goals are for.
    pub(super) fn at(self, place: &str) -> Self {
        Self { measure: format!("{place}: {}", self.measure), goal: None, ..self }
    }

    /// Its name.
    pub(super) fn measure(&self) -> &str {
        &self.measure
    }

    /// Whether the goal is reached, if there is one.
    pub(super) fn holds(&self) -> Option<bool> {
        if self.failures > 0 {
            return Some(false);
        }
        self.goal.map(|goal| match goal {
            Goal::AtMost(limit) => self.value <= limit,
            Goal::RatioAtLeast(limit) => {
                self.ratio().is_some_and(|it| it.is_finite() && it >= limit)
            }
        })
    }

    fn ratio(&self) -> Option<f64> {
        let quotient = self.baseline.filter(|it| *it > 0.0).map(|it| self.value / it);
        self.ratio.or(quotient)
    }

    /// As it is kept.
    pub(super) fn json(&self) -> Value {
        json!({
            "measure": self.measure,
            "value": self.value,
            "unit": self.unit,
            "baseline": self.baseline,
            "ratio": self.ratio(),
            "goal": self.goal.map(|goal| goal.to_string()),
            "holds": self.holds(),
            "failures": self.failures,
            "note": self.note,
        })
    }
}

/// As it is shown.
pub(super) fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.measure.len()).max().unwrap_or(0).max(34);
    let mut text = format!(
        "{:<width$} {:>10} {:<10} {:>10} {:>6} {:>13}  holds\n",
        "measure", "value", "unit", "baseline", "ratio", "goal"
    );
    let dash = || "-".to_owned();
    for row in rows {
        let goal = row.goal.map_or_else(dash, |goal| goal.to_string());
        let holds = match row.holds() {
            None => "-",
            Some(true) => "yes",
            Some(false) => "NO",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<width$} {:>10} {:<10} {:>10} {:>6} {goal:>13}  {holds}",
            row.measure,
            short(row.value),
            row.unit,
            row.baseline.map_or_else(dash, short),
            row.ratio().map_or_else(dash, |it| format!("{it:.2}")),
        );
        if let Some(note) = &row.note {
            let _ = writeln!(text, "    {note}");
        }
    }
    text
}

/// With as many digits as say something.
pub(super) fn short(number: f64) -> String {
    match number.abs() {
        size if size >= 1e6 => format!("{:.2} M", number / 1e6),
        size if size >= 1e4 => format!("{:.1} k", number / 1e3),
        size if size >= 100.0 => format!("{number:.0}"),
        _ => format!("{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_whether_its_goal_is_reached() {
        let row = Row::new("p99", 30.0, "ms").beside(10.0).at_most(20.0);
        assert_eq!(row.holds(), Some(false));
        assert_eq!(row.json()["ratio"], 3.0);
        assert_eq!(Row::new("acked", 1.0, "records").holds(), None);
    }

    #[test]
    fn a_goal_may_be_a_part_of_the_baseline() {
        let row = Row::new("rate", 60.0, "/s").beside(100.0);
        assert_eq!(row.clone().ratio_at_least(0.7).holds(), Some(false));
        assert_eq!(row.clone().ratio_of(0.8).ratio_at_least(0.7).holds(), Some(true));
        assert_eq!(Row::new("rate", 60.0, "/s").ratio_at_least(0.1).holds(), Some(false));
    }

    #[test]
    fn nothing_holds_while_requests_fail() {
        let row = Row::new("rate", 1.0, "/s").at_most(2.0);
        assert_eq!(row.clone().failed(0, None).holds(), Some(true));
        let row = row.failed(3, Some("status 503".to_owned()));
        assert_eq!(row.holds(), Some(false));
        assert!(table(&[row]).contains("3 failed, the first: status 503"));
    }
}
