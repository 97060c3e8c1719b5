//! The REST proxy beside native librdkafka: the table of its speed, line by line.
#![allow(clippy::print_stdout, reason = "this is a command-line tool")]

mod cluster;
mod consume;
mod crowd;
mod lines;
mod pairs;
mod produce;
mod refused;
mod rig;
mod tool;

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use xshell::{Shell, cmd};

use self::cluster::Cluster;
use self::lines::LINES;
use self::pairs::Effort;
use self::rig::Rig;
use self::tool::Tool;
use crate::bench::row::{Row, table};
use crate::flags;
use crate::interrupt;
use crate::places::Places;
use crate::stack::Build;

const TABLES: [&str; 2] = ["one-node", "three-nodes"];

pub(super) fn run(sh: &Shell, places: &Places, flags: &flags::Bench) -> anyhow::Result<Vec<Row>> {
    for name in &flags.only {
        let known: Vec<&str> = LINES.iter().map(|line| line.name).collect();
        ensure!(known.contains(&name.as_str()), "no line `{name}`: one of {}", known.join(", "));
    }
    let tables: Vec<&str> = match flags.table.as_deref() {
        Some(name) if TABLES.contains(&name) => vec![name],
        Some(name) => bail!("no table `{name}`: one of {}", TABLES.join(", ")),
        None if flags.only.is_empty() => TABLES.to_vec(),
        None => TABLES[..1].to_vec(),
    };
    let build = Build::unless(flags.no_build);
    if build == Build::UpToDate {
        println!("building what is measured, with optimisation (minutes the first time)");
        let ours = ["-p", "rest-proxy", "-p", "testkit"];
        cmd!(sh, "cargo build --release --locked --bins {ours...}").quiet().run()?;
    }
    let folder = places.target.join("bench").join("rest");
    fs::create_dir_all(&folder)?;
    let mut rows = Vec::new();
    for table in tables {
        interrupt::check()?;
        let cluster = if table == TABLES[0] {
            Cluster::one_node(sh, places, &folder)?
        } else {
            Cluster::three_nodes(sh, places, build)?
        };
        rows.extend(measure(sh, places, flags, cluster, &folder)?);
    }
    Ok(rows)
}

/// One table.
fn measure(
    sh: &Shell,
    places: &Places,
    flags: &flags::Bench,
    cluster: Cluster<'_>,
    folder: &Path,
) -> anyhow::Result<Vec<Row>> {
    let three_nodes = cluster.native_needs_token;
    let proxy = match &flags.proxy {
        Some(path) => std::path::absolute(path)?,
        None => places.release("tidegate-rest-proxy"),
    };
    let rig = Rig {
        sh,
        cluster,
        tool: Tool { program: places.release("tidegate-bench"), folder: folder.to_owned() },
        proxy,
        folder: folder.to_owned(),
        effort: effort(flags),
        always_tokens: three_nodes,
    };
    warm_up(&rig)?;
    let mut rows = Vec::new();
    for line in LINES {
        let wanted = flags.only.is_empty() || flags.only.iter().any(|it| it == line.name);
        if !wanted || (three_nodes && !line.at_three_nodes) {
            continue;
        }
        interrupt::check()?;
        println!("{}{}", line.name, if three_nodes { " at three nodes" } else { "" });
        let started = Instant::now();
        let measured = (line.run)(&rig).with_context(|| format!("line {}", line.name))?;
        let measured: Vec<Row> = measured
            .into_iter()
            .map(|row| if three_nodes { row.at("3 nodes") } else { row })
            .collect();
        println!("{}  {:.0} s", table(&measured), started.elapsed().as_secs_f64());
        rows.extend(measured);
    }
    Ok(rows)
}

fn effort(flags: &flags::Bench) -> Effort {
    let pairs = flags.pairs.unwrap_or(if flags.quick { 1 } else { 3 }).max(1);
    let (seconds, warm_up) = if flags.quick { (3.0, 1.5) } else { (8.0, 2.0) };
    let attempts = if flags.quick { pairs } else { pairs * 2 };
    Effort { pairs, attempts, seconds, warm_up, quick: flags.quick }
}

/// A node that has just started compiles its own code first.
fn warm_up(rig: &Rig<'_>) -> anyhow::Result<()> {
    let topic = rig.cluster.create_topic(&rig.tool, "w")?;
    let mut args = rig.native("native-produce", &topic)?;
    let seconds = if rig.always_tokens { "10" } else { "4" };
    args.extend(rig::strings(&["--seconds", seconds, "--warm-up", "0"]));
    rig.tool.run(&args)?;
    rig.cluster.delete_topic(&rig.tool, &topic)
}
