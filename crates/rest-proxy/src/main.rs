//! The REST proxy's process: configuration, logs, settings, serving, stopping in order.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Parser;
use rest_proxy::{App, Config, PollConfig, Settings, follow};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long Kafka clients get to close: consumers leave their groups.
const CLOSING: Duration = Duration::from_secs(5);

fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    web::init_logs(config.log_json);
    runtime(config.http_threads)?.block_on(run(config))
}

/// One thread serves more requests than two that take turns on one core: by default half of the
/// cores do, the others are librdkafka's and, on one machine, the brokers'.
fn runtime(threads: Option<NonZeroUsize>) -> anyhow::Result<Runtime> {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = threads.map_or(cores.div_ceil(2), NonZeroUsize::get);
    let mut builder =
        if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    Ok(builder.worker_threads(threads).enable_all().build()?)
}

async fn run(config: Config) -> anyhow::Result<()> {
    let listener = web::bind(config.listen).await?;
    let stop = CancellationToken::new();
    let beside = TaskTracker::new();

    let settings = Settings::new(config.idp.policy());
    let source = PollConfig {
        control_plane: config.control_plane_url.clone(),
        token_file: config.token_file.clone(),
    };
    beside.spawn(follow(settings.clone(), source.clone(), stop.clone()));

    let app = App::new(settings, config.limits.clone(), stop.clone())
        .observed(config.observation.clone());
    let maintained = app.clone();
    beside.spawn(async move { maintained.maintain().await });
    let (reporting, told) = (app.clone(), source.clone());
    beside.spawn(async move { reporting.report(told).await });
    let terminated = stop.clone();
    beside.spawn(async move {
        if let Err(error) = web::terminated().await {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot wait for signals");
        }
        terminated.cancel();
    });

    if let Some(address) = config.observation.metrics_listen {
        let listener = web::bind(address).await?;
        let serving = web::serve(listener, app.metrics_router(), stop.clone(), Duration::ZERO);
        beside.spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot serve metrics");
            }
        });
    }
    // Who waits is answered when `stop` is cancelled; a moment later the listener closes.
    let (closing, notice) = (CancellationToken::new(), config.drain_notice_ms);
    let (stopped, close) = (stop.clone(), closing.clone());
    beside.spawn(async move {
        stopped.cancelled().await;
        tokio::time::sleep(Duration::from_millis(notice)).await;
        close.cancel();
    });

    let drain = Duration::from_secs(config.drain_secs);
    web::serve(listener, app.router(), closing, drain).await?;
    app.close(CLOSING).await;
    app.report_last(source).await;
    beside.close();
    beside.wait().await;
    Ok(())
}
