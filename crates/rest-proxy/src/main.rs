//! The REST proxy's process: configuration, logs, settings, serving, stopping in order.

use std::time::Duration;

use clap::Parser;
use rest_proxy::{App, Config, PollConfig, Settings, follow};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long Kafka clients get to close: consumers leave their groups.
const CLOSING: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    web::init_logs(config.log_json);
    let listener = web::bind(config.listen).await?;
    let stop = CancellationToken::new();
    let beside = TaskTracker::new();

    let settings = Settings::new();
    let source = PollConfig {
        control_plane: config.control_plane_url.clone(),
        token_file: config.token_file.clone(),
    };
    beside.spawn(follow(settings.clone(), source, stop.clone()));

    let app = App::new(settings, config.limits.clone(), stop.clone());
    let maintained = app.clone();
    beside.spawn(async move { maintained.maintain().await });
    let terminated = stop.clone();
    beside.spawn(async move {
        if let Err(error) = web::terminated().await {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot wait for signals");
        }
        terminated.cancel();
    });

    let drain = Duration::from_secs(config.drain_secs);
    web::serve(listener, app.router(), stop, drain).await?;
    app.close(CLOSING).await;
    beside.close();
    beside.wait().await;
    Ok(())
}
