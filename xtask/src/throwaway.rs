//! A Postgres for one run of tests: started empty but for our migrations, deleted at the end.

use std::net::TcpListener;

use anyhow::Context as _;
use xshell::Shell;

use crate::places::Places;
use crate::postgres::{Durability, Server};
use crate::process;

const PREFIX: &str = "test-postgres-";

/// Runs as long as this value lives.
pub(crate) struct Throwaway<'a> {
    sh: &'a Shell,
    server: Server,
}

impl<'a> Throwaway<'a> {
    /// Starts one on a free port, which loses what it is told if the machine stops.
    pub(crate) fn start(sh: &'a Shell, places: &Places) -> anyhow::Result<Self> {
        Self::start_with(sh, places, Durability::Throwaway)
    }

    /// Starts one that waits for the disk, to be measured.
    pub(crate) fn start_durable(sh: &'a Shell, places: &Places) -> anyhow::Result<Self> {
        Self::start_with(sh, places, Durability::Kept)
    }

    fn start_with(sh: &'a Shell, places: &Places, durability: Durability) -> anyhow::Result<Self> {
        sweep(sh, places)?;
        let home = places.target.join(format!("{PREFIX}{}", std::process::id()));
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let this = Self { sh, server: Server::new(sh, places, &home, port)? };
        this.server.prepare(sh, &migrations(sh)?)?;
        this.server.start(sh, durability)?;
        Ok(this)
    }

    /// A database that has the migrations.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        self.server.url()
    }

    /// The same over a Unix socket where there can be one: what is measured is not the network.
    pub(crate) fn socket_url(&self) -> anyhow::Result<String> {
        self.server.socket_url()
    }
}

impl Drop for Throwaway<'_> {
    #[expect(clippy::print_stderr, reason = "this is a command-line tool")]
    fn drop(&mut self) {
        let gone = self.server.stop(self.sh).and_then(|_| self.server.delete());
        if let Err(error) = gone {
            eprintln!("the Postgres of the tests is still there: {error:#}");
        }
    }
}

/// Each migration as one command, oldest first.
fn migrations(sh: &Shell) -> anyhow::Result<Vec<String>> {
    let mut files = sh.read_dir("migrations")?;
    files.retain(|path| path.to_string_lossy().ends_with(".up.sql"));
    files.sort();
    let read = |path| sh.read_file(path).context("reading a migration");
    files.iter().map(read).collect()
}

/// Removes what an earlier run left that was killed.
fn sweep(sh: &Shell, places: &Places) -> anyhow::Result<()> {
    for home in sh.read_dir(&places.target).unwrap_or_default() {
        let name = home.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let pid = name.strip_prefix(PREFIX).and_then(|pid| pid.parse().ok());
        if pid.is_some_and(|pid| process::start_time(pid).is_none()) {
            let server = Server::new(sh, places, &home, 0)?;
            server.stop(sh)?;
            server.delete()?;
        }
    }
    Ok(())
}
