//! The program `tidegate-control-plane`.
#![allow(clippy::print_stdout, reason = "the commands answer on standard output")]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Parser as _;
use control_plane::{
    App, Cli, Command, KeyCommand, ProjectCommand, Serve, Settings, TokenCommand, alarm, api_token,
    generate_key, key_status, key_variable, rotate_keys, service, token_hash,
};
use model::ProjectName;
use store::{MasterKeys, Store};
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
    if let Command::Key(KeyCommand::Generate) = cli.command {
        println!("{}", generate_key()?.expose());
        return Ok(());
    }
    let keys = MasterKeys::given(cli.key_file.as_deref(), key_variable().as_ref());
    let url = cli.database_url.context("no database: set TIDEGATE_DATABASE_URL")?;
    let store = Store::connect(url.expose()).context("the database URL makes no sense")?;
    match cli.command {
        Command::Serve(options) => serve(store.with_keys(keys?), &options).await,
        Command::Migrate => store.migrate().await.context("cannot migrate the database"),
        Command::Project(ProjectCommand::Create { name }) => create_project(&store, &name).await,
        Command::Token(TokenCommand::Create { project, description }) => {
            create_token(&store, &project, &description).await
        }
        Command::Key(command) => look_after_keys(store, keys, command).await,
    }
}

async fn serve(store: Store, options: &Serve) -> anyhow::Result<()> {
    check_keys(&store).await?;
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

/// Stops a program that cannot open what is in the database, before it does anything. A database
/// that is away is no reason to: it is waited for as ever, and nothing is written unsealed.
async fn check_keys(store: &Store) -> anyhow::Result<()> {
    match store.keys.check().await {
        Ok(0) => Ok(()),
        Ok(plain) => {
            tracing::warn!(
                secrets = plain,
                "secrets in the database are plain text: run `tidegate-control-plane key rotate`"
            );
            Ok(())
        }
        Err(error) if error.is_away() => {
            tracing::warn!(error = %web::chain(&error), "keys are not checked yet");
            Ok(())
        }
        Err(error) => Err(error).context("cannot use the keys of the database (is it migrated?)"),
    }
}

async fn look_after_keys(
    store: Store,
    keys: Result<MasterKeys, store::KeyError>,
    command: KeyCommand,
) -> anyhow::Result<()> {
    match command {
        KeyCommand::Generate => println!("{}", generate_key()?.expose()),
        KeyCommand::Rotate => rotate_keys(&store.with_keys(keys?), |it| println!("{it}")).await?,
        KeyCommand::Status { json } => {
            // Without a key, it only cannot say which ones were given.
            let store = match keys {
                Err(store::KeyError::Missing) => store,
                keys => store.with_keys(keys?),
            };
            println!("{}", key_status(&store, json).await?);
        }
    }
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
