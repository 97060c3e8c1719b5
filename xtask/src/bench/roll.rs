//! The rolling restart: how long it takes, and what a client notices of it.

use anyhow::ensure;
use xshell::Shell;

use crate::bench::row::Row;
use crate::demo::clients::Avn;
use crate::flags;
use crate::load::{Load, Report};
use crate::places::Places;
use crate::rollout::{Watched, is_on, switch_off, switch_on, watch};
use crate::stack::{Build, Stack};

/// What a loop driven by hand took for three nodes.
const BY_HAND_SECS: f64 = 74.0;

pub(super) fn run(sh: &Shell, places: &Places, flags: &flags::Bench) -> anyhow::Result<Vec<Row>> {
    let stack = Stack::up(sh, places, Build::unless(flags.no_build))?;
    let (at, api) = (stack.addresses()?, stack.api()?);
    let avn = Avn::new(sh, &at);
    let service = api.service()?;
    // Either way every broker restarts.
    let args = if is_on(&service) { switch_off() } else { switch_on(&at) };
    println!("load: a baseline first");
    let load = Load::start(places, &at, &avn)?;
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    println!("avn {}", args.join(" "));
    let (succeeded, said) = avn.quietly(&args)?;
    ensure!(succeeded, "avn: {said}");
    let watched = watch(&api, |line| println!("  {line}"))?;
    let report = load.finish()?;
    rows(&watched, &report)
}

fn rows(watched: &Watched, report: &Report) -> anyhow::Result<Vec<Row>> {
    let Report { baseline, change } = report;
    let total = watched.total.as_secs_f64();
    let mut rows = vec![
        Row::new("rolling restart, 3 nodes", total, "s").beside(BY_HAND_SECS).at_most(BY_HAND_SECS),
    ];
    for (node, states) in &watched.states {
        for (state, time) in states {
            rows.push(Row::new(format!("{node} {state}"), time.as_secs_f64(), "s"));
        }
    }
    rows.push(
        Row::new("acked", change.number("acked")?, "records").beside(baseline.number("acked")?),
    );
    for name in ["failed", "lost", "duplicated", "out_of_order"] {
        let row = Row::new(name, change.number(name)?, "records");
        rows.push(row.beside(baseline.number(name)?).at_most(0.0));
    }
    for name in ["p50_ms", "p99_ms", "max_ms", "longest_gap_ms"] {
        rows.push(Row::new(name, change.number(name)?, "ms").beside(baseline.number(name)?));
    }
    Ok(rows)
}
