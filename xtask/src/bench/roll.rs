//! The rolling restart: what a client notices of ours, and of those of others, on the same brokers
//! under the same load.
#![allow(clippy::print_stdout, reason = "this is a command-line tool")]

mod gaps;
mod outcome;
mod rivals;
mod rows;
mod site;

use anyhow::{bail, ensure};
use xshell::Shell;

use self::outcome::Outcome;
use self::rivals::{RIVALS, Rival};
use self::site::Site;
use crate::bench::row::Row;
use crate::flags;
use crate::places::Places;
use crate::stack::Build;

pub(super) fn run(sh: &Shell, places: &Places, flags: &flags::Bench) -> anyhow::Result<Vec<Row>> {
    let rivals = rivals(flags)?;
    let mut site = Site::prepare(sh, places, Build::unless(flags.no_build))?;
    let repeat = flags.repeat.unwrap_or(1).max(1);
    let mut outcomes: Vec<Outcome> = Vec::new();
    for _ in 0..repeat {
        outcomes.push(site.ours()?);
        println!("{}", rows::side_by_side(&outcomes));
        if rivals.is_empty() {
            continue;
        }
        site.without_orchestrator(|site| {
            for rival in &rivals {
                outcomes.push(site.rival(rival, flags.checks)?);
                println!("{}", rows::side_by_side(&outcomes));
            }
            Ok(())
        })?;
    }
    Ok(rows::rows(&outcomes))
}

/// Those that were asked for, in the order in which they leave the cluster less and less whole.
fn rivals(flags: &flags::Bench) -> anyhow::Result<Vec<&'static Rival>> {
    let names = match flags.rivals.as_deref() {
        _ if flags.quick => return Ok(Vec::new()),
        None | Some("all") => return Ok(RIVALS.iter().collect()),
        Some("none") => return Ok(Vec::new()),
        Some(names) => names.split(',').collect::<Vec<_>>(),
    };
    let known: Vec<&str> = RIVALS.iter().map(|it| it.name).collect();
    if let Some(unknown) = names.iter().find(|it| !known.contains(it)) {
        bail!("no rival `{unknown}`: all, none, or some of {}", known.join(","));
    }
    let found: Vec<&Rival> = RIVALS.iter().filter(|it| names.contains(&it.name)).collect();
    ensure!(!found.is_empty(), "`--rivals none` is for none");
    Ok(found)
}
