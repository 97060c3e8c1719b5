//! Many consumer instances that wait for records which do not come.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection::Target;
use super::failures::Failures;
use super::machine::{Machine, Watched, Window};
use super::payload;
use super::rest::Instance;
use super::tokens;

/// Instances that are created at a time.
const AT_ONCE: usize = 8;
/// Each `GET` waits so long.
const POLL: &str = "?timeout=15000";
/// How long the last polls may take.
const LAST: Duration = Duration::from_secs(30);

/// How many wait.
#[derive(Args, Clone, Debug)]
pub struct IdlePolls {
    /// The REST proxy: `http://HOST:PORT`.
    #[arg(long)]
    pub url: Target,
    /// An empty topic.
    #[arg(long, default_value = "bench")]
    pub topic: String,
    /// Instances, each in a group of its own.
    #[arg(long, default_value_t = 1000)]
    pub instances: u32,
    /// Seconds after the last one was created, for the groups to form.
    #[arg(long, default_value_t = 10.0)]
    pub settle: f64,
    /// Seconds of the window.
    #[arg(long, default_value_t = 20.0)]
    pub seconds: f64,
    /// File with a token.
    #[arg(long)]
    pub token: Option<PathBuf>,
    /// A process whose CPU and memory is reported: `proxy=PID` is needed.
    #[arg(long)]
    pub watch: Vec<Watched>,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct IdleReport {
    instances: u32,
    polls: u64,
    #[serde(flatten)]
    failures: Failures,
    creating_seconds: f64,
    memory_mib_before: f64,
    librdkafka_threads_each: f64,
    /// Threads of the proxy that are not librdkafka's: before, and while all wait.
    other_threads_before: u32,
    other_threads: u32,
    #[serde(flatten)]
    window: Window,
}

/// Lets them wait. To be called in a runtime of one thread or more.
pub async fn idle_polls(plan: &IdlePolls) -> anyhow::Result<IdleReport> {
    let machine = Machine::new(&plan.watch);
    let memory_mib_before = machine.memory_mib("proxy")?;
    let (threads_before, other_threads_before) = machine.threads("proxy")?;
    let started = Instant::now();
    let instances = plan.create().await?;
    let creating_seconds = started.elapsed().as_secs_f64();
    let mut polling = JoinSet::new();
    let ends = Instant::now() + Duration::from_secs_f64(plan.settle + plan.seconds);
    for instance in instances {
        polling.spawn(poll(instance, ends));
    }
    sleep(Duration::from_secs_f64(plan.settle)).await;
    let before = machine.read()?;
    sleep(Duration::from_secs_f64(plan.seconds)).await;
    let window = machine.window(&before)?;
    let (threads, other_threads) = machine.threads("proxy")?;

    let (mut polls, mut failures, mut done) = (0, Failures::default(), Vec::new());
    while let Ok(Some(ended)) = timeout(LAST, polling.join_next()).await {
        let (instance, more, trouble) = ended?;
        polls += more;
        failures.merge(trouble);
        done.push(instance);
    }
    for _ in 0..polling.len() {
        failures.add(|| format!("no answer within {} s", LAST.as_secs()));
    }
    // All at once: each leaves its group, which takes Kafka a moment.
    let mut deleting: JoinSet<_> = done.into_iter().map(Instance::delete).collect();
    while let Some(deleted) = deleting.join_next().await {
        if let Err(error) = deleted? {
            failures.add(|| format!("deleting: {error:#}"));
        }
    }
    Ok(IdleReport {
        instances: plan.instances,
        polls,
        failures,
        creating_seconds,
        memory_mib_before,
        librdkafka_threads_each: (f64::from(threads) - f64::from(threads_before))
            / f64::from(plan.instances),
        other_threads_before,
        other_threads,
        window,
    })
}

impl IdlePolls {
    async fn create(&self) -> anyhow::Result<Vec<Instance>> {
        let token = self.token.as_deref().map(tokens::read).transpose()?;
        let token = token.and_then(|all| all.into_iter().next());
        let mut running = JoinSet::new();
        let mut all = Vec::new();
        for number in 0..self.instances {
            if running.len() >= AT_ONCE
                && let Some(created) = running.join_next().await
            {
                all.push(created??);
            }
            let (url, topic, token) = (self.url.clone(), self.topic.clone(), token.clone());
            let group = format!("idle-{}-{number}", std::process::id());
            running.spawn(async move {
                Instance::create(&url, &group, &topic, "latest", token.as_deref()).await
            });
        }
        while let Some(created) = running.join_next().await {
            all.push(created??);
        }
        Ok(all)
    }
}

/// Polls until `ends`, and counts.
async fn poll(mut instance: Instance, ends: Instant) -> (Instance, u64, Failures) {
    let fetch = instance.fetch(POLL);
    let (mut polls, mut failures) = (0, Failures::default());
    while Instant::now() < ends {
        match instance.records(&fetch).await.map(payload::stored) {
            Ok(0) => polls += 1,
            Ok(_) => failures.add(|| "records where there are none".to_owned()),
            Err(error) => {
                failures.add(|| format!("{error:#}"));
                break;
            }
        }
    }
    (instance, polls, failures)
}
