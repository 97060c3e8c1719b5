//! A Postgres server of our own: data folder, port and password of its own, on loopback only.
//!
//! Postgres refuses to run as root. Then it runs as `postgres` or `nobody`, and its folder has to be
//! one that this user can reach.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::downloads::once;
use crate::places::{Places, fingerprint, write_secret};
use crate::process::run_silently;
use crate::{ports, process};

/// Its log, in its home.
const LOG: &str = "postgres.log";
/// Used where the system has no Postgres.
const EMBEDDED_VERSION: &str = "17.5.0";

/// Whether the data has to survive a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It does.
    Kept,
    /// It is for one test run.
    Throwaway,
}

/// A server, running or not.
#[derive(Debug)]
pub(crate) struct Server {
    bin: PathBuf,
    /// Holds `data`, `postgres.log` and `password`.
    pub(crate) home: PathBuf,
    /// Where `home` was wanted; empty if it had to go elsewhere.
    wanted: PathBuf,
    /// Who it runs as, if that is not us.
    user: Option<&'static str>,
    pub(crate) port: u16,
}

impl Server {
    /// The server in `home`, or in a folder beside the system's temporary files if the user that it
    /// has to run as cannot reach `home`.
    pub(crate) fn new(sh: &Shell, places: &Places, home: &Path, port: u16) -> anyhow::Result<Self> {
        let user = unprivileged(sh)?;
        let wanted = home.to_owned();
        let home = reachable(sh, home, user)?;
        let bin = match system_binaries(sh) {
            Some(bin) => bin,
            None => embedded(sh, places, user)?,
        };
        Ok(Self { bin, home, wanted, user, port })
    }

