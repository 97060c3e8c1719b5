//! The driver for nodes that are processes of this machine.
//!
//! A node is a folder, `<data>/<project>/<service>/<node>/`, and everything in it is relative to it:
//! `revisions/<id>/` (immutable), `secrets.properties`, `data/` (Kafka's), `logs/`. Which processes
//! run is looked up in `/proc`, by the folder in their command line: nothing is remembered, so a
//! restarted orchestrator adopts what runs. A restart is carried out by an [`crate::agent`], a
//! process of its own that turns into the broker.

mod authorizer_log;
pub(crate) mod broker_log;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod processes;
mod proxies;
pub(crate) mod starts;
pub mod stop;
mod usage;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use model::{IdpPolicy, Node, NodeId, Revision, RevisionId};
use rolling::Incarnation;
use store::ServiceSecrets;
use tokio::process::Command;
use tracing::info;

use crate::agent;
use crate::config::SECRET_VARIABLES;
use crate::driver::{
    Driver, DriverError, LogMark, LogPart, Observed, ProxyObserved, ProxyStart, ServiceRef,
};
use crate::usage::Usage;
use folder::{NodeFolder, ServiceFolder};

/// Where the local driver finds what it starts.
#[derive(Clone, Debug)]
pub struct LocalDriver {
    /// Absolute path of the folder that holds all nodes.
    pub data: PathBuf,
    /// This program, as agents are started from it. Resolved once, at the start: when an upgrade puts
    /// another file in its place, that one is run.
    pub program: PathBuf,
    /// The `java` program.
    pub java: PathBuf,
    /// The folder with Kafka's jars.
    pub kafka_libs: PathBuf,
    /// The REST proxy's program.
    pub rest_proxy: PathBuf,
    /// Where REST proxies get their settings.
    pub control_plane_url: String,
    /// Where REST proxies may look for identity providers.
    pub idp_policy: IdpPolicy,
}

impl LocalDriver {
    fn service(&self, service: &ServiceRef) -> ServiceFolder {
        ServiceFolder::new(&self.data, service)
    }

    fn node(&self, service: &ServiceRef, node: NodeId) -> NodeFolder {
        self.service(service).node(node)
    }
}

impl Driver for LocalDriver {
    async fn inventory(
        &self,
        service: &ServiceRef,
        nodes: &[Node],
    ) -> Result<BTreeMap<NodeId, Observed>, DriverError> {
        let table = process_table()?;
        let seen = nodes.iter().map(|node| {
            let folder = self.node(service, node.id);
            let process = table.broker_of(&folder);
            let observed = Observed {
                recovering: process.is_some() && broker_log::is_recovering(&folder),
                process,
                busy: table.has_agent(&folder),
                starts: starts::read(&folder),
            };
            (node.id, observed)
        });
        Ok(seen.collect())
    }

    async fn stage(
        &self,
        service: &ServiceRef,
        node: &Node,
        revision: &Revision,
        secrets: &ServiceSecrets,
    ) -> Result<(), DriverError> {
        let folder = self.node(service, node.id);
        files::stage(&folder, node, revision, secrets)
            .map_err(failed(&format!("cannot stage a revision in {}", folder.path().display())))
    }

    async fn restart(
        &self,
        service: &ServiceRef,
        node: NodeId,
        revision: &RevisionId,
        expect: Option<&Incarnation>,
        epoch: i64,
    ) -> Result<(), DriverError> {
        let folder = self.node(service, node);
        let actual = agent::epoch(&folder);
        if actual > epoch {
            return Err(DriverError::StaleEpoch { expected: epoch, actual });
        }
        let table = process_table()?;
        if table.has_agent(&folder) {
            return Ok(());
        }
        if let Some(actual) = table.broker_of(&folder).map(|it| it.incarnation)
            && expect != Some(&actual)
        {
            let expected = expect.cloned().unwrap_or_else(|| Incarnation("nothing".into()));
            return Err(DriverError::OtherIncarnation { expected, actual });
        }
        let mut command = detached(&self.program);
        command.arg("run-node").arg("--dir").arg(folder.path());
        command.arg("--revision").arg(revision.as_str());
        command.arg("--cluster-id").arg(&service.cluster_id);
        command.arg("--epoch").arg(epoch.to_string());
        command.arg("--java").arg(&self.java).arg("--kafka-libs").arg(&self.kafka_libs);
        if let Some(expect) = expect {
            command.arg("--expect").arg(&expect.0);
        }
        info!(node.id = %node, revision.id = %revision, "starting an agent for node {node}");
        spawn(command, &folder.log("agent.log")).await
    }

