//! A process that lives no longer than the value that stands for it, nor than this program.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::process::{last_lines, signal, start_time};

/// How long one has to end by itself.
const GRACE: Duration = Duration::from_secs(10);

/// A running process. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

/// A command for `program` with as many open files as the system allows, in a process group of its
/// own so that Ctrl-C does not reach it before us, and that the kernel ends when we end.
pub(crate) fn bound_to_us(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "TERM", "sh", "-c"])
        .args(["ulimit -n \"$(ulimit -Hn)\"; exec \"$@\"", "sh"])
        .arg(program)
        .env_remove("RUST_BACKTRACE")
        .process_group(0);
    command
}

impl Daemon {
    /// Starts it. What it prints goes to `log`.
    pub(crate) fn spawn(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let out = File::create(log).with_context(|| format!("writing {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let child = command.spawn().context("starting a process")?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Takes over one that was started otherwise.
    pub(crate) fn adopt(child: Child, log: &Path) -> Self {
        Self { child, log: log.to_owned() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An error with the end of its log, if it ended.
    pub(crate) fn check_alive(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("ended, {status}\n{}", last_lines(&self.log, 20)),
        }
    }

    /// Asks it to end, and makes it if it does not.
    fn end(&mut self) -> anyhow::Result<()> {
        if let Some(start) = start_time(self.pid()) {
            signal(self.pid(), start, "TERM")?;
        }
        let deadline = Instant::now() + GRACE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                self.child.kill()?;
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Daemon {
    #[expect(clippy::print_stderr, reason = "this is a command-line tool")]
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("process {} could not be ended: {error:#}", self.pid());
        }
    }
}
