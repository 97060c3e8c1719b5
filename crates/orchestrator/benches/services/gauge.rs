//! What this process takes: CPU and memory, as the kernel counts them.

use std::time::Instant;

use anyhow::Context as _;

/// The kernel counts CPU in hundredths of a second, whatever its own clock is.
const TICKS: f64 = 100.0;

/// The counters at the beginning.
#[derive(Debug)]
pub(crate) struct Gauge {
    at: Instant,
    ticks: f64,
}

/// What was used since then.
#[derive(Debug)]
pub(crate) struct Used {
    /// Of the window.
    pub(crate) seconds: f64,
    /// CPU seconds for each second.
    pub(crate) cores: f64,
    /// At the end.
    pub(crate) memory_mib: f64,
}

impl Gauge {
    pub(crate) fn start() -> anyhow::Result<Self> {
        Ok(Self { at: Instant::now(), ticks: ticks()? })
    }

    pub(crate) fn read(&self) -> anyhow::Result<Used> {
        let seconds = self.at.elapsed().as_secs_f64();
        let cores = (ticks()? - self.ticks) / TICKS / seconds;
        Ok(Used { seconds, cores, memory_mib: memory_mib()? })
    }
}

/// User and system time of all threads.
fn ticks() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name before it may have blanks.
    let (_, fields) = stat.rsplit_once(") ").context("/proc/self/stat")?;
    let times: Vec<f64> =
        fields.split(' ').skip(11).take(2).filter_map(|it| it.parse().ok()).collect();
    Ok(times.iter().sum())
}

fn memory_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kib = line.and_then(|it| it.split_whitespace().next()).context("VmRSS")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}
