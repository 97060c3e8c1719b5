//! How fast the API answers with a database full of services.

use anyhow::Context as _;
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::bench::row::Row;
use crate::flags;
use crate::places::Places;
use crate::throwaway::Throwaway;

/// The goals, in milliseconds, and for memory in mebibytes.
const GOALS: [(&str, f64); 4] = [
    ("service get: p99", 10.0),
    ("service list of 500: p99", 50.0),
    ("service update, 16 clients: p99", 20.0),
    ("memory of the process", 150.0),
];

/// Each page of the console, in milliseconds at the 95th percentile.
const PAGE: f64 = 30.0;
/// What a browser loads for the first page, in thousands of bytes.
const FIRST_PAGE: (&str, f64) = ("first page with all that it loads", 120.0);

/// The API with a large database.
pub(super) fn run(sh: &Shell, places: &Places, _: &flags::Bench) -> anyhow::Result<Vec<Row>> {
    measure(sh, places, &[])
}

/// The pages of the console.
pub(super) fn pages(sh: &Shell, places: &Places, _: &flags::Bench) -> anyhow::Result<Vec<Row>> {
    measure(sh, places, &["--", "--pages", "--seconds", "3"])
}

/// Needs Postgres, which keeps what it is told as in production, on the same machine (by its socket). Cargo builds the program in release.
fn measure(sh: &Shell, places: &Places, args: &[&str]) -> anyhow::Result<Vec<Row>> {
    let database = Throwaway::start_durable(sh, places)?;
    let bench = cmd!(sh, "cargo bench --locked --quiet -p control-plane --bench api {args...}")
        .env("TIDEGATE_DATABASE_URL", database.socket_url()?)
        .env("RUST_LOG", "warn");
    let printed = bench.read()?;
    printed.lines().filter(|line| line.starts_with('{')).map(row).collect()
}

fn row(line: &str) -> anyhow::Result<Row> {
    let line: Value = serde_json::from_str(line)?;
    let measure = line["measure"].as_str().context("a row has a name")?;
    let value = line["value"].as_f64().context("a row has a value")?;
    let unit = ["ms", "MiB", "kB", "/s", "s"].into_iter().find(|it| line["unit"] == **it);
    let mut row = Row::new(measure, value, unit.unwrap_or(""));
    if let Some(baseline) = line["baseline"].as_f64() {
        row = row.beside(baseline);
    }
    let is_page = measure.starts_with("page ") && measure.ends_with(": p95");
    let of_page = is_page.then_some(PAGE);
    let named = GOALS.iter().chain([&FIRST_PAGE]).find(|(name, _)| *name == measure);
    Ok(match named.map(|(_, limit)| *limit).or(of_page) {
        Some(limit) => row.at_most(limit),
        None => row,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_goal_is_of_a_row() {
        let held = |line| row(line).unwrap().holds();
        let line = r#"{"measure":"service get: p99","value":10.1,"unit":"ms","baseline":1.0}"#;
        assert_eq!(held(line), Some(false));
        let line = r#"{"measure":"memory of the process","value":149.0,"unit":"MiB"}"#;
        assert_eq!(held(line), Some(true));
        assert_eq!(held(r#"{"measure":"services","value":500.0,"unit":""}"#), None);
        let line = r#"{"measure":"page acls: p95","value":30.1,"unit":"ms","baseline":1.0}"#;
        assert_eq!(held(line), Some(false));
        assert!(row("{}").is_err());
    }
}
