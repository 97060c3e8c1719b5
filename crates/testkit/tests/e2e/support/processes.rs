//! The stack's brokers and REST proxy as processes, from `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Stack, wait_until};

/// A run of a process: its number and its start time, so that a number used again is another run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pid: u32,
    started: u64,
}

/// A running broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broker {
    pub(crate) run: Run,
    /// The revision that it was started with.
    pub(crate) revision: String,
}

/// Everything that runs for the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    /// By the number of the node.
    pub(crate) brokers: BTreeMap<u32, Broker>,
    pub(crate) proxies: Vec<Run>,
}

/// Ends a process as if the power had gone.
pub(crate) const KILL: &str = "-KILL";
/// Asks a process to end.
pub(crate) const TERM: &str = "-TERM";

impl Run {
    /// Whether it still runs.
    pub(crate) fn is_alive(&self) -> bool {
        // One that ended and that nobody has asked about yet has no arguments left.
        look(self.pid).is_some_and(|(now, arguments)| now == *self && !arguments[0].is_empty())
    }

    pub(crate) fn signal(&self, signal: &str) {
        assert!(self.is_alive(), "{} is another process", self.pid);
        let sent = Command::new("kill").args([signal, &self.pid.to_string()]).status();
        assert!(sent.expect("cannot run kill").success());
    }

    /// Stops it where it is, until the answer is dropped. To others it looks as if the network had
    /// lost it: its connections stay, and nothing is answered.
    pub(crate) fn pause(&self) -> Paused<'_> {
        self.signal("-STOP");
        Paused(self)
    }
}

/// A process that stands still.
pub(crate) struct Paused<'a>(&'a Run);

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        // It may have been ended meanwhile.
        if self.0.is_alive() {
            self.0.signal("-CONT");
        }
    }
}

impl Stack {
    /// Looks at what runs now.
    pub(crate) fn running(&self) -> Running {
        let mut running = Running { brokers: BTreeMap::new(), proxies: Vec::new() };
        for (run, arguments) in all() {
            if let Some(node) = self.node_of(&arguments) {
                let revision = revision(&arguments).expect("a broker is started with a revision");
                running.brokers.insert(node, Broker { run, revision });
            } else if self.is_proxy(&arguments) {
                running.proxies.push(run);
            }
        }
        running
    }

    /// One of the programs that `cargo xtask dev` starts, or the REST proxy.
    pub(crate) fn program(&self, name: &str) -> Run {
        let found = all().find(|(_, arguments)| self.is_program(name, arguments));
        found.unwrap_or_else(|| panic!("{name} does not run")).0
    }

    /// Ends the orchestrator as if the power had gone, and nothing else.
    pub(crate) async fn kill_orchestrator(&self) {
        self.orchestrator().expect("the orchestrator runs").signal(KILL);
        wait_until("the orchestrator is gone", Duration::from_secs(5), async || {
            self.orchestrator().map_or(Ok(()), |it| Err(format!("{it:?}")))
        })
        .await;
    }

    /// Brings the stack up again as `cargo xtask dev` does, and waits until all is well.
    pub(crate) async fn bring_up(&self) {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask");
        let output = tokio::process::Command::new(&self.xtask)
            .args(["dev", "--state"])
            .arg(&self.dir)
            .args(["--detach", "--no-build"])
            .env("CARGO_MANIFEST_DIR", workspace)
            .stdin(Stdio::null())
            .output()
            .await
            .expect("cannot run TIDEGATE_TEST_XTASK");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    }

    fn orchestrator(&self) -> Option<Run> {
        all().find(|(_, arguments)| self.is_orchestrator(arguments)).map(|(run, _)| run)
    }

    /// An agent is the same program, and not the orchestrator.
    fn is_orchestrator(&self, arguments: &[String]) -> bool {
        self.is_program("tidegate-orchestrator", arguments)
            && arguments.get(1).is_none_or(|it| it != "run-node")
    }

    fn is_program(&self, name: &str, arguments: &[String]) -> bool {
        let program = Path::new(&arguments[0]);
        program.ends_with(name) && program.starts_with(&self.dir)
    }

    /// The number of the node that a process is the broker of.
    fn node_of(&self, arguments: &[String]) -> Option<u32> {
        let folder = arguments.iter().find_map(|it| it.strip_prefix("-Dtidegate.node="))?;
        let folder = Path::new(folder);
        let is_ours = folder.starts_with(&self.dir) && folder.parent()?.ends_with(&self.service);
        folder.file_name()?.to_str()?.parse().ok().filter(|_| is_ours)
    }

    fn is_proxy(&self, arguments: &[String]) -> bool {
        let program = arguments.first().is_some_and(|it| it.ends_with("tidegate-rest-proxy"));
        program && arguments.iter().any(|it| Path::new(it).starts_with(&self.dir))
    }
}

/// Every process.
fn all() -> impl Iterator<Item = (Run, Vec<String>)> {
    let entries = fs::read_dir("/proc").expect("a Linux machine");
    entries.filter_map(|it| look(it.ok()?.file_name().to_str()?.parse().ok()?))
}

fn look(pid: u32) -> Option<(Run, Vec<String>)> {
    let arguments = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let arguments: Vec<String> =
        arguments.trim_end_matches('\0').split('\0').map(str::to_owned).collect();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the start time is the 20th field after it.
    let started = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    Some((Run { pid, started }, arguments))
}

/// `revisions/REVISION/server.properties` is the last argument.
fn revision(arguments: &[String]) -> Option<String> {
    let folder = Path::new(arguments.last()?).parent()?;
    Some(folder.file_name()?.to_str()?.to_owned())
}
