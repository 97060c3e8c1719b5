//! Carries out one restart: a process of its own that stops the old broker and turns into the new
//! one. It needs nothing of the orchestrator, which may die in the meantime.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use model::{RevisionId, Timestamp};
use rolling::Incarnation;
use tracing::{info, warn};

use crate::local::folder::NodeFolder;
use crate::local::{files, processes, starts};

/// Kafka's own limit for a controlled shutdown is five minutes, and the flush of the logs comes on
/// top.
const STOP_PATIENCE: Duration = Duration::from_secs(330);
/// How often to look whether the old broker is gone.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What to do: the arguments of `run-node`.
#[derive(Debug, clap::Args)]
pub struct RunNode {
    /// The node's folder.
    #[arg(long)]
    pub dir: PathBuf,
    /// The staged revision to start with.
    #[arg(long)]
    pub revision: String,
    /// Kafka's cluster id, for a storage that is not formatted yet.
    #[arg(long)]
    pub cluster_id: String,
    /// The process to stop first, as `pid@starttime`.
    #[arg(long)]
    pub expect: Option<String>,
    /// The epoch of the lease of whoever orders this.
    #[arg(long)]
    pub epoch: i64,
    /// The `java` program.
    #[arg(long)]
    pub java: PathBuf,
    /// The folder with Kafka's jars.
    #[arg(long)]
    pub kafka_libs: PathBuf,
}

/// Stops, formats if need be, and becomes the broker. Returns only if that failed.
pub fn run_node(arguments: &RunNode) -> anyhow::Result<()> {
    let folder = NodeFolder::at(arguments.dir.clone());
    let revision = RevisionId::try_from(arguments.revision.clone())?;
    let lock = File::create(folder.lock()).context("open the lock of the node")?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!("another agent works on this node"),
        Err(TryLockError::Error(error)) => return Err(error).context("lock the node"),
    }
    let latest = epoch(&folder);
    ensure!(arguments.epoch >= latest, "an order of lease {latest} came after this one");
    files::write(&folder.epoch(), &arguments.epoch.to_string()).context("note the epoch")?;
    if let Some(expect) = &arguments.expect {
        stop(&Incarnation(expect.clone()))?;
    }
    let running = processes::list()?.broker_of(&folder);
    ensure!(running.is_none(), "the node runs another process than the one to stop");
    if !folder.meta_properties().exists() {
        format_storage(arguments, &folder, &revision)?;
    }
    starts::add(&folder, Timestamp::now(), &revision).context("note the start")?;
    info!(revision.id = %revision, "starting the broker");
    let mut broker = java(arguments, &folder);
    broker.args(jvm_options(&folder, &revision)?);
    broker.arg(processes::node_option(&folder));
    broker.arg("-cp").arg(arguments.kafka_libs.join("*")).arg("kafka.Kafka");
    broker.arg(NodeFolder::relative_properties(&revision));
    // The lock is closed with this: who looks now sees the broker instead of the agent.
    Err(broker.exec()).context("start java")
}

/// The epoch of the latest order that a node was given.
pub(crate) fn epoch(folder: &NodeFolder) -> i64 {
    let text = fs::read_to_string(folder.epoch()).unwrap_or_default();
    text.parse().unwrap_or(0)
}

fn stop(of: &Incarnation) -> anyhow::Result<()> {
    let started = Instant::now();
    if !processes::terminate(of).context("send SIGTERM")? {
        return Ok(());
    }
    while processes::lives(of) {
        if started.elapsed() > STOP_PATIENCE {
            warn!(process = %of, "the broker did not stop: leaving it alone");
            bail!("the broker did not stop within {} s", STOP_PATIENCE.as_secs());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    info!(process = %of, duration_ms = started.elapsed().as_millis(), "the broker has stopped");
    Ok(())
}

fn java(arguments: &RunNode, folder: &NodeFolder) -> Command {
    let mut command = Command::new(&arguments.java);
    command.current_dir(folder.path()).stdin(Stdio::null());
    command.arg("-Dlog4j2.configurationFile=log4j2.properties");
    command
}

fn jvm_options(folder: &NodeFolder, revision: &RevisionId) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(folder.revision(revision).join("jvm.options"))?;
    Ok(text.lines().map(String::from).collect())
}

/// Formats Kafka's storage. The tool's output goes to the log of the agent.
fn format_storage(
    arguments: &RunNode,
    folder: &NodeFolder,
    revision: &RevisionId,
) -> anyhow::Result<()> {
    let mut tool = java(arguments, folder);
    tool.arg("-Xmx128m").arg("-XX:TieredStopAtLevel=1");
    tool.arg("-cp").arg(arguments.kafka_libs.join("*")).arg("kafka.tools.StorageTool");
    tool.args(["format", "--ignore-formatted", "--cluster-id", &arguments.cluster_id]);
    tool.arg("--config").arg(NodeFolder::relative_properties(revision));
    let status = tool.status().context("run Kafka's storage tool")?;
    ensure!(status.success(), "Kafka's storage tool failed: {status}");
    Ok(())
}