    async fn stop(
        &self,
        _: &ServiceRef,
        running: &BTreeMap<NodeId, Incarnation>,
    ) -> Result<(), DriverError> {
        for (node, incarnation) in running {
            processes::terminate(incarnation)
                .map_err(failed(&format!("cannot stop node {node}")))?;
        }
        Ok(())
    }

    async fn remove(&self, service: &ServiceRef, node: NodeId) -> Result<(), DriverError> {
        let folder = self.node(service, node);
        let table = process_table()?;
        if let Some(process) = table.broker_of(&folder) {
            let expected = Incarnation("nothing".into());
            return Err(DriverError::OtherIncarnation { expected, actual: process.incarnation });
        }
        delete(folder.path())
    }

    async fn remove_service(&self, service: &ServiceRef) -> Result<(), DriverError> {
        let folder = self.service(service);
        if proxies::observe(&folder)?.is_running {
            return Err(DriverError::ProxyRuns);
        }
        delete(folder.path())
    }

    async fn log_tail(&self, service: &ServiceRef, node: NodeId) -> Result<String, DriverError> {
        broker_log::tail(&self.node(service, node)).map_err(failed("cannot read the broker's log"))
    }

    async fn authorizer_log(
        &self,
        service: &ServiceRef,
        node: NodeId,
        after: LogMark,
    ) -> Result<LogPart, DriverError> {
        let folder = self.node(service, node);
        let read = tokio::task::spawn_blocking(move || authorizer_log::read(&folder, after));
        let read = read.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        read.map_err(failed("cannot read what the broker allowed"))
    }

    async fn usage(
        &self,
        service: &ServiceRef,
        nodes: &[Node],
    ) -> Result<BTreeMap<NodeId, Usage>, DriverError> {
        let table = process_table()?;
        let machine = usage::Machine::look();
        let used = nodes.iter().filter_map(|node| {
            let folder = self.node(service, node.id);
            let process = table.broker_of(&folder)?;
            Some((node.id, usage::look(&machine, &folder, &process.incarnation)?))
        });
        Ok(used.collect())
    }

    async fn proxy(&self, service: &ServiceRef) -> Result<ProxyObserved, DriverError> {
        proxies::observe(&self.service(service))
    }

    async fn start_proxy(
        &self,
        service: &ServiceRef,
        start: &ProxyStart,
    ) -> Result<(), DriverError> {
        proxies::start(self, &self.service(service), start).await
    }

    async fn stop_proxy(&self, service: &ServiceRef) -> Result<(), DriverError> {
        proxies::stop(&self.service(service))
    }
}

/// Deletes a folder, if it is there.
fn delete(folder: &Path) -> Result<(), DriverError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed(&format!("cannot delete {}", folder.display()))(error))
        }
        _ => Ok(()),
    }
}

fn process_table() -> Result<processes::ProcessTable, DriverError> {
    processes::list().map_err(failed("cannot read the process table"))
}

/// Says what failed, for an [`io::Error`].
fn failed(what: &str) -> impl FnOnce(io::Error) -> DriverError + use<> {
    let what = what.to_owned();
    move |source| DriverError::Failed { what, source }
}

/// A command that runs in a session of its own, as nobody's child, and without our own secrets.
fn detached(program: &Path) -> Command {
    let mut command = Command::new("setsid");
    command.arg("--fork").arg(program);
    for variable in SECRET_VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// Runs a detached command with its output appended to `log`. Returns when it was started.
async fn spawn(mut command: Command, log: &Path) -> Result<(), DriverError> {
    let open = || -> io::Result<(Stdio, Stdio)> {
        if let Some(folder) = log.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        Ok((file.try_clone()?.into(), file.into()))
    };
    let (out, err) = open().map_err(failed(&format!("cannot open {}", log.display())))?;
    let status = command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .status()
        .await
        .map_err(failed("cannot run setsid"))?;
    if status.success() {
        return Ok(());
    }
    Err(failed("cannot start a process")(io::Error::other(status.to_string())))
}
