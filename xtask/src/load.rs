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

/// The topic of the load, and that of its part which goes through the REST proxy.
const TOPIC: &str = "load";
const REST_TOPIC: &str = "load-rest";
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
    /// The same of what went through the REST proxy.
    pub(crate) rest: Option<(Window, Window)>,
    /// What became of the partitions during the change.
    pub(crate) partitions: Window,
}

/// A load and where it goes.
pub(crate) struct Course<'a> {
    pub(crate) places: &'a Places,
    pub(crate) at: &'a Addresses,
    pub(crate) avn: &'a Avn<'a>,
    /// Names its log and its report.
    pub(crate) name: &'a str,
    /// A token for the REST proxy, if it is to be used too.
    pub(crate) rest: Option<&'a str>,
}

impl Load {
    /// Makes its topic if there is none, starts it, and lets the baseline pass.
    pub(crate) fn start(places: &Places, at: &Addresses, avn: &Avn<'_>) -> anyhow::Result<Self> {
        Self::begin(&Course { places, at, avn, name: "load", rest: None })
    }

    /// The same, for who wants more than native clients.
    pub(crate) fn begin(course: &Course<'_>) -> anyhow::Result<Self> {
        ensure_topic(course.avn, TOPIC)?;
        if course.rest.is_some() {
            ensure_topic(course.avn, REST_TOPIC)?;
        }
        let mut load = Self::spawn(course, &password(course.avn)?)?;
        // The first window is that of its start, which nobody is interested in.
        interrupt::sleep(START)?;
        load.mark("baseline")?;
        interrupt::sleep(BASELINE)?;
        load.mark("change")?;
        Ok(load)
    }

    fn spawn(course: &Course<'_>, password: &str) -> anyhow::Result<Self> {
        let Course { places, at, name, rest, .. } = course;
        let log = log_file(places, name);
        let mut command = Command::new(places.binary("tidegate-load"));
        command
            .args(["roll", "--bootstrap", &at.bootstrap, "--topic", TOPIC, "--username", USER])
            .env("TIDEGATE_LOAD_PASSWORD", password)
            .env_remove("RUST_BACKTRACE");
        if let Some(token) = rest {
            command
                .args(["--rest", &at.rest, "--rest-topic", REST_TOPIC])
                // What two cores bear beside brokers that start.
                .args(["--rate", "120", "--rest-rate", "40"])
                .env("TIDEGATE_LOAD_REST_TOKEN", token);
        }
        let mut child = command
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
        Report::parse(&report)
    }

    /// Begins another window, if it still runs.
    pub(crate) fn mark(&mut self, window: &str) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("tidegate-load: {status}\n{}", last_lines(&self.log, 10));
        }
        let told = writeln!(self.input, "mark {window}").and_then(|()| self.input.flush());
        told.with_context(|| last_lines(&self.log, 10))
    }
}

impl Report {
    /// Reads what `tidegate-load` has printed.
    pub(crate) fn parse(report: &Value) -> anyhow::Result<Self> {
        let window = |windows: &Value, name: &str| {
            let found = windows.as_array().and_then(|all| all.iter().find(|it| it["name"] == name));
            found.cloned().map(Window).with_context(|| format!("no window {name} in {report}"))
        };
        let both = |windows: &Value| {
            anyhow::Ok((window(windows, "baseline")?, window(windows, "change")?))
        };
        let (baseline, change) = both(&report["windows"])?;
        let rest = Some(&report["rest"]["windows"]).filter(|it| it.is_array());
        let (rest, partitions) = (rest.map(both).transpose()?, &report["partitions"]);
        Ok(Report { baseline, change, rest, partitions: window(partitions, "change")? })
    }
}

impl Window {
    /// The longest times without an acknowledgement, each with its length and its end, in
    /// milliseconds, the end since 1970.
    pub(crate) fn gaps(&self) -> Vec<(f64, f64)> {
        let gaps = self.0["gaps"].as_array().into_iter().flatten();
        gaps.filter_map(|it| it["ms"].as_f64().zip(it["until_unix_ms"].as_f64())).collect()
    }

    /// One of its numbers.
    pub(crate) fn number(&self, name: &str) -> anyhow::Result<f64> {
        self.0[name].as_f64().with_context(|| format!("the report has no `{name}`: {}", self.0))
    }
}

fn ensure_topic(avn: &Avn<'_>, topic: &str) -> anyhow::Result<()> {
    let (listed, topics) = avn.quietly(&["service", "topic-list", SERVICE])?;
    ensure!(listed, "topic-list failed: {topics}");
    if !topics.lines().any(|line| line.split_whitespace().next() == Some(topic)) {
        let create = ["service", "topic-create", SERVICE, topic, "--partitions", "6"];
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
