//! How many services one orchestrator looks after.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{ChildStdin, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::bench::row::Row;
use crate::daemon::{Daemon, bound_to_us};
use crate::flags;
use crate::places::Places;
use crate::process::last_lines;
use crate::throwaway::Throwaway;

/// How many there are.
const SERVICES: &str = "500";
/// The platform's password at Kafka, which is simulated.
const PASSWORD: &str = "bench";
/// The goal of its CPU.
const CORES: f64 = 1.0;
/// The goal of the longest time in which nobody looks at a service, in seconds.
const UNSEEN_SECONDS: f64 = 10.0;

/// Needs Postgres. Cargo builds the orchestrator in release; `tidegate-bench brokers`, whose CPU is
/// not what is measured, is the one of the tests.
pub(super) fn run(sh: &Shell, places: &Places, _: &flags::Bench) -> anyhow::Result<Vec<Row>> {
    cmd!(sh, "cargo build --locked --quiet -p testkit --bin tidegate-bench").run()?;
    let folder = places.target.join("bench").join("services");
    fs::create_dir_all(&folder)?;
    let (_kafka, addresses) = kafka(&places.target.join("debug/tidegate-bench"), &folder)?;
    let file = folder.join("kafka.json");
    fs::write(&file, addresses)?;
    let database = Throwaway::start(sh, places)?;
    let bench = cmd!(sh, "cargo bench --locked --quiet -p orchestrator --bench services --")
        .args([Path::new("--kafka"), &file])
        .env("TIDEGATE_DATABASE_URL", database.url()?)
        .env("TIDEGATE_BENCH_PASSWORD", PASSWORD)
        .env("RUST_LOG", "warn");
    let printed = bench.read()?;
    printed.lines().filter(|line| line.starts_with('{')).map(row).collect()
}

/// Starts the simulated clusters. They end with their standard input.
fn kafka(program: &Path, folder: &Path) -> anyhow::Result<((Daemon, ChildStdin), String)> {
    let log = folder.join("kafka.log");
    let mut command = bound_to_us(program);
    command
        .args(["brokers", "--clusters", SERVICES])
        .env("TIDEGATE_BENCH_PASSWORD", PASSWORD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::create(&log)?);
    let mut child = command.spawn().context("starting tidegate-bench brokers")?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let daemon = Daemon::adopt(child, &log);
    let mut line = String::new();
    BufReader::new(output.context("its output")?).read_line(&mut line)?;
    ensure!(!line.is_empty(), "no simulated Kafka\n{}", last_lines(&log, 10));
    Ok(((daemon, input.context("its input")?), line))
}

fn row(line: &str) -> anyhow::Result<Row> {
    let line: Value = serde_json::from_str(line)?;
    let measure = line["measure"].as_str().context("a row has a name")?;
    let value = line["value"].as_f64().context("a row has a value")?;
    let unit = ["cores", "MiB", "/s", "s", "ms"].into_iter().find(|it| line["unit"] == **it);
    let row = Row::new(measure, value, unit.unwrap_or(""));
    Ok(match measure {
        "CPU of the orchestrator" => row.at_most(CORES),
        "longest time without a look" => row.at_most(UNSEEN_SECONDS),
        "services that nobody looked at" => row.at_most(0.0),
        _ => row,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_and_ten_seconds_are_the_goals() {
        let held = |line| row(line).unwrap().holds();
        let line = r#"{"measure":"CPU of the orchestrator","value":1.01,"unit":"cores"}"#;
        assert_eq!(held(line), Some(false));
        let line = r#"{"measure":"longest time without a look","value":9.9,"unit":"s"}"#;
        assert_eq!(held(line), Some(true));
        assert_eq!(held(r#"{"measure":"services","value":500,"unit":""}"#), None);
        assert!(row("{}").is_err());
    }
}