    /// Starts it, after making its data folder if there is none.
    pub(crate) fn start(&self, sh: &Shell, durability: Durability) -> anyhow::Result<()> {
        let _home = sh.push_dir(&self.home);
        let data = self.home.join("data");
        if !data.join("PG_VERSION").exists() {
            self.initialise(sh, &data)?;
        }
        ensure!(ports::is_free(self.port), "port {} is used by another program", self.port);
        let log = self.home.join(LOG);
        let socket = if self.has_socket() { self.home.as_path() } else { Path::new("") };
        let mut options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='{}' -c max_connections=200",
            self.port,
            socket.display()
        );
        if durability == Durability::Throwaway {
            options.push_str(" -c fsync=off -c synchronous_commit=off -c full_page_writes=off");
        }
        self.tool(sh, "pg_ctl")
            .args(["start", "-w", "-t", "60", "-s", "-o", &options, "-l"])
            .args([&log, Path::new("-D"), &data])
            .ignore_stdout()
            .run()
            .with_context(|| process::last_lines(&log, 15))
    }

    /// Makes the data folder and runs these commands, before anybody can connect.
    pub(crate) fn prepare(&self, sh: &Shell, commands: &[String]) -> anyhow::Result<()> {
        let _home = sh.push_dir(&self.home);
        let data = self.home.join("data");
        self.initialise(sh, &data)?;
        // No psql is needed: Postgres reads commands by itself. One ends at an empty line.
        let unbroken = |text: &String| {
            let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
            format!("{}\n;\n\n", lines.join("\n"))
        };
        let script: String = commands.iter().map(unbroken).collect();
        let single = self.tool(sh, "postgres").args(["--single", "-j", "-D"]).arg(&data);
        let output =
            single.arg("postgres").stdin(script).output().context("applying migrations")?;
        let said = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<&str> = said.lines().filter(|line| line.contains("ERROR:")).collect();
        ensure!(errors.is_empty(), "applying migrations: {}", errors.join("; "));
        Ok(())
    }

    fn initialise(&self, sh: &Shell, data: &Path) -> anyhow::Result<()> {
        let password = random_hex()?;
        let given = self.home.join("initial-password");
        write_secret(&given, &password)?;
        self.hand_over(sh, &given)?;
        let made = self
            .tool(sh, "initdb")
            .args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C"])
            .args([Path::new("--pwfile"), &given, Path::new("-D"), data])
            .ignore_stdout()
            .run();
        fs::remove_file(&given)?;
        made.context("initdb")?;
        write_secret(&self.home.join("password"), &password)
    }

    /// Stops it if it runs.
    pub(crate) fn stop(&self, sh: &Shell) -> anyhow::Result<bool> {
        if !self.is_running(sh) {
            return Ok(false);
        }
        let _home = sh.push_dir(&self.home);
        let data = self.home.join("data");
        let stop = self.tool(sh, "pg_ctl").args(["stop", "-m", "fast", "-w", "-s", "-D"]).arg(data);
        stop.ignore_stdout().run().context("stopping Postgres")?;
        Ok(true)
    }

    /// Whether it runs and takes connections.
    pub(crate) fn is_running(&self, sh: &Shell) -> bool {
        let data = self.home.join("data");
        if !data.join("postmaster.pid").exists() {
            return false;
        }
        let _home = sh.push_dir(&self.home);
        let status = self.tool(sh, "pg_ctl").args(["status", "-D"]).arg(data);
        status.ignore_stdout().ignore_stderr().run().is_ok()
    }

    /// The pid of its first process, if it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        let file = fs::read_to_string(self.home.join("data/postmaster.pid")).ok()?;
        let pid = file.lines().next()?.parse().ok()?;
        process::start_time(pid).map(|_| pid)
    }

    /// Where its databases are, with the password.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        let password = fs::read_to_string(self.home.join("password"))
            .context("the data folder is half made: run `cargo xtask dev reset`")?;
        Ok(format!("postgres://postgres:{password}@127.0.0.1:{}/postgres", self.port))
    }

    /// The same over its Unix socket, or over TCP if there is none.
    pub(crate) fn socket_url(&self) -> anyhow::Result<String> {
        let url = self.url()?;
        if !self.has_socket() {
            return Ok(url);
        }
        let folder = self.home.display().to_string().replace('/', "%2F");
        Ok(url.replacen("@127.0.0.1:", &format!("@{folder}:"), 1))
    }

    /// Whether it has a Unix socket: the system allows 108 bytes for its path (unix(7)).
    fn has_socket(&self) -> bool {
        self.home.join(format!(".s.PGSQL.{}", self.port)).as_os_str().len() < 100
    }

    /// Deletes its data. It has to be stopped.
    pub(crate) fn delete(&self) -> anyhow::Result<()> {
        let delete =
            |folder: &Path| if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) };
        delete(&self.home).with_context(|| format!("deleting {}", self.home.display()))?;
        delete(&self.wanted).with_context(|| format!("deleting {}", self.wanted.display()))
    }

    fn tool<'a>(&self, sh: &'a Shell, name: &str) -> Cmd<'a> {
        let program = self.bin.join(name);
        let command = match self.user {
            None => sh.cmd(program),
            Some(user) => sh.cmd("runuser").args(["-u", user, "--"]).arg(program),
        };
        command.quiet()
    }

    fn hand_over(&self, sh: &Shell, path: &Path) -> anyhow::Result<()> {
        let Some(user) = self.user else { return Ok(()) };
        Ok(cmd!(sh, "chown {user} {path}").quiet().run()?)
    }
}

/// The folder of the system's own Postgres programs, the newest if there are several.
pub(crate) fn system_binaries(sh: &Shell) -> Option<PathBuf> {
    let complete = |dir: &PathBuf| {
        ["initdb", "pg_ctl", "postgres"].iter().all(|tool| dir.join(tool).is_file())
    };
    let path = sh.var_os("PATH")?;
    let in_path = std::env::split_paths(&path).find(complete);
    in_path.or_else(|| {
        let mut versions = sh.read_dir("/usr/lib/postgresql").ok()?;
        versions.sort_by_key(|dir| {
            dir.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()).unwrap_or(0)
        });
        versions.into_iter().rev().map(|dir| dir.join("bin")).find(complete)
    })
}

