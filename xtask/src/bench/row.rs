//! One line of a measurement.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A number that was measured, what it is compared with, and what it should be.
#[derive(Clone, Debug)]
pub(super) struct Row {
    measure: String,
    value: f64,
    unit: &'static str,
    baseline: Option<f64>,
    at_most: Option<f64>,
}

impl Row {
    /// A number without a goal.
    pub(super) fn new(measure: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { measure: measure.into(), value, unit, baseline: None, at_most: None }
    }

    /// What it is compared with.
    pub(super) fn beside(self, baseline: f64) -> Self {
        Self { baseline: Some(baseline), ..self }
    }

    /// Its goal.
    pub(super) fn at_most(self, limit: f64) -> Self {
        Self { at_most: Some(limit), ..self }
    }

    /// Its name.
    pub(super) fn measure(&self) -> &str {
        &self.measure
    }

    /// Whether the goal is reached, if there is one.
    pub(super) fn holds(&self) -> Option<bool> {
        self.at_most.map(|limit| self.value <= limit)
    }

    fn ratio(&self) -> Option<f64> {
        self.baseline.filter(|it| *it > 0.0).map(|baseline| self.value / baseline)
    }

    /// As it is kept.
    pub(super) fn json(&self) -> Value {
        json!({
            "measure": self.measure,
            "value": self.value,
            "unit": self.unit,
            "baseline": self.baseline,
            "ratio": self.ratio(),
            "goal": self.at_most.map(|limit| format!("<= {limit}")),
            "holds": self.holds(),
        })
    }
}

/// As it is shown.
pub(super) fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<34} {:>10} {:<7} {:>10} {:>7} {:>9}  holds\n",
        "measure", "value", "unit", "baseline", "ratio", "goal"
    );
    let shown =
        |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |it| format!("{it:.1}"));
    for row in rows {
        let goal = row.at_most.map_or_else(|| "-".to_owned(), |limit| format!("<= {limit}"));
        let holds = match row.holds() {
            None => "-",
            Some(true) => "yes",
            Some(false) => "NO",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<34} {:>10.1} {:<7} {:>10} {:>7} {goal:>9}  {holds}",
            row.measure,
            row.value,
            row.unit,
            shown(row.baseline),
            shown(row.ratio()),
        );
    }
    text
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
}
