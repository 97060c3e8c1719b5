//! Stopping everything of this machine: for development, and before the machine goes down.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rolling::Incarnation;
use tracing::{info, warn};

use super::processes;

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Sends SIGTERM to every agent, broker and proxy below `data` at once and waits until they are
/// gone. At once, because a broker that is alone with its shutdown waits five minutes for a
/// controller that is gone (KAFKA-13907). Returns how many did not go within `patience`.
pub async fn stop_all(data: &Path, patience: Duration) -> io::Result<usize> {
    let table = processes::list()?;
    let mut running: Vec<Incarnation> =
        table.below(data).into_iter().filter_map(processes::incarnation).collect();
    info!(processes = running.len(), "stopping");
    for it in &running {
        processes::terminate(it)?;
    }
    let started = Instant::now();
    while started.elapsed() < patience {
        running.retain(processes::lives);
        if running.is_empty() {
            info!(duration_ms = started.elapsed().as_millis(), "all stopped");
            return Ok(0);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    warn!(processes = running.len(), "still running");
    Ok(running.len())
}
