//! The planner: what a decision over a large cluster takes.

use anyhow::{Context as _, bail};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::bench::row::Row;
use crate::flags;
use crate::places::Places;

/// The goal of each decision over 1 000 brokers and 200 000 partitions, in milliseconds.
const DECISION_MS: f64 = 50.0;
/// The goal of its memory, in MiB.
const MEMORY_MIB: f64 = 200.0;

/// Needs no stack; cargo builds it in release.
pub(super) fn run(sh: &Shell, _: &Places, _: &flags::Bench) -> anyhow::Result<Vec<Row>> {
    let printed = cmd!(sh, "cargo bench --locked --quiet -p rolling --bench plan").read()?;
    printed.lines().filter(|line| line.starts_with('{')).map(row).collect()
}

fn row(line: &str) -> anyhow::Result<Row> {
    let line: Value = serde_json::from_str(line)?;
    let measure = line["measure"].as_str().context("a row has a name")?;
    let value = line["value"].as_f64().context("a row has a value")?;
    match line["unit"].as_str() {
        Some("MiB") => Ok(Row::new(measure, value, "MiB").at_most(MEMORY_MIB)),
        // What people are shown may take longer than what they wait for.
        Some("ms") if measure.starts_with("decision: ") => {
            Ok(Row::new(measure, value, "ms").at_most(DECISION_MS))
        }
        Some("ms") => Ok(Row::new(measure, value, "ms")),
        other => bail!("a row in {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_and_memory_have_goals_and_a_forecast_has_none() {
        let held = |line| row(line).unwrap().holds();
        let line = r#"{"measure":"decision: last node","value":50.1,"unit":"ms"}"#;
        assert_eq!(held(line), Some(false));
        assert_eq!(held(r#"{"measure":"memory","value":199.0,"unit":"MiB"}"#), Some(true));
        assert_eq!(held(r#"{"measure":"forecast","value":400.0,"unit":"ms"}"#), None);
        assert!(row(r#"{"measure":"forecast","value":1.0,"unit":"s"}"#).is_err());
        assert!(row("{}").is_err());
    }
}
