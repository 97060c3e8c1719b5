//! A broker's process: found in `/proc`, ended, and started again as it was.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use model::NodeId;
use rustix::process::{Pid, Signal, kill_process};

/// What a broker's process has among its arguments, with the node's folder behind it.
const NODE_OPTION: &[u8] = b"-Dtidegate.node=";

/// A broker, and how its process was started.
#[derive(Clone, Debug)]
pub(super) struct Broker {
    pub(super) id: NodeId,
    run: Run,
    launch: Launch,
}

/// A run of a process: its number and its start time, so that a number used again is another run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    pid: i32,
    started: u64,
}

#[derive(Clone, Debug)]
struct Launch {
    arguments: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    folder: PathBuf,
    output: PathBuf,
    errors: PathBuf,
}

impl Broker {
    /// Every broker whose folder is below `nodes`, by its id.
    pub(super) fn list(nodes: &Path) -> anyhow::Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|it| it.parse().ok()) else { continue };
            found.extend(Self::look(pid, nodes));
        }
        found.sort_by_key(|it| it.id);
        ensure!(!found.is_empty(), "no broker runs below {}", nodes.display());
        Ok(found)
    }

    fn look(pid: i32, nodes: &Path) -> Option<Self> {
        let run = Run { pid, started: start_time(pid)? };
        let arguments = words(&fs::read(format!("/proc/{pid}/cmdline")).ok()?);
        let folder = arguments.iter().find_map(|it| {
            let folder = it.as_encoded_bytes().strip_prefix(NODE_OPTION)?;
            Some(PathBuf::from(OsString::from_vec(folder.to_vec())))
        })?;
        if !folder.starts_with(nodes) {
            return None;
        }
        let id = folder.file_name()?.to_str()?.parse().ok()?;
        let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).ok();
        let env = words(&fs::read(format!("/proc/{pid}/environ")).ok()?);
        let launch = Launch {
            arguments,
            env: env.into_iter().filter_map(variable).collect(),
            folder: link("cwd")?,
            output: link("fd/1")?,
            errors: link("fd/2")?,
        };
        Some(Self { id: NodeId(id), run, launch })
    }

    /// Whether its process is there.
    pub(super) fn lives(&self) -> bool {
        start_time(self.run.pid) == Some(self.run.started)
    }

    /// Sends a signal to its process, if that is there still.
    pub(super) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.run.pid).context("a process has a number")?;
        if self.lives() {
            kill_process(pid, signal)?;
        }
        Ok(())
    }

    /// Starts it as it was started before, in a session of its own.
    pub(super) fn start(&mut self) -> anyhow::Result<()> {
        let Launch { arguments, env, folder, output, errors } = &self.launch;
        // We are no group leader's child here, so setsid keeps the pid that we are told.
        let child = Command::new("setsid")
            .args(arguments)
            .env_clear()
            .envs(env.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(append(output)?)
            .stderr(append(errors)?)
            .spawn()
            .with_context(|| format!("starting broker {}", self.id))?;
        let pid = i32::try_from(child.id())?;
        let started = start_time(pid).with_context(|| format!("broker {} ended", self.id))?;
        self.run = Run { pid, started };
        Ok(())
    }
}

/// Where it wrote before. A pipe that nobody reads any more is none.
fn append(path: &Path) -> anyhow::Result<File> {
    let path = if path.is_file() { path } else { Path::new("/dev/null") };
    let file = OpenOptions::new().append(true).open(path);
    file.with_context(|| format!("writing {}", path.display()))
}

fn words(text: &[u8]) -> Vec<OsString> {
    let text = text.strip_suffix(b"\0").unwrap_or(text);
    text.split(|it| *it == 0).map(|it| OsString::from_vec(it.to_vec())).collect()
}

fn variable(text: OsString) -> Option<(OsString, OsString)> {
    let text = text.into_vec();
    let at = text.iter().position(|it| *it == b'=')?;
    let part = |it: &[u8]| OsString::from_vec(it.to_vec());
    Some((part(&text[..at]), part(&text[at + 1..])))
}

/// The kernel's start time of a process. None if it ended, even if nobody has asked for its end. One
/// that was killed has not ended before its last thread has: until then its ports are open.
fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let threads = || fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    if matches!(*fields.first()?, "Z" | "X") && threads() < 2 {
        return None;
    }
    fields.get(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_separates_by_zeros() {
        assert_eq!(words(b"java\0-cp\0\0x\0"), ["java", "-cp", "", "x"]);
        let pair = (OsString::from("A"), OsString::from("b=c"));
        assert_eq!(variable(OsString::from("A=b=c")), Some(pair));
        assert_eq!(variable(OsString::from("A")), None);
    }

    #[test]
    fn a_process_that_is_no_broker_of_ours_is_left_alone() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(start_time(own).is_some());
        assert!(Broker::look(own, Path::new("/")).is_none());
    }
}
