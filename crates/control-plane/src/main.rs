//! The program `tidegate-control-plane`.
#![allow(clippy::print_stdout, reason = "the commands answer on standard output")]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Parser as _;
use control_plane::{
    App, Cli, Command, ProjectCommand, Serve, Settings, TokenCommand, alarm, api_token, service,
    token_hash,
};
use model::ProjectName;
use store::Store;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long requests in flight may take when the program is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    web::init_logs(cli.log_json);
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let url = cli.database_url.context("no database: set TIDEGATE_DATABASE_URL")?;
    let store = Store::connect(url.expose()).context("the database URL makes no sense")?;
    match cli.command {
        Command::Serve(options) => serve(store, &options).await,
        Command::Migrate => store.migrate().await.context("cannot migrate the database"),
        Command::Project(ProjectCommand::Create { name }) => create_project(&store, &name).await,
        Command::Token(TokenCommand::Create { project, description }) => {
            create_token(&store, &project, &description).await
        }
    }
}

async fn serve(store: Store, options: &Serve) -> anyhow::Result<()> {
    let listener = web::bind(options.listen).await?;
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let (alarm, wake) = alarm(stop.clone());
    tasks.spawn(alarm.run(store.clone(), stop.clone()));
    tasks.spawn({
        let stop = stop.clone();
        async move {
            if let Err(error) = web::terminated().await {
                tracing::error!(%error, "cannot hear of signals, stopping");
            }
            stop.cancel();
        }
    });
    tasks.close();
    let router = service(App::new(store, Settings::from(options), wake));
    web::serve(listener, router, stop, DRAIN).await?;
    tasks.wait().await;
    Ok(())
}

async fn create_project(store: &Store, name: &ProjectName) -> anyhow::Result<()> {
    let made = store.projects.ensure(name).await?;
    println!("project {name} {}", if made { "created" } else { "exists" });
    Ok(())
}

async fn create_token(
    store: &Store,
    project: &ProjectName,
    description: &str,
) -> anyhow::Result<()> {
    if store.projects.get(project).await?.is_none() {
        bail!("there is no project {project}");
    }
    let token = api_token()?;
    store.tokens.add(&token_hash(token.expose()), project, description).await?;
    println!("{}", token.expose());
    Ok(())
}
