//! Many principals, each with its own token: what one costs, how long its first record takes, and
//! whether anybody else waits for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::connection::{Connection, Request, Target};
use super::failures::Failures;
use super::histogram::{Histogram, Latency};
use super::machine::{Machine, Watched};
use super::payload::{self, JSON_RECORDS};
use super::tokens;

/// The pause between two records of the one who must not wait.
const EVERY: Duration = Duration::from_millis(5);

const ALONE: u8 = 0;
const ARRIVALS: u8 = 1;
const OVER: u8 = 2;

/// Who comes.
#[derive(Args, Clone, Debug)]
pub struct Principals {
    /// The REST proxy: `http://HOST:PORT`.
    #[arg(long)]
    pub url: Target,
    /// A topic that all may write to.
    #[arg(long, default_value = "bench")]
    pub topic: String,
    /// File with tokens, one a line: the first for the one who must not wait.
    #[arg(long)]
    pub tokens: PathBuf,
    /// Principals whose first request is under way at a time.
    #[arg(long, default_value_t = 1)]
    pub at_once: usize,
    /// Seconds that the one is alone.
    #[arg(long, default_value_t = 3.0)]
    pub alone: f64,
    /// A process whose memory is reported: `proxy=PID` is needed.
    #[arg(long)]
    pub watch: Vec<Watched>,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct PrincipalsReport {
    principals: u32,
    #[serde(flatten)]
    failures: Failures,
    seconds: f64,
    memory_mib_each: f64,
    librdkafka_threads_each: f64,
    /// Threads of the proxy that are not librdkafka's, at the end.
    other_threads: u32,
    /// The first record of each.
    first: Latency,
    /// The records of the one, before the others came and while they did.
    alone: Latency,
    beside: Latency,
}

/// Lets them come. To be called in a runtime of several threads.
pub async fn principals(plan: &Principals) -> anyhow::Result<PrincipalsReport> {
    let machine = Machine::new(&plan.watch);
    let mut requests: Vec<Vec<u8>> =
        tokens::read(&plan.tokens)?.iter().map(|token| plan.request(token)).collect();
    ensure!(requests.len() > 1, "at least two principals are needed");
    let newcomers = requests.split_off(1);
    let count = u32::try_from(newcomers.len())?;
    let phase = Arc::new(AtomicU8::new(ALONE));
    let mut one = JoinSet::new();
    let stream = Stream { address: plan.url.address.clone(), phase: Arc::clone(&phase) };
    one.spawn(stream.run(requests.pop().context("the first token")?));
    sleep(Duration::from_secs_f64(plan.alone)).await;

    let memory = machine.memory_mib("proxy")?;
    let (threads, _) = machine.threads("proxy")?;
    phase.store(ARRIVALS, Ordering::Relaxed);
    let started = Instant::now();
    let (first, mut failures) = plan.arrivals(newcomers).await?;
    let seconds = started.elapsed().as_secs_f64();
    phase.store(OVER, Ordering::Relaxed);
    let (alone, beside, trouble) = one.join_next().await.context("the stream")??;
    failures.merge(trouble);
    let each = 1.0 / f64::from(count);
    let (threads_now, other_threads) = machine.threads("proxy")?;
    Ok(PrincipalsReport {
        principals: count,
        failures,
        seconds,
        memory_mib_each: (machine.memory_mib("proxy")? - memory) * each,
        librdkafka_threads_each: (f64::from(threads_now) - f64::from(threads)) * each,
        other_threads,
        first: first.latency(),
        alone: alone.latency(),
        beside: beside.latency(),
    })
}

impl Principals {
    fn request(&self, token: &str) -> Vec<u8> {
        let body = payload::body(1, 100);
        let path = format!("/topics/{}", self.topic);
        let (method, token) = ("POST", Some(token));
        Request { method, path: &path, content_type: JSON_RECORDS, token, body: &body }
            .render(&self.url.address)
    }

    /// One after the other, or so many at a time. Each on the connection of its lane.
    async fn arrivals(&self, newcomers: Vec<Vec<u8>>) -> anyhow::Result<(Histogram, Failures)> {
        let mut lanes: Vec<Vec<Vec<u8>>> = vec![Vec::new(); self.at_once.max(1)];
        let count = lanes.len();
        for (number, request) in newcomers.into_iter().enumerate() {
            lanes[number % count].push(request);
        }
        let mut running = JoinSet::new();
        for lane in lanes {
            let address = self.url.address.clone();
            running.spawn(async move {
                let (mut histogram, mut failures) = (Histogram::new(), Failures::default());
                let mut connection = Connection::open(&address).await?;
                for request in lane {
                    send(&mut connection, &request, &mut histogram, &mut failures).await?;
                }
                anyhow::Ok((histogram, failures))
            });
        }
        let (mut histogram, mut failures) = (Histogram::new(), Failures::default());
        while let Some(lane) = running.join_next().await {
            let (more, trouble) = lane??;
            histogram.merge(&more);
            failures.merge(trouble);
        }
        Ok((histogram, failures))
    }
}

/// Records of the one, one every few milliseconds.
struct Stream {
    address: String,
    phase: Arc<AtomicU8>,
}

impl Stream {
    async fn run(self, request: Vec<u8>) -> (Histogram, Histogram, Failures) {
        let (mut alone, mut beside) = (Histogram::new(), Histogram::new());
        let (mut warming, mut failures) = (Histogram::new(), Failures::default());
        let result = async {
            let mut connection = Connection::open(&self.address).await?;
            let mut sent = 0;
            loop {
                let seen = match self.phase.load(Ordering::Relaxed) {
                    OVER => return anyhow::Ok(()),
                    // Its own first record is not what it is here for.
                    ALONE if sent < 20 => &mut warming,
                    ALONE => &mut alone,
                    _ => &mut beside,
                };
                send(&mut connection, &request, seen, &mut failures).await?;
                sent += 1;
                sleep(EVERY).await;
            }
        };
        let result = result.await;
        if let Err(error) = result {
            failures.add(|| format!("{error:#}"));
        }
        (alone, beside, failures)
    }
}

async fn send(
    connection: &mut Connection,
    request: &[u8],
    histogram: &mut Histogram,
    failures: &mut Failures,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let status = connection.exchange(request).await?;
    let took = started.elapsed();
    if status == 200 && payload::stored(connection.body()) == 1 {
        histogram.add(took);
    } else {
        failures.add(|| format!("status {status}: {}", connection.shown()));
    }
    Ok(())
}
