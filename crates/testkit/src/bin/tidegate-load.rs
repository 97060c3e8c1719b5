//! A client that produces and consumes all through a change, and counts every record.
#![allow(clippy::print_stdout, reason = "the report is what it is run for")]

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser};
use model::Secret;
use testkit::bench::Target;
use testkit::load::{self, Access, Command, Crowd, Plan, RestAccess};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::warn;

/// Where the password comes from: the process list shows arguments to everybody.
const PASSWORD: &str = "TIDEGATE_LOAD_PASSWORD";

/// The token for the REST proxy.
const REST_TOKEN: &str = "TIDEGATE_LOAD_REST_TOKEN";

/// Counts what a Kafka client notices of a change.
#[derive(Debug, Parser)]
#[command(name = "tidegate-load", version)]
enum Options {
    /// Load for a rolling restart.
    ///
    /// Runs until its input ends, SIGTERM, or after `--seconds`. A line `mark NAME` of its input
    /// begins another window. At the end it waits until everything has arrived and prints one JSON
    /// object: totals, latencies and gaps of each window, what became of the records that went
    /// through the REST proxy (`rest`), and how long partitions had too few in-sync replicas or no
    /// leader (`partitions`). Exit status 0 if records were sent and none failed, was lost,
    /// duplicated or came out of order. `TIDEGATE_LOAD_PASSWORD` holds the password,
    /// `TIDEGATE_LOAD_REST_TOKEN` a Bearer token for the REST proxy if it asks for one.
    Roll(Roll),
}

#[derive(Args, Debug)]
struct Roll {
    /// `host:port,...` of listeners for clients.
    #[arg(long, env = "TIDEGATE_BOOTSTRAP")]
    bootstrap: String,
    /// Kafka's `security.protocol`.
    #[arg(long, env = "TIDEGATE_SECURITY_PROTOCOL", default_value = "SASL_PLAINTEXT")]
    security_protocol: String,
    /// A topic that exists.
    #[arg(long)]
    topic: String,
    /// Logs in by SCRAM-SHA-256, and may read, write and use any consumer group.
    #[arg(long)]
    username: String,
    /// Records a second.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Producers among which they are divided.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    producers: u16,
    /// Consumers in the group.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    consumers: u16,
    /// The REST proxy, `http://HOST:PORT`. Without it there are native clients only.
    #[arg(long, requires = "rest_topic")]
    rest: Option<Target>,
    /// Another topic that exists, for the records that go through the REST proxy. The group that
    /// reads it is another one too.
    #[arg(long)]
    rest_topic: Option<String>,
    /// Requests a second, of one record each.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    rest_rate: u32,
    /// Producers among which they are divided, each with a connection for each partition. Each
    /// sends in order, so with few of them what waits behind a slow answer counts as slow too.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    rest_producers: u16,
    /// How long to produce; the end of the input then means nothing.
    #[arg(long)]
    seconds: Option<u64>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Options::Roll(options) = Options::parse();
    testkit::init_logs();

    let (give, commands) = mpsc::channel(16);
    let seconds = options.seconds.map(Duration::from_secs);
    let plan = options.into_plan(password()?);
    let mut orders = JoinSet::new();
    orders.spawn(stop_when_told(give.clone(), seconds));
    // A thread, because reading standard input cannot be cancelled.
    std::thread::spawn(move || obey_input(&give, seconds.is_some()));
    let report = load::run(plan, commands).await?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Roll {
    fn into_plan(self, password: Secret) -> Plan {
        let (producers, consumers) = (self.producers.into(), self.consumers.into());
        let crowd = Crowd { rate: self.rate, producers, consumers };
        let rest = self.rest.zip(self.rest_topic).map(|(at, topic)| {
            let access = RestAccess { at, topic, token: secret(REST_TOKEN) };
            let producers = self.rest_producers.into();
            (access, Crowd { rate: self.rest_rate, producers, consumers })
        });
        Plan {
            access: Access {
                bootstrap: self.bootstrap,
                security_protocol: self.security_protocol,
                username: self.username,
                password,
                topic: self.topic,
            },
            crowd,
            rest,
        }
    }
}

fn password() -> anyhow::Result<Secret> {
    secret(PASSWORD).with_context(|| format!("{PASSWORD} is not set"))
}

#[expect(clippy::disallowed_methods, reason = "clap would take it from the arguments as well")]
fn secret(variable: &str) -> Option<Secret> {
    std::env::var(variable).ok().filter(|it| !it.is_empty()).map(Secret::new)
}

/// Stops at a signal, or when the time is over.
async fn stop_when_told(
    give: mpsc::Sender<Command>,
    seconds: Option<Duration>,
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let over = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(seconds).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = over => {}
    }
    Ok(give.send(Command::Stop).await?)
}

/// Passes the lines of the input on, and stops at its end unless the time is set.
fn obey_input(give: &mpsc::Sender<Command>, timed: bool) {
    for line in io::stdin().lines().map_while(Result::ok) {
        match line.trim().split_once(' ') {
            Some(("mark", name)) => {
                // Nobody listens any more: the run is over.
                if give.blocking_send(Command::Mark(name.trim().to_owned())).is_err() {
                    return;
                }
            }
            _ => warn!("not understood: only `mark NAME` is"),
        }
    }
    if !timed {
        let _over = give.blocking_send(Command::Stop);
    }
}
