//! A closed loop of equal requests on keep-alive connections: so many at a time, for so long.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

use super::connection::{Connection, Request, Target};
use super::failures::Failures;
use super::histogram::{Histogram, Latency};
use super::machine::{Machine, Watched, Window};
use super::payload::{self, JSON_RECORDS};
use super::tokens;

/// How long the last requests may take.
const LAST: Duration = Duration::from_secs(40);
/// How long the first answer may take: the proxy logs in, Kafka finds leaders.
const FIRST: Duration = Duration::from_secs(30);
/// After a failure: an endless loop of refused connections helps nobody.
const PAUSE: Duration = Duration::from_millis(20);

const WARMING_UP: u8 = 0;
const MEASURING: u8 = 1;
const OVER: u8 = 2;

/// What is sent and for how long.
#[derive(Args, Clone, Debug)]
pub struct Load {
    /// The REST proxy: `http://HOST:PORT`. With `--get` also the path.
    #[arg(long)]
    pub url: Target,
    /// A topic that exists.
    #[arg(long, default_value = "bench")]
    pub topic: String,
    /// Ask for this address instead of producing.
    #[arg(long)]
    pub get: bool,
    /// Keep-alive connections, each with one request at a time.
    #[arg(long, default_value_t = 16)]
    pub connections: usize,
    /// Records in a request.
    #[arg(long, default_value_t = 100)]
    pub records: usize,
    /// Bytes of each record, which is JSON.
    #[arg(long, default_value_t = 100)]
    pub size: usize,
    /// Seconds before the window.
    #[arg(long, default_value_t = 2.0)]
    pub warm_up: f64,
    /// Seconds of the window.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// File with tokens, one a line, used in turn.
    #[arg(long)]
    pub tokens: Option<PathBuf>,
    /// The status that is expected.
    #[arg(long, default_value_t = 200)]
    pub expect: u16,
    /// A process whose CPU and memory is reported: `NAME=PID`.
    #[arg(long)]
    pub watch: Vec<Watched>,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct LoadReport {
    requests: u64,
    records: u64,
    #[serde(flatten)]
    failures: Failures,
    /// One connection, one record a request: offsets of a partition that did not rise.
    out_of_order: u64,
    #[serde(flatten)]
    latency: Latency,
    #[serde(flatten)]
    window: Window,
}

/// The requests, rendered once, and how far the run is. Shared by all connections.
struct Shared {
    address: String,
    requests: Vec<Vec<u8>>,
    next: AtomicUsize,
    /// Told at the first good answer.
    answered: Notify,
    phase: AtomicU8,
    records: usize,
    expect: u16,
}

/// What one connection counted.
struct Tally {
    requests: u64,
    failures: Failures,
    out_of_order: u64,
    /// The last offset of each partition, while one record is sent at a time.
    last: Vec<i64>,
    latency: Histogram,
}

/// Runs it. To be called in a runtime of one thread.
pub async fn load(plan: &Load) -> anyhow::Result<LoadReport> {
    let machine = Machine::new(&plan.watch);
    let shared = Rc::new(Shared::new(plan)?);
    let local = LocalSet::new();
    let mut connections = JoinSet::new();
    for _ in 0..plan.connections {
        connections.spawn_local_on(Rc::clone(&shared).run(), &local);
    }
    let measured = local
        .run_until(async {
            // The clock starts then. Without any, the failures tell what is wrong.
            let _none = timeout(FIRST, shared.answered.notified()).await;
            sleep(Duration::from_secs_f64(plan.warm_up)).await;
            let before = machine.read()?;
            shared.phase.store(MEASURING, Ordering::Relaxed);
            sleep(Duration::from_secs_f64(plan.seconds)).await;
            shared.phase.store(OVER, Ordering::Relaxed);
            machine.window(&before)
        })
        .await?;
    let mut all = Tally::new();
    local
        .run_until(async {
            while let Ok(Some(tally)) = timeout(LAST, connections.join_next()).await {
                all.merge(tally?);
            }
            anyhow::Ok(())
        })
        .await?;
    for _ in 0..connections.len() {
        all.failures.add(|| format!("no answer within {} s", LAST.as_secs()));
    }
    let records = if plan.get { 0 } else { all.requests * plan.records as u64 };
    Ok(LoadReport {
        requests: all.requests,
        records,
        failures: all.failures,
        out_of_order: all.out_of_order,
        latency: all.latency.latency(),
        window: measured,
    })
}

impl Shared {
    fn new(plan: &Load) -> anyhow::Result<Self> {
        let tokens = plan.tokens.as_deref().map(tokens::read).transpose()?.unwrap_or_default();
        let body = payload::body(plan.records, plan.size);
        let topic = format!("/topics/{}", plan.topic);
        let request = |token| {
            let request = if plan.get {
                let path = &plan.url.path;
                Request { method: "GET", path, content_type: "*/*", token, body: b"" }
            } else {
                let (method, path) = ("POST", topic.as_str());
                Request { method, path, content_type: JSON_RECORDS, token, body: &body }
            };
            request.render(&plan.url.address)
        };
        let mut requests: Vec<_> = tokens.iter().map(|token| request(Some(token))).collect();
        if requests.is_empty() {
            requests.push(request(None));
        }
        Ok(Self {
            address: plan.url.address.clone(),
            requests,
            next: AtomicUsize::new(0),
            answered: Notify::new(),
            phase: AtomicU8::new(WARMING_UP),
            records: if plan.get || plan.expect != 200 { 0 } else { plan.records },
            expect: plan.expect,
        })
    }

