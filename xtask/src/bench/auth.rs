//! The verification of a token: what it costs beside the bare arithmetic.

use anyhow::Context as _;
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::bench::row::Row;
use crate::flags;
use crate::places::Places;

/// The goal of an RS256 token that was not seen before, in microseconds.
const RS256_US: f64 = 40.0;

/// Needs no stack; cargo builds it in release.
pub(super) fn run(sh: &Shell, _: &Places, _: &flags::Bench) -> anyhow::Result<Vec<Row>> {
    let printed = cmd!(sh, "cargo bench --locked --quiet -p auth --bench verify").read()?;
    printed.lines().filter(|line| line.starts_with('{')).map(row).collect()
}

fn row(line: &str) -> anyhow::Result<Row> {
    let line: Value = serde_json::from_str(line)?;
    let measure = line["measure"].as_str().context("a row has a name")?;
    let row = Row::new(measure, line["value"].as_f64().context("a row has a value")?, "us");
    let row = match line["baseline"].as_f64() {
        Some(baseline) => row.beside(baseline),
        None => row,
    };
    Ok(if measure == "RS256 verify" { row.at_most(RS256_US) } else { row })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_benchmark_is_a_row() {
        let held = |line| row(line).unwrap().holds();
        assert_eq!(held(r#"{"measure":"RS256 verify","value":41.0,"baseline":20.0}"#), Some(false));
        assert_eq!(held(r#"{"measure":"RS256 verify","value":39.0,"baseline":20.0}"#), Some(true));
        assert_eq!(held(r#"{"measure":"junk","value":0.1,"baseline":null}"#), None);
        assert!(row("{}").is_err());
    }
}
