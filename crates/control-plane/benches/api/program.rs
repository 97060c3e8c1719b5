//! The program that is measured, as it is installed.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::seed::MASTER_KEY;

/// How long it may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs as long as this value lives.
pub(crate) struct Program {
    child: Child,
    url: String,
}

impl Program {
    /// Starts it on a free port: the one that was built with this, or another, to compare.
    pub(crate) async fn start(other: Option<&Path>, database_url: &str) -> anyhow::Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let ours = Path::new(env!("CARGO_BIN_EXE_tidegate-control-plane"));
        let child = Command::new(other.unwrap_or(ours))
            .args(["serve", "--listen", &address.to_string()])
            .env("TIDEGATE_DATABASE_URL", database_url)
            .env("TIDEGATE_KEY", MASTER_KEY)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()
            .context("starting the control plane")?;
        let program = Self { child, url: format!("http://{address}") };
        let deadline = Instant::now() + PATIENCE;
        while reqwest::get(format!("{}/health", program.url)).await.is_err() {
            ensure!(Instant::now() < deadline, "the control plane does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(program)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The CPU time that it has taken, in seconds.
    pub(crate) fn cpu_secs(&self) -> anyhow::Result<f64> {
        cpu_secs(&self.child.id().to_string())
    }

    /// The most memory that it had (`VmHWM` of `/proc/PID/status`).
    pub(crate) fn peak_mib(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).context("VmHWM")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib / 1024.0)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The CPU time that a process has taken, in seconds: `utime` and `stime` of `/proc/PID/stat`, which
/// Linux gives in hundredths (`USER_HZ`).
pub(crate) fn cpu_secs(process: &str) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // Behind the name, which may hold anything.
    let fields = stat.rsplit_once(')').context("no name")?.1;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: Vec<f64> = ticks.map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}
