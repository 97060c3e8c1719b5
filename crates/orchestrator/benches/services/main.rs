//! How many services one orchestrator looks after: what its supervisor takes for a database full of
//! services and a Kafka for each of them, which is simulated by `tidegate-bench brokers` in another
//! process. Nodes are simulated in this one.
//!
//! Run by `cargo xtask bench services`. Prints one JSON object a line:
//! `{"measure": .., "value": .., "unit": ..}`.
#![expect(clippy::print_stdout, reason = "the report is what it is run for")]

mod gauge;
mod nodes;
mod rollouts;
mod seed;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use model::{IdpPolicy, Secret, ServiceId};
use orchestrator::metrics::Metrics;
use orchestrator::supervisor::Supervisor;
use rolling::Policy;
use store::{MasterKeys, Store};
use tokio_util::sync::CancellationToken;

use crate::gauge::Gauge;
use crate::nodes::SimulatedNodes;
use crate::seed::Addresses;

/// How long all runs before it is measured, once every service was looked at.
const SETTLE: Duration = Duration::from_secs(15);

/// What is measured.
#[derive(Debug, Parser)]
struct Options {
    /// An empty database with our schema.
    #[arg(long, env = "TIDEGATE_DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// The file that `tidegate-bench brokers` has printed.
    #[arg(long)]
    kafka: PathBuf,
    /// The password that it was given.
    #[arg(long, env = "TIDEGATE_BENCH_PASSWORD", hide_env_values = true)]
    password: String,
    /// How long it is measured, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many services have a rolling restart under way, all the time.
    #[arg(long, default_value_t = 10)]
    rolling: usize,
    /// What cargo says to a bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    web::init_logs(false);
    // As in the program.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(&options))
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let keys = MasterKeys::parse(&MasterKeys::generate()?)?;
    let store = Store::connect(&options.database_url, store::CONNECTIONS)?.with_keys(keys);
    let addresses = std::fs::read_to_string(&options.kafka).context("the file with addresses")?;
    let addresses = Addresses::parse(&addresses)?;
    let password = Secret::new(options.password.clone());
    let revision = seed::revision()?;
    let driver = Arc::new(SimulatedNodes::new(revision.id.clone()));
    // One by one, as people make them, and looked after from the beginning.
    let services = supervised(&store, &driver, async {
        let services = seed::services(&store, &addresses, &password, &revision).await?;
        seed::wait_until_settled(&store, &services).await?;
        Ok(services)
    })
    .await?;
    // What is measured is an orchestrator that has just been started, and finds them all.
    supervised(&store, &driver, measure(options, &store, &services, &driver)).await
}

/// Runs a supervisor, as the program does, until `work` is done.
async fn supervised<T>(
    store: &Store,
    driver: &Arc<SimulatedNodes>,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let supervisor = Supervisor {
        store: store.clone(),
        driver: Arc::clone(driver),
        idp_policy: IdpPolicy::new(false, Vec::new()),
        policy: Policy::default(),
        metrics: Metrics::new()?,
    };
    let stop = CancellationToken::new();
    let done = async {
        let done = work.await;
        stop.cancel();
        done
    };
    tokio::join!(done, supervisor.run(stop.clone())).0
}

async fn measure(
    options: &Options,
    store: &Store,
    services: &[ServiceId],
    driver: &SimulatedNodes,
) -> anyhow::Result<()> {
    let rolling = &services[..options.rolling.min(services.len())];
    let measuring = async {
        let found = driver.wait_until_seen(services.len()).await;
        tokio::time::sleep(SETTLE).await;
        // What was looked at before says nothing.
        driver.forget_looks();
        let restarts = driver.restarts();
        let gauge = Gauge::start()?;
        tokio::time::sleep(Duration::from_secs(options.seconds)).await;
        let (used, looks) = (gauge.read()?, driver.looks());
        row("CPU of the orchestrator", used.cores, "cores");
        row("resident memory", used.memory_mib, "MiB");
        row("services", count(services.len()), "");
        row("services with a rollout under way", count(rolling.len()), "");
        row("restarts of nodes", count(driver.restarts() - restarts), "");
        row("looks", count(looks.count) / used.seconds, "/s");
        // Each goes with a pass over the desired state; what a busy machine does not change much.
        let each = used.cores * used.seconds / count(looks.count.max(1));
        row("CPU for each look", each * 1e3, "ms");
        row("longest time without a look", looks.longest.as_secs_f64(), "s");
        row("services that nobody looked at", count(services.len() - looks.services), "");
        row("all found after a start", found.as_secs_f64(), "s");
        Ok(())
    };
    tokio::select! {
        measured = measuring => measured,
        failed = rollouts::keep_rolling(store, rolling) => failed,
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}

fn row(measure: &str, value: f64, unit: &str) {
    println!(r#"{{"measure":"{measure}","value":{value:.3},"unit":"{unit}"}}"#);
}
