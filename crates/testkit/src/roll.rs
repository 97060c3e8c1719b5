//! Other people's rolling restarts, small: what the bench puts beside ours.
//!
//! Each stops the brokers' processes on this machine one by one, and starts them again with the
//! very same command lines. Nobody else may restart them meanwhile: the orchestrator has to be
//! stopped. What an algorithm looks at is its own; when the cluster is whole again is looked at
//! from outside, in the same way for all of them.

mod kafka_utils;
mod naive;
mod process;
mod report;
mod single;
mod site;
mod strimzi;
mod view;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use model::{NodeId, Secret};
use rustix::process::Signal;
use tracing::info;

pub use self::kafka_utils::Gate;
pub use self::report::{Restart, RollReport};
use self::site::Site;

/// How long leaders may take to move back.
const SETTLE: Duration = Duration::from_secs(5);

/// How to restart all brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// Each alone, the next when the whole cluster is well: what three restarts cost at least.
    Single,
    /// The same, with its leaders moved away before the stop.
    Drain,
    /// SIGTERM, wait for the end, start, wait until its port is open; the next.
    Naive,
    /// The same by SIGKILL.
    #[value(name = "kill-9")]
    Kill9,
    /// `kafka_rolling_restart` of Yelp's kafka-utils.
    KafkaUtils,
    /// The `KafkaRoller` of Strimzi.
    Strimzi,
}

/// Where the brokers are, and what to do with them.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How.
    pub algorithm: Algorithm,
    /// The folder below which each broker's process has its own.
    pub nodes: PathBuf,
    /// Listeners for who logs in by PLAIN as the platform's administrator.
    pub bootstrap: Vec<String>,
    /// Its password.
    pub password: Secret,
    /// For kafka-utils.
    pub gate: Gate,
}

/// Restarts every broker, waits until the cluster is whole, and tells how that went. Then it gives
/// leaders back to the brokers that are preferred, so that what comes next begins as this did.
pub async fn roll(plan: Plan, tell: impl FnOnce(RollReport)) -> anyhow::Result<()> {
    let mut site = Site::find(&plan.nodes, &plan.bootstrap, plan.password).await?;
    site.until_whole().await.context("before the first restart")?;
    let ids: Vec<NodeId> = site.ids();
    info!("{:?} restarts {ids:?}", plan.algorithm);
    site.begin();
    let result = match plan.algorithm {
        Algorithm::Single => single::roll(&mut site, &ids, false).await,
        Algorithm::Drain => single::roll(&mut site, &ids, true).await,
        Algorithm::Naive => naive::roll(&mut site, &ids, Signal::TERM).await,
        Algorithm::Kill9 => naive::roll(&mut site, &ids, Signal::KILL).await,
        Algorithm::KafkaUtils => kafka_utils::roll(&mut site, &ids, plan.gate).await,
        Algorithm::Strimzi => strimzi::roll(&mut site, &ids).await,
    };
    let total = site.elapsed();
    // Even if it gave up: nobody else starts what it stopped.
    site.until_whole().await?;
    let whole = site.elapsed();
    tell(site.report(total, whole, result.err().map(|error| format!("{error:#}"))));
    site.restore_leaders(SETTLE).await;
    Ok(())
}
