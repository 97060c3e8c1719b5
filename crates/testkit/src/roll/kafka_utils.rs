//! `kafka_rolling_restart` of Yelp's kafka-utils: no partition may be under-replicated, twelve times
//! in a row, ten seconds apart, before each next broker.

use std::time::{Duration, Instant};

use anyhow::bail;
use model::NodeId;
use rustix::process::Signal;
use tokio::time::sleep;
use tracing::info;

use super::site::Site;

/// So long the cluster may stay unwell.
const LIMIT: Duration = Duration::from_mins(10);

/// How often in a row the cluster has to be well, and how long to wait in between.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// Twelve, unless told otherwise.
    pub checks: u32,
    /// Ten seconds, unless told otherwise.
    pub every: Duration,
}

/// By ascending id. `service kafka start` returns at once, so the gate is all that waits. The last
/// broker is not waited for.
pub(super) async fn roll(site: &mut Site, ids: &[NodeId], gate: Gate) -> anyhow::Result<()> {
    for (index, id) in ids.iter().enumerate() {
        let checks = if index == 0 { 1 } else { gate.checks };
        pass(site, Gate { checks, ..gate }).await?;
        site.restart(*id, Signal::TERM).await?;
    }
    Ok(())
}

async fn pass(site: &Site, gate: Gate) -> anyhow::Result<()> {
    let (started, mut well) = (Instant::now(), 0);
    loop {
        // It asks every broker by Jolokia: one that does not answer counts as under-replicated.
        let count = match site.view().await {
            Ok(view) if site.ids().iter().all(|it| view.unfenced.contains(it)) => {
                view.under_replicated()
            }
            _ => usize::MAX,
        };
        well = if count == 0 { well + 1 } else { 0 };
        info!("under-replicated: {count}, well {well} of {}", gate.checks);
        if well >= gate.checks {
            return Ok(());
        }
        if well == 0 && started.elapsed() > LIMIT {
            bail!("the cluster is not well after {} s", LIMIT.as_secs());
        }
        sleep(gate.every).await;
    }
}
