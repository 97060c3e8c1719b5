//! One consumer instance that reads a full topic as fast as it can.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Args;
use serde::Serialize;

use super::connection::Target;
use super::machine::{Machine, Watched, Window};
use super::rest::{Arrived, Instance};
use super::tokens;

/// What is read.
#[derive(Args, Clone, Debug)]
pub struct Drain {
    /// The REST proxy: `http://HOST:PORT`.
    #[arg(long)]
    pub url: Target,
    /// A topic that is full.
    #[arg(long, default_value = "bench")]
    pub topic: String,
    /// How many records are in it.
    #[arg(long)]
    pub records: u64,
    /// `max_bytes` of each request; without it the proxy's default.
    #[arg(long)]
    pub max_bytes: Option<u64>,
    /// File with a token.
    #[arg(long)]
    pub token: Option<PathBuf>,
    /// Seconds after which it is given up.
    #[arg(long, default_value_t = 60)]
    pub patience: u64,
    /// A process whose CPU and memory is reported: `NAME=PID`.
    #[arg(long)]
    pub watch: Vec<Watched>,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct DrainReport {
    records: u64,
    /// Records that were skipped or came twice.
    failures: u64,
    requests: u64,
    /// From the first answer with records to the last.
    flowing_seconds: f64,
    bytes: usize,
    /// From creating the instance to the last record.
    #[serde(flatten)]
    window: Window,
}

/// Reads it.
pub async fn drain(plan: &Drain) -> anyhow::Result<DrainReport> {
    let machine = Machine::new(&plan.watch);
    let token = plan.token.as_deref().map(tokens::read).transpose()?;
    let token = token.as_ref().and_then(|all| all.first()).map(String::as_str);
    let group = format!("drain-{}", std::process::id());
    let (before, started) = (machine.read()?, Instant::now());
    let mut instance = Instance::create(&plan.url, &group, &plan.topic, "earliest", token).await?;
    let bound = plan.max_bytes.map_or_else(String::new, |it| format!("&max_bytes={it}"));
    let fetch = instance.fetch(&format!("?timeout=5000{bound}"));
    let (mut arrived, mut requests, mut bytes, mut first) = (Arrived::default(), 0, 0, None);
    while arrived.records < plan.records {
        let late = started.elapsed() > Duration::from_secs(plan.patience);
        ensure!(!late, "only {} of {} records came", arrived.records, plan.records);
        let answer = instance.records(&fetch).await?;
        bytes += answer.len();
        arrived.add(answer);
        requests += 1;
        if arrived.records > 0 {
            first.get_or_insert_with(Instant::now);
        }
    }
    let flowing_seconds = first.map_or(0.0, |it| it.elapsed().as_secs_f64());
    let window = machine.window(&before)?;
    // Nothing may come twice afterwards either.
    let fetch = instance.fetch("?timeout=300");
    arrived.add(instance.records(&fetch).await?);
    instance.delete().await?;
    let (records, more) = (plan.records, arrived.records - plan.records);
    let failures = arrived.gaps + more;
    Ok(DrainReport { records, failures, requests, flowing_seconds, bytes, window })
}
