//! The program `tidegate-control-plane`.
#![allow(clippy::print_stdout, reason = "the commands answer on standard output")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Parser as _;
use control_plane::{
    App, Cli, Command, KeyCommand, OidcAccess, ProjectCommand, Serve, Settings, TokenCommand,
    alarm, api_token, generate_key, key_status, key_variable, rotate_keys, service, token_hash,
    token_prefix,
};
use model::{Grants, ProjectName, Role, Scope, Secret};
use store::{By, MasterKeys, NewToken, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A tenth of what a request costs would go into the system's allocator: an answer is made of many
/// small texts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let store = Store::connect(url.expose(), cli.database_connections);
    let store = store.context("the database URL makes no sense")?;
    match cli.command {
        Command::Serve(options) => serve(store.with_keys(keys?), &options).await,
        Command::Migrate => store.migrate().await.context("cannot migrate the database"),
        Command::Project(ProjectCommand::Create { name }) => create_project(&store, &name).await,
        Command::Token(TokenCommand::Create { project, role, owner, description }) => {
            create_token(&store, project, role, owner, description).await
        }
        Command::Key(command) => look_after_keys(store, keys, command).await,
    }
}

async fn serve(store: Store, options: &Serve) -> anyhow::Result<()> {
    let usable = store.keys.check_at_start().await;
    usable.context("cannot use the keys of the database (is it migrated?)")?;
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
    let settings = Settings::from(options);
    let public_url = options.console.public_url.as_ref();
    let oidc = OidcAccess::new(&options.oidc, &settings.idp_policy, public_url)?.map(Arc::new);
    greet(&store).await;
    let router = service(App::new(store, settings, wake, oidc));
    web::serve(listener, router, stop, DRAIN).await?;
    tasks.wait().await;
    Ok(())
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
    let made = store.projects.ensure(name, &cli()).await?;
    println!("project {name} {}", if made { "created" } else { "exists" });
    Ok(())
}

async fn create_token(
    store: &Store,
    scope: Scope,
    role: Role,
    owner: String,
    description: String,
) -> anyhow::Result<()> {
    if let Scope::Project(name) = &scope
        && store.projects.get(name).await?.is_none()
    {
        bail!("there is no project {name}");
    }
    let (token, new) = new_token(Grants::one(scope, role), owner, description)?;
    store.tokens.add(&new, &cli()).await?;
    println!("{}", token.expose());
    Ok(())
}

/// Whoever has a shell where the database can be reached.
fn cli() -> By {
    By::from("command line")
}

fn new_token(
    grants: Grants,
    owner: String,
    description: String,
) -> anyhow::Result<(Secret, NewToken)> {
    let token = api_token()?;
    let new = NewToken {
        hash: token_hash(token.expose()),
        prefix: token_prefix(token.expose()),
        owner,
        grants,
        description,
        max_age_secs: None,
        extend_when_used: false,
    };
    Ok((token, new))
}

/// Prints a token at the first start of an installation, on standard output and nowhere else. With a
/// database that is away nothing is known: then the next start does it, or `token create`.
async fn greet(store: &Store) {
    let made = async {
        let everything = Grants::one(Scope::Everywhere, Role::Admin);
        let (token, new) = new_token(everything, "admin".into(), "first start".into())?;
        let is_first = store.tokens.add_first(&new, &By::from("first start")).await?;
        anyhow::Ok(is_first.then_some(token))
    };
    match made.await {
        Ok(None) => {}
        Ok(Some(token)) => println!(
            "This is the first start. This API token may do everything; it is shown this once:\n\n    \
             {}\n\nUse it with 'avn user login --token', make others, and revoke it.",
            token.expose()
        ),
        Err(error) => tracing::warn!("no token was made for the first start: {error:#}"),
    }
}
