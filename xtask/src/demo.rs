//! `cargo xtask demo`: the main job with clients that we did not write, told step by step.
//!
//! Works on a stack that was used before: what is there already is found, or undone first. It ends
//! at the first thing that is not as it says.
#![allow(clippy::print_stdout, reason = "this is a command-line tool")]

mod access;
pub(crate) mod clients;
mod kafka_tools;
mod narrator;
mod oidc;
mod proxy;
mod refusals;
mod tokens;

use std::time::Instant;

use anyhow::Context as _;
use xshell::Shell;

use crate::addresses::Addresses;
use crate::demo::clients::Avn;
use crate::demo::kafka_tools::KafkaTools;
use crate::demo::narrator::{heading, note, proves};
use crate::places::Places;
use crate::stack::{Build, Stack};
use crate::{flags, interrupt};

/// A step: what it shows, and how.
type Step = (&'static str, fn(&Demo<'_>) -> anyhow::Result<()>);

const STEPS: [Step; 7] = [
    ("a Kafka service, seen with avn", shows_the_service),
    ("OIDC on and off, by rolling restarts under load", oidc::on_and_off),
    ("the REST proxy's authorization, without a restart", proxy::authorization),
    ("a topic, a user and an ACL become real", access::become_real),
    ("records over HTTP as the principal of a token", proxy::records),
    ("the same tokens straight at the brokers", tokens::at_the_brokers),
    ("updates that would break the brokers are refused", refusals::before_anything_restarts),
];

/// The topic of the demo.
const TOPIC: &str = "orders";

/// What every step uses.
struct Demo<'a> {
    sh: &'a Shell,
    stack: Stack<'a>,
    at: Addresses,
    avn: Avn<'a>,
    tools: KafkaTools<'a>,
}

/// Brings the stack up if it is down, and performs the steps.
pub(crate) fn run(sh: &Shell, flags: flags::Demo) -> anyhow::Result<()> {
    interrupt::catch()?;
    let places = Places::new(sh, flags.state)?;
    println!("Bringing the platform up (what runs already is left alone):\n");
    let stack = Stack::up(sh, &places, Build::unless(flags.no_build))?;
    let at = stack.addresses()?;
    let avn = Avn::new(sh, &at);
    let tools = KafkaTools::new(sh, &places)?;
    let demo = Demo { sh, stack, at, avn, tools };
    let mut summary = Vec::new();
    let skipped = flags.from.unwrap_or(1).saturating_sub(1);
    for (number, (title, step)) in STEPS.iter().enumerate().skip(skipped) {
        heading(number + 1, title);
        let started = Instant::now();
        step(&demo).with_context(|| format!("step {}: {title}", number + 1))?;
        summary.push((number + 1, title, started.elapsed().as_secs_f64()));
    }
    println!("\nAll of it held:\n");
    for (number, title, secs) in summary {
        println!("  {number}. {title:<58} {secs:>6.1} s");
    }
    let dev = places.dev();
    println!("\nThe stack runs on. `eval \"$({dev} env)\"` gives its addresses to a shell,");
    println!("`{dev} status` shows it, `{dev} down` stops it.");
    Ok(())
}

fn shows_the_service(demo: &Demo<'_>) -> anyhow::Result<()> {
    note("avn is Aiven's own client, as it comes from PyPI. Only AIVEN_WEB_URL points it here.");
    let list = demo.avn.run(&["service", "list"])?;
    proves(list.contains("my-kafka") && list.contains("RUNNING"), "my-kafka is RUNNING")?;
    let service = demo.stack.api()?.service()?;
    let states = service["node_states"].as_array().context("it has nodes")?;
    let running = states.iter().filter(|node| node["state"] == "running").count();
    proves(running == 3, "three nodes, each of them running")
}
