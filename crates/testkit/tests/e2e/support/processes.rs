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

    /// A variable of its environment, such as a URL with a password in it.
    pub(crate) fn variable(&self, name: &str) -> String {
        let bytes = fs::read(format!("/proc/{}/environ", self.pid)).expect("it is our process");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut variables = text.split('\0').filter_map(|it| it.split_once('='));
        let found = variables.find(|it| it.0 == name).map(|it| it.1.to_owned());
        found.unwrap_or_else(|| panic!("{} has no {name}", self.pid))
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

    /// Kills the orchestrator and starts it again as it was started, at once and without waiting for
    /// the stack. [`Stack::bring_up`] has to follow sooner or later: nobody else knows of this one.
    pub(crate) async fn replace_orchestrator(&self) {
        let run = self.orchestrator().expect("the orchestrator runs");
        let environment = fs::read(format!("/proc/{}/environ", run.pid)).expect("it is ours");
        let environment = String::from_utf8_lossy(&environment).into_owned();
        let variables = environment.split('\0').filter_map(|it| it.split_once('='));
        let (_, arguments) = look(run.pid).expect("it still runs");
        self.kill_orchestrator().await;
        let log = fs::OpenOptions::new().append(true).open(self.dir.join("logs/orchestrator.log"));
        let log = log.expect("the orchestrator has a log");
        let started = Command::new("setsid")
            .arg("--fork")
            .args(&arguments)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .status();
        assert!(started.expect("cannot run setsid").success());
    }

    /// The processes of the stack's database.
    pub(crate) fn postgres(&self) -> Vec<Run> {
        // Its data may lie anywhere: it is known by its port.
        let url = self.program("tidegate-control-plane").variable("TIDEGATE_DATABASE_URL");
        let port = url.rsplit_once(':').and_then(|(_, it)| it.split('/').next()).expect("a port");
        let listens = |it: &[String]| it.windows(2).any(|it| it[0] == "-p" && it[1] == port);
        let server = all().find(|(_, it)| it[0].ends_with("postgres") && listens(it));
        let (server, _) = server.expect("Postgres runs");
        let parent = |pid: u32| -> Option<u32> {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
        };
        let backends = all().filter(|(run, _)| parent(run.pid) == Some(server.pid));
        let backends: Vec<Run> = backends.map(|(run, _)| run).collect();
        std::iter::once(server).chain(backends).collect()
    }

    /// Restarts a broker as somebody would who knows nothing of the orchestrator: ends it, and
    /// starts it again with the same arguments before anybody has noticed.
    pub(crate) async fn restart_by_hand(&self, node: u32) {
        let broker = self.running().brokers[&node].clone();
        let (_, arguments) = look(broker.run.pid).expect("it runs");
        let folder = fs::read_link(format!("/proc/{}/cwd", broker.run.pid)).expect("it has one");
        // The orchestrator looks twice a second, and must not see it gone.
        let orchestrator = self.orchestrator().expect("the orchestrator runs");
        let paused = orchestrator.pause();
        broker.run.signal(TERM);
        wait_until("the broker has stopped", Duration::from_mins(1), async || {
            if broker.run.is_alive() { Err("it runs".to_owned()) } else { Ok(()) }
        })
        .await;
        let started = Command::new("setsid")
            .arg("--fork")
            .args(&arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(started.expect("cannot run setsid").success());
        wait_until("it runs again", Duration::from_secs(10), async || {
            let now = self.running().brokers.get(&node).cloned();
            now.filter(|it| it.run != broker.run).ok_or_else(|| "it does not".to_owned())
        })
        .await;
        drop(paused);
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
