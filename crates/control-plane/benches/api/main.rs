//! How fast the API answers with a database full of services: ten thousand of them, each with a
//! hundred users and a hundred ACL entries.
//!
//! Run by `cargo xtask bench control-plane`. Starts the program itself, asks it over HTTP, and asks
//! Postgres the cheapest question there is beside it, through a pool of the same size. Prints one
//! JSON object a line: `{"measure": .., "value": .., "unit": .., "baseline": ..}`.
#![expect(clippy::print_stdout, reason = "the report is what it is run for")]

mod clients;
mod pages;
mod program;
mod seed;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::clients::{AsyncAsk, Clients, Latencies, during};
use crate::program::{Program, cpu_secs};
use crate::seed::{LARGE, ONE_PROJECT, PER_PROJECT, Size, service_path};

/// How many clients ask at once where it is asked at once.
const CLIENTS: usize = 16;
/// The size of the pool of the bare select: each client has its own connection.
const POOL: u32 = 16;

/// What is measured.
#[derive(Debug, Parser)]
struct Options {
    /// An empty database with our schema.
    #[arg(long, env = "TIDEGATE_DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// How long each is measured, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Another build of the program, to compare with.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Only updates, of a database that was filled before.
    #[arg(long)]
    updates: bool,
    /// The pages of the console instead, with one project in the database.
    #[arg(long)]
    pages: bool,
    /// What cargo says to a bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(&options))
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new().max_connections(POOL).connect(&options.database_url).await?;
    let size = if options.pages { ONE_PROJECT } else { LARGE };
    let seeded = seed::fill(&pool, &options.database_url, size).await?;
    print("services", seeded.services, "", None);
    print("users", seeded.users, "", None);
    if !options.updates && !options.pages {
        print("sealing of all passwords by `key rotate`", seeded.sealing_secs, "s", None);
    }
    let program = Program::start(options.program.as_deref(), &options.database_url).await?;
    let time = Duration::from_secs(options.seconds);
    if options.pages {
        return pages::measure(&pool, program.url(), &seeded.token, time).await;
    }
    let clients = Clients::new(program.url(), &seeded.token);

    let bare_many = during(time, CLIENTS, select(&pool, LARGE)).await?;
    if !options.updates {
        reads(time, &pool, &clients, &bare_many).await?;
    }
    // In a database that was measured before, too.
    let first = 1_000 * std::process::id() as usize;
    let update = move |nth: usize, me: usize| {
        let clients = clients.clone();
        // Each client has services of its own, and each update changes something.
        let path = service_path(me * PER_PROJECT + nth % PER_PROJECT);
        let body = json!({ "user_config": { "kafka": { "log_retention_ms": first + nth } } });
        async move { clients.put(&path, &body).await }
    };
    let before = (program.cpu_secs()?, cpu_secs("self")?);
    let updates = during(time, CLIENTS, update).await?;
    let taken = (program.cpu_secs()? - before.0, cpu_secs("self")? - before.1);
    report("service update, 16 clients", &updates, &bare_many);
    // Of all that were asked, those before the measuring began included.
    for (whose, secs) in [("the program", taken.0), ("the clients", taken.1)] {
        let measure = format!("service update, 16 clients: CPU of {whose} for one");
        print(&measure, secs * 1e3 / updates.asked(), "ms", None);
    }
    print("memory of the process", program.peak_mib()?, "MiB", None);
    Ok(())
}

/// Getting one service, and listing those of a project.
async fn reads(
    time: Duration,
    pool: &PgPool,
    clients: &Clients,
    bare_many: &Latencies,
) -> anyhow::Result<()> {
    let get = |n: usize| {
        let clients = clients.clone();
        move |nth: usize, me: usize| {
            let (clients, path) = (clients.clone(), service_path(nth * n + me));
            async move { clients.get(&path).await }
        }
    };
    let bare = during(time, 1, select(pool, LARGE)).await?;
    report("service get", &during(time, 1, get(1)).await?, &bare);
    let many = during(time, CLIENTS, get(CLIENTS)).await?;
    report("service get, 16 clients", &many, bare_many);
    let list = {
        let clients = clients.clone();
        move |nth: usize, _: usize| {
            let (clients, project) = (clients.clone(), nth % LARGE.projects);
            async move { clients.get(&format!("/v1/project/project-{project}/service")).await }
        }
    };
    report("service list of 500", &during(time, 1, list).await?, &bare);
    Ok(())
}

/// One row by its key: what nobody can do without.
fn select(pool: &PgPool, size: Size) -> impl AsyncAsk + use<> {
    let pool = pool.clone();
    move |nth: usize, me: usize| {
        let at = (nth * CLIENTS + me) % (size.projects * PER_PROJECT);
        let pool = pool.clone();
        async move {
            let one =
                "select user_config from service where project_name = $1 and service_name = $2";
            let query = sqlx::query(one).bind(seed::project_name(at)).bind(seed::service_name(at));
            query.fetch_one(&pool).await?;
            Ok(())
        }
    }
}

fn report(what: &str, measured: &Latencies, bare: &Latencies) {
    print(&format!("{what}: p50"), measured.ms(0.5), "ms", Some(bare.ms(0.5)));
    print(&format!("{what}: p99"), measured.ms(0.99), "ms", Some(bare.ms(0.99)));
    print(&format!("{what}: requests"), measured.per_second(), "/s", Some(bare.per_second()));
}

fn print(measure: &str, value: f64, unit: &str, baseline: Option<f64>) {
    let row = json!({ "measure": measure, "value": value, "unit": unit, "baseline": baseline });
    println!("{row}");
}
