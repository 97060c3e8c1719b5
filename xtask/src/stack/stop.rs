//! Stopping the stack: first what gives orders, then the nodes, then what they depend on.

use std::time::Duration;

use anyhow::ensure;
use xshell::cmd;

use crate::progress::Part;
use crate::stack::Stack;
use crate::{node_processes, process};

/// How long the nodes have to stop by themselves. Once two of three controllers are gone, a broker
/// that is still stopping waits five minutes for an answer that cannot come (KAFKA-13907). By then
/// its log is on disk, and its start checks it.
const GRACE: Duration = Duration::from_secs(20);

impl Stack<'_> {
    /// Stops everything: first what gives orders, then the nodes, then what they depend on.
    pub(crate) fn down(&self) -> anyhow::Result<()> {
        let _lock = self.places.lock()?;
        self.stop_all()
    }

    fn stop_all(&self) -> anyhow::Result<()> {
        self.stop_program("orchestrator")?;
        self.stop_nodes()?;
        self.stop_program("control-plane")?;
        self.stop_program("idp")?;
        let part = Part::new("postgres");
        let was_up = self.postgres()?.stop(self.sh)?;
        part.done(stopped(was_up));
        Ok(())
    }

    /// Stops everything and deletes the data.
    pub(crate) fn reset(&self) -> anyhow::Result<()> {
        let _lock = self.places.lock()?;
        self.stop_all()?;
        let left = node_processes::list(self.places);
        ensure!(left.is_empty(), "still running, nothing deleted: {left:?}");
        self.postgres()?.delete()?;
        self.places.delete_state()
    }

    fn stop_program(&self, name: &'static str) -> anyhow::Result<()> {
        let part = Part::new(name);
        let was_up = process::stop(self.places, name, Duration::from_secs(30))?;
        part.done(stopped(was_up));
        Ok(())
    }

    fn stop_nodes(&self) -> anyhow::Result<()> {
        let part = Part::new("nodes");
        let running = node_processes::list(self.places).len();
        if running == 0 {
            part.done(stopped(false));
            return Ok(());
        }
        part.waits_for(&format!("{running} processes, tidegate-orchestrator stop-nodes"));
        let binary = self.places.installed("tidegate-orchestrator");
        let secs = GRACE.as_secs().to_string();
        let stop = cmd!(self.sh, "{binary} stop-nodes --timeout {secs}");
        let output =
            stop.env("TIDEGATE_DATA_DIR", self.places.nodes()).quiet().ignore_status().output()?;
        let left = node_processes::list(self.places);
        if left.is_empty() {
            part.done(stopped(true));
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        part.waits_for(&format!("{} that are left, killed", left.len()));
        left.iter().try_for_each(node_processes::NodeProcess::kill)?;
        part.until(Duration::from_secs(10), || {
            let left = node_processes::list(self.places).len();
            Ok(if left == 0 {
                Ok(())
            } else {
                Err(format!("the end of {left}: {}", errors.trim()))
            })
        })?;
        part.done(&format!("stopped, {} of {running} by force", left.len()));
        Ok(())
    }
}

const fn stopped(was_up: bool) -> &'static str {
    if was_up { "stopped" } else { "was not running" }
}
