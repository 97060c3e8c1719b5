//! Processes that outlive us: each in its own session, found again by its pid and start time.
//!
//! A pid alone is not enough: after a reboot it may be somebody else's. So nothing is signalled
//! unless the start time that the kernel shows is the one that was written down.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use xshell::Cmd;

use crate::interrupt;
use crate::places::{Places, fingerprint};

/// What a child gets from our own environment; everything else is given by name.
const INHERITED: [&str; 9] =
    ["HOME", "JAVA_HOME", "LANG", "LC_ALL", "PATH", "RUST_BACKTRACE", "RUST_LOG", "TMPDIR", "TZ"];

/// A program of the stack, and how it is to run.
pub(crate) struct Program {
    /// Names its log and its process file.
    pub(crate) name: &'static str,
    /// Its file's name.
    pub(crate) binary: &'static str,
    pub(crate) args: Vec<String>,
    /// Secrets go here, never into `args`: those are shown to every user.
    pub(crate) env: Vec<(&'static str, String)>,
}

/// How a program came to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// It ran already, with this binary and these settings.
    Adopted,
    /// It was started now.
    Fresh,
    /// It ran with another binary or other settings, and was started again.
    Replaced,
}

impl fmt::Display for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Adopted => "already running",
            Self::Fresh => "started",
            Self::Replaced => "restarted, it was rebuilt",
        })
    }
}

/// A process that was written down.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    start: u64,
    made_of: u64,
}

impl Program {
    /// Starts it, unless the very same runs already.
    pub(crate) fn start(&self, places: &Places) -> anyhow::Result<Started> {
        let made_of = self.made_of(places)?;
        let before = Process::running(places, self.name)?;
        if before.as_ref().is_some_and(|process| process.made_of == made_of) {
            return Ok(Started::Adopted);
        }
        if before.is_some() {
            stop(places, self.name, Duration::from_secs(30))?;
        }
        let pid = self.spawn(places)?;
        Process::write_down(places, self.name, pid, made_of)?;
        Ok(if before.is_some() { Started::Replaced } else { Started::Fresh })
    }

    fn spawn(&self, places: &Places) -> anyhow::Result<u32> {
        let binary = places.install(self.binary)?;
        let log = log_file(places, self.name);
        let out = fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let own = std::env::vars_os().filter(|(name, _)| INHERITED.iter().any(|it| name == it));
        // We are no group leader's child here, so setsid keeps the pid that we are told.
        let child = Command::new("setsid")
            .arg(&binary)
            .args(&self.args)
            .env_clear()
            .envs(own)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&places.state)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        Ok(child.id())
    }

    /// A number that changes with the binary, its arguments and its settings.
    fn made_of(&self, places: &Places) -> anyhow::Result<u64> {
        let built = places.binary(self.binary);
        let meta =
            fs::metadata(&built).with_context(|| format!("looking for {}", built.display()))?;
        let (secs, nanos) = (meta.mtime(), meta.mtime_nsec());
        let parts = format!("{} {secs} {nanos} {:?} {:?}", self.binary, self.args, self.env);
        Ok(fingerprint(&parts))
    }
}

impl Process {
    /// The process of that name, if it is the one that was written down and lives.
    pub(crate) fn running(places: &Places, name: &str) -> anyhow::Result<Option<Self>> {
        let path = process_file(places, name);
        if !path.exists() {
            return Ok(None);
        }
        let read: Value = serde_json::from_str(&fs::read_to_string(&path)?)
            .with_context(|| format!("reading {}", path.display()))?;
        let number = |key: &str| read[key].as_u64().with_context(|| format!("{key} of {name}"));
        let pid = u32::try_from(number("pid")?)?;
        let process = Self { pid, start: number("start")?, made_of: number("made_of")? };
        Ok(process.lives().then_some(process))
    }

    /// Remembers the process `pid`, which has to be alive.
    pub(crate) fn write_down(
        places: &Places,
        name: &str,
        pid: u32,
        made_of: u64,
    ) -> anyhow::Result<()> {
        let Some(start) = start_time(pid) else {
            bail!("{name} ended at once\n{}", last_lines(&log_file(places, name), 15));
        };
        let text = format!("{}\n", json!({ "pid": pid, "start": start, "made_of": made_of }));
        Ok(fs::write(process_file(places, name), text)?)
    }

    fn lives(&self) -> bool {
        start_time(self.pid) == Some(self.start)
    }
}

/// Sends a signal to a process, if it is the one that started at `start`.
pub(crate) fn signal(pid: u32, start: u64, signal: &str) -> anyhow::Result<()> {
    if start_time(pid) == Some(start) {
        // The shell's own `kill`: the program is not installed everywhere.
        Command::new("sh")
            .args(["-c", "kill -s \"$1\" \"$2\"", "sh", signal, &pid.to_string()])
            .stderr(Stdio::null())
            .status()
            .context("running kill")?;
    }
    Ok(())
}

/// Asks the process of that name to stop and waits until it has. `false` if it did not run.
pub(crate) fn stop(places: &Places, name: &str, patience: Duration) -> anyhow::Result<bool> {
    let Some(process) = Process::running(places, name)? else {
        return Ok(false);
    };
    signal(process.pid, process.start, "TERM")?;
    if !gone_within(&process, patience)? {
        signal(process.pid, process.start, "KILL")?;
        ensure!(gone_within(&process, Duration::from_secs(5))?, "{name} cannot be stopped");
    }
    fs::remove_file(process_file(places, name))?;
    Ok(true)
}

fn gone_within(process: &Process, patience: Duration) -> anyhow::Result<bool> {
    let deadline = Instant::now() + patience;
    while process.lives() && Instant::now() < deadline {
        interrupt::sleep(Duration::from_millis(50))?;
    }
    Ok(!process.lives())
}

/// The kernel's start time of a process, in ticks since boot. None if it ended, even if its parent
/// has not asked for its end yet.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    parse_start_time(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The program's name is in brackets and may hold anything, so count from the last bracket.
fn parse_start_time(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

/// Where a part's output goes.
pub(crate) fn log_file(places: &Places, name: &str) -> PathBuf {
    places.logs().join(format!("{name}.log"))
}

fn process_file(places: &Places, name: &str) -> PathBuf {
    places.run().join(format!("{name}.json"))
}

/// Runs a command of which nobody wants to read anything unless it fails.
pub(crate) fn run_silently(command: Cmd<'_>) -> anyhow::Result<()> {
    let name = command.to_string();
    let output = command.quiet().ignore_status().output()?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "`{name}` failed:\n{}", String::from_utf8_lossy(&said).trim());
    Ok(())
}

/// The end of a log, to be shown with an error.
pub(crate) fn last_lines(log: &Path, count: usize) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(count)..];
    format!("last lines of {}:\n    {}", log.display(), shown.join("\n    "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_start_time_behind_a_strange_name() {
        let tail = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 424242 20 21";
        assert_eq!(parse_start_time(&format!("7 (a) R (b)) {tail}")), Some(424_242));
        assert_eq!(parse_start_time(&format!("7 (a) {}", tail.replace('S', "Z"))), None);
        assert!(start_time(std::process::id()).is_some());
    }
}
