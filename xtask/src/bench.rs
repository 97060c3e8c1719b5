//! `cargo xtask bench`: measurements by name, each with its goals, as a table and as JSON.
#![allow(clippy::print_stdout, reason = "this is a command-line tool")]

mod auth;
mod control_plane;
mod plan;
mod rest;
mod roll;
mod row;
mod services;

use std::fs;

use anyhow::{Context as _, bail};
use serde_json::Value;
use xshell::Shell;

use crate::bench::row::{Row, table};
use crate::flags;
use crate::interrupt;
use crate::places::Places;

/// A measurement.
struct Bench {
    name: &'static str,
    what: &'static str,
    run: fn(&Shell, &Places, &flags::Bench) -> anyhow::Result<Vec<Row>>,
}

const BENCHES: [Bench; 7] = [
    Bench {
        name: "auth",
        what: "one verification of a token, beside the bare arithmetic of its signature",
        run: auth::run,
    },
    Bench {
        name: "console",
        what: "each page of the console with 500 services and 10 000 ACL entries, beside a bare select",
        run: control_plane::pages,
    },
    Bench {
        name: "control-plane",
        what: "the API with 10 000 services, a million users and as many ACL entries, beside a bare select",
        run: control_plane::run,
    },
    Bench {
        name: "plan",
        what: "one decision of the rolling restart over 1 000 brokers and 200 000 partitions",
        run: plan::run,
    },
    Bench {
        name: "roll",
        what: "the rolling restart under load, beside those of others: what clients notice, and its time",
        run: roll::run,
    },
    Bench {
        name: "rest",
        what: "the REST proxy beside native librdkafka: throughput, latency, CPU and memory",
        run: rest::run,
    },
    Bench {
        name: "services",
        what: "one orchestrator that looks after 500 services, their nodes and Kafka simulated",
        run: services::run,
    },
];

/// Runs the one that was asked for, or lists them.
pub(crate) fn run(sh: &Shell, flags: &flags::Bench) -> anyhow::Result<()> {
    let Some(name) = &flags.name else {
        for bench in &BENCHES {
            println!("{:<13} {}", bench.name, bench.what);
        }
        return Ok(());
    };
    let found = BENCHES.iter().find(|bench| bench.name == name);
    let bench = found.with_context(|| format!("no bench `{name}`: see `cargo xtask bench`"))?;
    interrupt::catch()?;
    let places = Places::new(sh, flags.state.clone())?;
    let rows = (bench.run)(sh, &places, flags)?;
    println!("\n{}\n{}", bench.what, table(&rows));
    let path = places.target.join("bench").join(format!("{name}.json"));
    fs::create_dir_all(path.parent().context("it has a folder")?)?;
    let json: Vec<Value> = rows.iter().map(Row::json).collect();
    fs::write(&path, format!("{:#}\n", Value::from(json)))?;
    println!("written to {}", path.display());
    let missed: Vec<&str> =
        rows.iter().filter(|row| row.holds() == Some(false)).map(Row::measure).collect();
    if missed.is_empty() {
        return Ok(());
    }
    bail!("missed: {}", missed.join(", "))
}
