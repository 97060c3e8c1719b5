//! `tidegate-load`: a client that produces and consumes all through a change, and counts.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::addresses::Addresses;
use crate::api::SERVICE;
use crate::demo::clients::Avn;
use crate::interrupt;
use crate::places::Places;
use crate::process::{last_lines, log_file};

/// The topic of the load.
const TOPIC: &str = "load";
/// The user that every service has, and that may do everything.
const USER: &str = "avnadmin";
/// How long it has to start: until Kafka has its topic, and its consumers are a group.
const START: Duration = Duration::from_secs(8);
/// How long it runs before the change, to have something to compare with.
const BASELINE: Duration = Duration::from_secs(15);

/// A running load. It ends when its input does: so it never outlives us.
pub(crate) struct Load {
    child: Child,
    input: ChildStdin,
    /// Its report is kept beside it, for who wants to know more.
    log: PathBuf,
}

/// What happened to its records in one stretch of time.
#[derive(Clone, Debug)]
pub(crate) struct Window(Value);

/// What it saw: before the change, and from then on.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) baseline: Window,
    pub(crate) change: Window,
}

impl Load {
    /// Makes its topic if there is none, starts it, and lets the baseline pass.
    pub(crate) fn start(places: &Places, at: &Addresses, avn: &Avn<'_>) -> anyhow::Result<Self> {
        ensure_topic(avn)?;
        let mut load = Self::spawn(places, at, &password(avn)?)?;
        // The first window is that of its start, which nobody is interested in.
        interrupt::sleep(START)?;
        load.mark("baseline")?;
        interrupt::sleep(BASELINE)?;
        load.mark("change")?;
        Ok(load)
    }

    fn spawn(places: &Places, at: &Addresses, password: &str) -> anyhow::Result<Self> {
        let log = log_file(places, "load");
        let mut child = Command::new(places.binary("tidegate-load"))
            .args(["roll", "--bootstrap", &at.bootstrap, "--topic", TOPIC, "--username", USER])
            .env("TIDEGATE_LOAD_PASSWORD", password)
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .context("starting tidegate-load")?;
        let input = child.stdin.take().context("its input")?;
        Ok(Self { child, input, log })
    }

    /// Ends it, and gives what it counted once everything has arrived.
    pub(crate) fn finish(mut self) -> anyhow::Result<Report> {
        drop(self.input);
        let mut said = String::new();
        self.child.stdout.take().context("its output")?.read_to_string(&mut said)?;
        let status = self.child.wait()?;
        fs::write(self.log.with_extension("json"), &said)?;
        let report: Value = serde_json::from_str(said.trim()).with_context(|| {
            let lines = last_lines(&self.log, 10);
            format!("tidegate-load ({status}) printed no report: {said}\n{lines}")
        })?;
        let window = |name: &str| {
            let windows = report["windows"].as_array();
            let found = windows.and_then(|all| all.iter().find(|it| it["name"] == name));
            found.cloned().map(Window).with_context(|| format!("no window {name} in {report}"))
        };
        Ok(Report { baseline: window("baseline")?, change: window("change")? })
    }

    /// Begins another window, if it still runs.
    fn mark(&mut self, window: &str) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("tidegate-load: {status}\n{}", last_lines(&self.log, 10));
        }
        let told = writeln!(self.input, "mark {window}").and_then(|()| self.input.flush());
        told.with_context(|| last_lines(&self.log, 10))
    }
}

impl Window {
    /// One of its numbers.
    pub(crate) fn number(&self, name: &str) -> anyhow::Result<f64> {
        self.0[name].as_f64().with_context(|| format!("the report has no `{name}`: {}", self.0))
    }
}

fn ensure_topic(avn: &Avn<'_>) -> anyhow::Result<()> {
    let (listed, topics) = avn.quietly(&["service", "topic-list", SERVICE])?;
    ensure!(listed, "topic-list failed: {topics}");
    if !topics.lines().any(|line| line.split_whitespace().next() == Some(TOPIC)) {
        let create = ["service", "topic-create", SERVICE, TOPIC, "--partitions", "6"];
        let (created, said) = avn.quietly(&[&create[..], &["--replication", "3"]].concat())?;
        ensure!(created, "topic-create failed: {said}");
    }
    Ok(())
}

fn password(avn: &Avn<'_>) -> anyhow::Result<String> {
    let (listed, users) = avn.quietly(&["service", "user-list", SERVICE, "--json"])?;
    ensure!(listed, "user-list failed: {users}");
    let users: Value = serde_json::from_str(&users).context("user-list prints JSON")?;
    let users = users.as_array().context("user-list prints a list")?;
    let user = users.iter().find(|user| user["username"] == USER).context("avnadmin is there")?;
    Ok(user["password"].as_str().context("avnadmin has a password")?.to_owned())
}
