//! Which of our processes run, from `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use model::RevisionId;
use rolling::{Incarnation, Process};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::folder::NodeFolder;

/// A picture of the process table.
#[derive(Debug)]
pub(crate) struct ProcessTable(BTreeMap<i32, Vec<String>>);

/// What a broker's process has among its arguments, with the node's folder behind it.
const NODE_OPTION: &str = "-Dtidegate.node=";

fn is_agent(arguments: &[String]) -> bool {
    arguments.get(1).is_some_and(|it| it == "run-node")
}

/// Takes a picture.
pub(crate) fn list() -> io::Result<ProcessTable> {
    let mut table = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|it| it.parse().ok()) else { continue };
        // A process that ended in the meantime, or a kernel thread, has no command line.
        if let Ok(bytes) = fs::read(format!("/proc/{pid}/cmdline"))
            && !bytes.is_empty()
        {
            let text = String::from_utf8_lossy(&bytes);
            table.insert(pid, text.trim_end_matches('\0').split('\0').map(String::from).collect());
        }
    }
    Ok(ProcessTable(table))
}

/// The option by which a broker's process is recognised.
pub(crate) fn node_option(folder: &NodeFolder) -> String {
    format!("{NODE_OPTION}{}", folder.path().display())
}

impl ProcessTable {
    /// The broker that runs in a folder.
    pub(crate) fn broker_of(&self, folder: &NodeFolder) -> Option<Process> {
        let option = node_option(folder);
        let (pid, arguments) = self.0.iter().find(|(_, it)| it.contains(&option))?;
        let properties = arguments.last()?;
        let revision = Path::new(properties).parent()?.file_name()?.to_str()?;
        let revision = RevisionId::try_from(revision.to_owned()).ok()?;
        Some(Process { incarnation: incarnation(*pid)?, revision })
    }

    /// Whether an agent works on a folder.
    pub(crate) fn has_agent(&self, folder: &NodeFolder) -> bool {
        let dir = folder.path().display().to_string();
        self.0.values().any(|it| is_agent(it) && it.contains(&dir))
    }

    /// Processes with an argument that is this text.
    pub(crate) fn with_argument(&self, text: &str) -> Vec<i32> {
        let has = |it: &&Vec<String>| it.iter().any(|it| it == text);
        self.0.iter().filter(|(_, it)| has(it)).map(|(pid, _)| *pid).collect()
    }

    /// Processes of ours whose folder is below `data`: agents, brokers and proxies.
    pub(crate) fn below(&self, data: &Path) -> Vec<i32> {
        let data = format!("{}/", data.display());
        let ours = |argument: &String| {
            let folder = argument.strip_prefix(NODE_OPTION).unwrap_or(argument);
            folder.starts_with(&data)
        };
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let mut found = Vec::new();
        for (pid, arguments) in &self.0 {
            let program = arguments.first().map(String::as_str).unwrap_or_default();
            let known = arguments.iter().any(|it| it.starts_with(NODE_OPTION))
                || program.ends_with("tidegate-rest-proxy")
                || is_agent(arguments);
            if *pid != own && known && arguments.iter().any(ours) {
                found.push(*pid);
            }
        }
        found
    }
}

/// Names a run of a process: its number and its start time in clock ticks since boot, so that a
/// number that is used again is another run. `None` if it is gone.
pub(crate) fn incarnation(pid: i32) -> Option<Incarnation> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; `state` follows it, and `starttime` is 19 on.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    (*fields.first()? != "Z").then(|| Incarnation(format!("{pid}@{}", fields[19])))
}

/// The number of a process.
pub(super) fn pid(of: &Incarnation) -> Option<i32> {
    of.0.split_once('@')?.0.parse().ok()
}

/// Whether exactly this run is there still.
pub(crate) fn lives(of: &Incarnation) -> bool {
    pid(of).and_then(incarnation).as_ref() == Some(of)
}

/// Sends SIGTERM to exactly this run. `Ok(false)` if it is gone.
pub(crate) fn terminate(of: &Incarnation) -> io::Result<bool> {
    let Some(handle) = pid(of).and_then(Pid::from_raw) else { return Ok(false) };
    // The handle is taken first: what the start time is compared with cannot be replaced any more.
    let Ok(handle) = pidfd_open(handle, PidfdFlags::empty()) else { return Ok(false) };
    if !lives(of) {
        return Ok(false);
    }
    match pidfd_send_signal(handle, Signal::TERM) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_by_its_folder_and_only_that_run_is_signalled() {
        let folder = NodeFolder::at(format!("/nowhere/{}", std::process::id()).into());
        let revision = "a".repeat(64);
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 60; exit 0", "x"])
            .arg(node_option(&folder))
            .arg(format!("revisions/{revision}/server.properties"))
            .spawn()
            .unwrap();
        // For a moment after `exec` the kernel shows no command line.
        let found = (0..500).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            list().unwrap().broker_of(&folder)
        });
        let found = found.unwrap();
        assert_eq!(found.revision.as_str(), revision);
        let other = Incarnation(format!("{}@1", child.id()));
        assert!(!terminate(&other).unwrap(), "another start time is another run");
        assert!(terminate(&found.incarnation).unwrap());
        child.wait().unwrap();
        assert!(!terminate(&found.incarnation).unwrap());
    }
}
