//! `tidegate-orchestrator`: reads its configuration, starts, and stops in order.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use model::IdpPolicy;
use orchestrator::agent::run_node;
use orchestrator::config::{Cli, Command, Run, key_variable};
use orchestrator::local::{LocalDriver, stop::stop_all};
use orchestrator::metrics::Metrics;
use orchestrator::supervisor::Supervisor;
use store::{MasterKeys, Store};
use tokio_util::sync::CancellationToken;

/// Prometheus' text format.
const PAGE_TYPE: &str = "text/plain; version=0.0.4";

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    web::init_logs(cli.log_json);
    match cli.command {
        // Without a runtime: it turns into another program.
        Command::RunNode(arguments) => run_node(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Run(arguments) => runtime()?.block_on(run(*arguments)).map(|()| ExitCode::SUCCESS),
        Command::StopNodes(arguments) => {
            let patience = Duration::from_secs(arguments.timeout);
            let data = std::path::absolute(&arguments.data_dir)?;
            let left = runtime()?.block_on(stop_all(&data, patience))?;
            Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

async fn run(arguments: Run) -> anyhow::Result<()> {
    let keys = MasterKeys::given(arguments.key_file.as_deref(), key_variable().as_ref())?;
    let store = Store::connect(arguments.database_url.expose(), store::CONNECTIONS);
    let store = store.context("the database URL")?;
    let store = store.with_keys(keys);
    let usable = store.keys.check_at_start().await;
    usable.context("cannot use the keys of the database (is it migrated?)")?;
    let listener = web::bind(arguments.listen).await?;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    let health = {
        let store = store.clone();
        web::health(move || {
            let store = store.clone();
            async move { store.ping().await.is_ok() }
        })
    };
    let idp_policy = IdpPolicy::new(arguments.http_loopback_idp, arguments.idp_networks.clone());
    let policy = arguments.times.into();
    let metrics = Metrics::new().context("metrics")?;
    let shown = metrics.clone();
    let pages = health.merge(web::page("/metrics", PAGE_TYPE, move || shown.page()));
    let driver = Arc::new(driver(arguments)?);
    let supervisor = Supervisor { store, driver, idp_policy, policy, metrics };
    let (signal, served, ()) = tokio::join!(
        async {
            let signal = web::terminated().await;
            asked.cancel();
            signal
        },
        web::serve(listener, pages, stop.clone(), Duration::from_secs(2)),
        supervisor.run(stop.clone()),
    );
    signal.context("wait for signals")?;
    served.context("serve /health")
}

fn driver(arguments: Run) -> anyhow::Result<LocalDriver> {
    std::fs::create_dir_all(&arguments.data_dir)
        .with_context(|| format!("make {}", arguments.data_dir.display()))?;
    let absolute = |path: std::path::PathBuf| {
        // A bare name is looked up in PATH; anything else has to survive a change of folder.
        if path.components().count() == 1 { Ok(path) } else { std::path::absolute(path) }
    };
    Ok(LocalDriver {
        data: std::path::absolute(&arguments.data_dir)?,
        program: std::env::current_exe().context("find this program")?,
        java: absolute(arguments.java)?,
        kafka_libs: std::path::absolute(&arguments.kafka_libs)?,
        rest_proxy: absolute(arguments.rest_proxy)?,
        control_plane_url: arguments.control_plane_url,
        idp_policy: IdpPolicy::new(arguments.http_loopback_idp, arguments.idp_networks),
    })
}