/// Postgres from Maven Central: a jar that holds an archive.
fn embedded(sh: &Shell, places: &Places, user: Option<&str>) -> anyhow::Result<PathBuf> {
    let system = match std::env::consts::ARCH {
        "x86_64" => "linux-amd64",
        "aarch64" => "linux-arm64v8",
        other => bail!("no embedded Postgres for {other}: install postgresql"),
    };
    let preferred = places.cache.join(format!("postgres-{EMBEDDED_VERSION}"));
    let folder = reachable(sh, &preferred, user)?.join("server");
    let artifact =
        format!("io.zonky.test.postgres:embedded-postgres-binaries-{system}:{EMBEDDED_VERSION}");
    once(&folder, &artifact, || {
        let to = folder.join("jar");
        let (copy, output) =
            (format!("-Dartifact={artifact}"), format!("-DoutputDirectory={}", to.display()));
        run_silently(cmd!(sh, "mvn -q -B dependency:copy {copy} {output}"))?;
        let jar = only_file(sh, &to, "jar")?;
        cmd!(sh, "python3 -m zipfile -e {jar} {to}").quiet().run()?;
        let archive = only_file(sh, &to, "txz")?;
        cmd!(sh, "tar -xJf {archive} -C {folder} --no-same-owner").quiet().run()?;
        cmd!(sh, "chmod -R go+rX {folder}").quiet().run()?;
        Ok(sh.remove_path(&to)?)
    })?;
    Ok(folder.join("bin"))
}

fn only_file(sh: &Shell, folder: &Path, extension: &str) -> anyhow::Result<PathBuf> {
    let files = sh.read_dir(folder)?;
    let found = files.into_iter().find(|it| it.extension().is_some_and(|it| it == extension));
    found.with_context(|| format!("no .{extension} in {}", folder.display()))
}

/// Who Postgres has to run as, if not as us.
fn unprivileged(sh: &Shell) -> anyhow::Result<Option<&'static str>> {
    if cmd!(sh, "id -u").quiet().read()? != "0" {
        return Ok(None);
    }
    let exists = |user: &&str| cmd!(sh, "id -u {user}").quiet().ignore_stderr().read().is_ok();
    let user = ["postgres", "nobody"].into_iter().find(exists);
    Ok(Some(user.context("Postgres does not run as root, and there is no user `nobody`")?))
}

/// The log of the server whose home was wanted in `home`, if it was ever started.
pub(crate) fn log(home: &Path) -> Option<PathBuf> {
    [home, &elsewhere(home)].map(|it| it.join(LOG)).into_iter().find(|it| it.is_file())
}

/// Where a folder lies that the user of Postgres cannot reach in its place.
fn elsewhere(preferred: &Path) -> PathBuf {
    let name = fingerprint(&preferred.display().to_string());
    PathBuf::from(format!("/var/tmp/tidegate-{name:016x}"))
}

/// `preferred`, or a folder under /var/tmp if `user` cannot reach it (a checkout below /root).
fn reachable(sh: &Shell, preferred: &Path, user: Option<&str>) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(preferred)?;
    let Some(user) = user else { return Ok(preferred.to_owned()) };
    let elsewhere = elsewhere(preferred);
    for folder in [preferred, &elsewhere] {
        if folder == elsewhere {
            make_private(sh, folder, user)?;
        }
        cmd!(sh, "chown {user} {folder}").quiet().run()?;
        let _there = sh.push_dir("/");
        let test = cmd!(sh, "runuser -u {user} -- test -w {folder}").quiet().ignore_stderr();
        if test.run().is_ok() {
            return Ok(folder.to_owned());
        }
    }
    bail!("the user {user} can write neither to {} nor to /var/tmp", preferred.display())
}

/// Everybody may write to /var/tmp, so a folder that is already there has to be ours.
fn make_private(sh: &Shell, folder: &Path, user: &str) -> anyhow::Result<()> {
    if fs::symlink_metadata(folder).is_err() {
        return cmd!(sh, "mkdir -m 700 {folder}").quiet().run().map_err(Into::into);
    }
    let owner = cmd!(sh, "stat -c '%U %F' {folder}").quiet().read()?;
    let ours = [format!("{user} directory"), "root directory".to_owned()].contains(&owner);
    ensure!(ours, "{} belongs to somebody else", folder.display());
    Ok(())
}

/// 128 random bits.
fn random_hex() -> anyhow::Result<String> {
    use std::io::Read as _;
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
