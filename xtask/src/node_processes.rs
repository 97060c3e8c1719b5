//! The processes that the orchestrator started: brokers and REST proxies, found by their folder.

use std::fs;
use std::path::Path;

use crate::places::Places;
use crate::process;

/// A process below the nodes folder of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeProcess {
    /// `my-kafka/1`: its folder below that of the nodes, or the program's name.
    pub(crate) name: String,
    pub(crate) pid: u32,
    pub(crate) is_broker: bool,
    start: u64,
}

impl NodeProcess {
    /// Asks it to end, if it is still the one that was found.
    pub(crate) fn end(&self) -> anyhow::Result<()> {
        process::signal(self.pid, self.start, "TERM")
    }

    /// Ends it at once, if it is still the one that was found.
    pub(crate) fn kill(&self) -> anyhow::Result<()> {
        process::signal(self.pid, self.start, "KILL")
    }
}

/// Every process that works in the nodes folder, or was given a file in it.
pub(crate) fn list(places: &Places) -> Vec<NodeProcess> {
    let nodes = places.nodes();
    let mut found: Vec<NodeProcess> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| {
            let start = process::start_time(pid)?;
            let (name, is_broker) = name(pid, &nodes)?;
            Some(NodeProcess { name, pid, is_broker, start })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Its name, and whether it is a broker.
fn name(pid: u32, nodes: &Path) -> Option<(String, bool)> {
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let command = String::from_utf8_lossy(&command).into_owned();
    let program = command.split('\0').next()?.rsplit('/').next()?.to_owned();
    let folder = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    match folder.strip_prefix(nodes) {
        Ok(below) if program == "java" => Some((below.display().to_string(), true)),
        Ok(_) if program.starts_with("tidegate-") => Some((program, false)),
        // Somebody's shell that happens to be there is not ours to stop.
        Ok(_) => None,
        Err(_) => (program == "tidegate-rest-proxy" && command.contains(&*nodes.to_string_lossy()))
            .then_some((program, false)),
    }
}