    async fn run(self: Rc<Self>) -> Tally {
        let mut tally = Tally::new();
        let mut connection = None;
        while self.phase.load(Ordering::Relaxed) != OVER {
            let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.requests.len();
            if let Err(error) = self.turn(&mut connection, turn, &mut tally).await {
                tally.failures.add(|| format!("{error:#}"));
                connection = None;
                sleep(PAUSE).await;
            }
        }
        tally
    }

    async fn turn(
        &self,
        connection: &mut Option<Connection>,
        turn: usize,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        let connection = match connection {
            Some(open) => open,
            None => connection.insert(Connection::open(&self.address).await?),
        };
        let started = Instant::now();
        let status = connection.exchange(&self.requests[turn]).await?;
        let took = started.elapsed();
        let stored = if self.records == 0 { 0 } else { payload::stored(connection.body()) };
        if status != self.expect || stored != self.records {
            tally.failures.add(|| format!("status {status}: {}", connection.shown()));
            sleep(PAUSE).await;
            return Ok(());
        }
        if tally.requests == 0 {
            self.answered.notify_one();
        }
        if self.records == 1 {
            tally.check_order(connection.body());
        }
        if self.phase.load(Ordering::Relaxed) == MEASURING {
            tally.requests += 1;
            tally.latency.add(took);
        }
        Ok(())
    }
}

impl Tally {
    fn new() -> Self {
        Self {
            requests: 0,
            failures: Failures::default(),
            out_of_order: 0,
            last: Vec::new(),
            latency: Histogram::new(),
        }
    }

    /// A connection waits for each answer: what it sends later lies behind what it sent before.
    fn check_order(&mut self, answer: &[u8]) {
        let offset = payload::numbers(answer, r#""offset":"#).next();
        let partition = payload::numbers(answer, r#""partition":"#).next();
        let (Some(offset), Some(partition)) = (offset, partition) else { return };
        let partition = usize::try_from(partition).unwrap_or(0);
        if self.last.len() <= partition {
            self.last.resize(partition + 1, -1);
        }
        if offset <= self.last[partition] {
            self.out_of_order += 1;
        }
        self.last[partition] = offset;
    }

    fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.failures.merge(other.failures);
        self.out_of_order += other.out_of_order;
        self.latency.merge(&other.latency);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_that_does_not_rise_is_noticed() {
        let mut tally = Tally::new();
        for (offset, partition) in [(5, 1), (2, 0), (6, 1), (6, 1), (1, 0)] {
            let answer =
                format!(r#"{{"offsets":[{{"offset":{offset},"partition":{partition}}}]}}"#);
            tally.check_order(answer.as_bytes());
        }
        assert_eq!(tally.out_of_order, 2);
    }
}
