//! Stopping the stack: first what gives orders, then the nodes, then what they depend on.

use std::time::Duration;

use anyhow::ensure;
use xshell::cmd;

use crate::progress::Part;
use crate::stack::Stack;
use crate::{node_processes, process};

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
        if running > 0 {
            part.waits_for(&format!("{running} processes, tidegate-orchestrator stop-nodes"));
            let binary = self.places.installed("tidegate-orchestrator");
            let nodes = self.places.nodes();
            let stop = cmd!(self.sh, "{binary} stop-nodes").env("TIDEGATE_DATA_DIR", nodes);
            let output = stop.quiet().ignore_status().output()?;
            let errors = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "stop-nodes: {}", errors.trim());
        }
        part.done(stopped(running > 0));
        Ok(())
    }
}

const fn stopped(was_up: bool) -> &'static str {
    if was_up { "stopped" } else { "was not running" }
}
