//! The load tools of `cargo xtask bench rest` and `services`. Each measures one thing and prints one JSON object.
#![allow(clippy::print_stdout, reason = "the report is what it is run for")]

use std::io::{self, Read as _};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser};
use serde::Serialize;
use testkit::bench::{self, Access, Watched};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// Measures one thing of a REST proxy or of Kafka, and prints one JSON object.
#[derive(Debug, Parser)]
#[command(name = "tidegate-bench", version)]
enum Options {
    /// Serve a REST proxy its settings, and print the address. Ends with its standard input.
    Settings(bench::SettingsStub),
    /// Be many Kafka clusters, and print where they are. Ends with its standard input.
    Brokers(bench::SimulatedBrokers),
    /// Get tokens from a `tidegate-idp`.
    Tokens(bench::Tokens),
    /// Create, fill, count or delete a topic.
    Topic(bench::Topics),
    /// Produce with librdkafka.
    NativeProduce(bench::NativeProduce),
    /// Consume with librdkafka.
    NativeConsume(NativeConsume),
    /// Let many consumers of librdkafka wait.
    NativeIdle(bench::NativeIdle),
    /// Produce over HTTP, or ask for one address again and again.
    Http(bench::Load),
    /// Consume over HTTP.
    HttpConsume(bench::Drain),
    /// Time from an acknowledgement to the answer of a waiting GET.
    LongPoll(bench::LongPoll),
    /// Many principals, one after the other.
    Principals(bench::Principals),
    /// Many consumer instances that wait.
    IdlePolls(bench::IdlePolls),
}

#[derive(Args, Debug)]
struct NativeConsume {
    #[command(flatten)]
    access: Access,
    /// How many records to read, from the beginning.
    #[arg(long)]
    records: u64,
    /// Seconds after which it is given up.
    #[arg(long, default_value_t = 60)]
    patience: u64,
    /// A process whose CPU and memory is reported: `NAME=PID`.
    #[arg(long)]
    watch: Vec<Watched>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    testkit::init_logs();
    // One thread costs the least, and is enough.
    let one = || Builder::new_current_thread().enable_all().build();
    let many = || Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match options {
        Options::Settings(stub) => one()?.block_on(serve(&stub)),
        Options::Brokers(plan) => one()?.block_on(simulate(&plan)),
        Options::Tokens(plan) => one()?.block_on(bench::mint(&plan)),
        Options::Topic(plan) => print(&one()?.block_on(bench::topics(&plan))?),
        Options::NativeProduce(plan) => print(&bench::produce(&plan)?),
        Options::NativeConsume(plan) => {
            let patience = Duration::from_secs(plan.patience);
            print(&bench::consume(&plan.access, plan.records, patience, &plan.watch)?)
        }
        Options::NativeIdle(plan) => print(&bench::idle(&plan)?),
        Options::Http(plan) => print(&one()?.block_on(bench::load(&plan))?),
        Options::HttpConsume(plan) => print(&one()?.block_on(bench::drain(&plan))?),
        Options::LongPoll(plan) => print(&many()?.block_on(bench::long_poll(&plan))?),
        Options::Principals(plan) => print(&many()?.block_on(bench::principals(&plan))?),
        Options::IdlePolls(plan) => print(&one()?.block_on(bench::idle_polls(&plan))?),
    }
}

fn print(report: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(report)?);
    Ok(())
}

async fn serve(stub: &bench::SettingsStub) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listening")?;
    println!("{}", serde_json::json!({ "url": format!("http://{}", listener.local_addr()?) }));
    tokio::select! {
        served = bench::serve_settings(stub, listener) => Ok(served?),
        () = input_ends() => Ok(()),
    }
}

async fn simulate(plan: &bench::SimulatedBrokers) -> anyhow::Result<()> {
    let fleet = bench::Fleet::listen(plan).await?;
    print(fleet.addresses())?;
    tokio::select! {
        served = fleet.serve() => served,
        () = input_ends() => Ok(()),
    }
}

/// Completes when standard input ends.
async fn input_ends() {
    let (over, ended) = tokio::sync::oneshot::channel();
    // A thread, because reading standard input cannot be cancelled.
    std::thread::spawn(move || {
        let _ended = io::stdin().read_to_end(&mut Vec::new());
        over.send(())
    });
    let _ended = ended.await;
}
