//! Restarts the brokers of a stack as other people's programs would, for comparison.
#![allow(clippy::print_stdout, reason = "the report is what it is run for")]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use model::Secret;
use testkit::roll::{Algorithm, Gate, Plan, roll};

/// Where the password comes from: the process list shows arguments to everybody.
const PASSWORD: &str = "TIDEGATE_ROLL_PASSWORD";

/// Restarts every broker on this machine by one of several algorithms.
///
/// The orchestrator has to be stopped. Prints one JSON object when every broker is in every ISR
/// again, and ends a little later. `TIDEGATE_ROLL_PASSWORD` holds the password of the platform's administrator.
#[derive(Debug, Parser)]
#[command(name = "tidegate-roll", version)]
struct Options {
    /// How.
    #[arg(value_enum)]
    algorithm: Algorithm,
    /// The folder of the nodes.
    #[arg(long)]
    nodes: PathBuf,
    /// `host:port,...` of the INTERNAL listeners.
    #[arg(long, value_delimiter = ',')]
    bootstrap: Vec<String>,
    /// kafka-utils: how often in a row the cluster has to be well.
    #[arg(long, default_value_t = 12)]
    checks: u32,
    /// kafka-utils: seconds between two checks.
    #[arg(long, default_value_t = 10)]
    check_every: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    testkit::init_logs();
    let gate = Gate { checks: options.checks, every: Duration::from_secs(options.check_every) };
    let plan = Plan {
        algorithm: options.algorithm,
        nodes: options.nodes,
        bootstrap: options.bootstrap,
        password: password()?,
        gate,
    };
    roll(plan, |report| println!("{}", serde_json::json!(report))).await
}

#[expect(clippy::disallowed_methods, reason = "clap would take it from the arguments as well")]
fn password() -> anyhow::Result<Secret> {
    let password = std::env::var(PASSWORD).with_context(|| format!("{PASSWORD} is not set"))?;
    Ok(Secret::new(password))
}
