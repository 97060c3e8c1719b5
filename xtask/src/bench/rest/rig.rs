//! What the lines are measured on: Kafka, the identity provider, the proxy, each started as needed.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use xshell::Shell;

use super::cluster::Cluster;
use super::pairs::Effort;
use super::tool::Tool;
use crate::daemon::{Daemon, bound_to_us};
use crate::http::Request;
use crate::interrupt;
use crate::one_node::{PASSWORD, USER, free_address};
use crate::process::last_lines;

/// How long a program of ours may take to start.
const START: Duration = Duration::from_secs(30);

/// Everything that a line needs.
pub(super) struct Rig<'a> {
    pub(super) sh: &'a Shell,
    pub(super) cluster: Cluster<'a>,
    pub(super) tool: Tool,
    pub(super) proxy: PathBuf,
    /// Logs, reports and tokens of this run.
    pub(super) folder: PathBuf,
    pub(super) effort: Effort,
    /// Whether the proxy asks for tokens even where a line does not need them.
    pub(super) always_tokens: bool,
}

/// A REST proxy that runs, with what it was told.
pub(super) struct Proxy {
    pub(super) url: String,
    daemon: Daemon,
    _settings: (Daemon, ChildStdin),
}

impl Proxy {
    /// For the tools: whose CPU and memory is watched.
    pub(super) fn watch(&self) -> String {
        format!("proxy={}", self.daemon.pid())
    }
}

impl Rig<'_> {
    /// Starts a proxy. With `tokens` it asks for them.
    pub(super) fn proxy(&self, tokens: bool) -> anyhow::Result<Proxy> {
        let (settings, settings_url) = self.settings(tokens)?;
        let address = free_address()?;
        let token_file = self.folder.join("control-plane.token");
        fs::write(&token_file, "bench\n")?;
        let mut command = bound_to_us(&self.proxy);
        command
            .env("TIDEGATE_LISTEN", &address)
            .env("TIDEGATE_CONTROL_PLANE_URL", settings_url)
            .env("TIDEGATE_TOKEN_FILE", token_file)
            // The identity provider of the bench has no TLS.
            .env("TIDEGATE_HTTP_LOOPBACK_IDP", "true");
        // The limits are not what is measured.
        for limit in LIMITS {
            command.env(limit, "100000");
        }
        let log = self.folder.join("proxy.log");
        let mut daemon = Daemon::spawn(&mut command, &log)?;
        let url = format!("http://{address}");
        let steps = START.as_millis() / 50;
        for _ in 0..steps {
            daemon.check_alive().context("the REST proxy")?;
            let answer = Request::new("GET", format!("{url}/_health")).send(self.sh)?;
            if answer.status == 200 && answer.json()?["settings_loaded"] == true {
                return Ok(Proxy { url, daemon, _settings: settings });
            }
            interrupt::sleep(Duration::from_millis(50))?;
        }
        anyhow::bail!("the REST proxy does not answer\n{}", last_lines(&log, 20))
    }

    fn settings(&self, tokens: bool) -> anyhow::Result<((Daemon, ChildStdin), String)> {
        let log = self.folder.join("settings.log");
        let mut command = bound_to_us(&self.tool.program);
        command
            .args(["settings", "--bootstrap", &self.cluster.oauth])
            .args(["--issuer", &self.cluster.issuer, "--username", USER])
            .env("TIDEGATE_BENCH_PASSWORD", PASSWORD);
        if let Some(plain) = &self.cluster.plain {
            command.args(["--bootstrap-internal", plain]);
        }
        if tokens {
            command.arg("--authorization");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child = command.spawn().context("starting tidegate-bench settings")?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let daemon = Daemon::adopt(child, &log);
        let mut line = String::new();
        BufReader::new(output.context("its output")?).read_line(&mut line)?;
        ensure!(!line.is_empty(), "no settings\n{}", last_lines(&log, 10));
        let said: Value = serde_json::from_str(&line)?;
        let url = said["url"].as_str().context("its address")?.to_owned();
        Ok(((daemon, input.context("its input")?), url))
    }

    /// A file with tokens.
    pub(super) fn tokens(&self, name: &str, wishes: &[&str]) -> anyhow::Result<PathBuf> {
        let out = self.folder.join(format!("{name}.tokens"));
        let idp = ["tokens", "--idp", &self.cluster.issuer, "--out"];
        let mut args: Vec<String> = idp.map(str::to_owned).to_vec();
        args.push(out.display().to_string());
        args.extend(wishes.iter().map(|&it| it.to_owned()));
        self.tool.run(&args)?;
        Ok(out)
    }

    /// A file with the one token that may do everything here.
    pub(super) fn token(&self) -> anyhow::Result<PathBuf> {
        self.tokens("alice", &["--principal", "alice"])
    }

    /// How a line without a need of its own asks the proxy: with a token or without.
    pub(super) fn usual_token(&self) -> anyhow::Result<Option<PathBuf>> {
        self.always_tokens.then(|| self.token()).transpose()
    }

    /// The arguments of a native tool: where Kafka is, and as whom.
    pub(super) fn native(&self, command: &str, topic: &str) -> anyhow::Result<Vec<String>> {
        let mut args = strings(&[command, "--bootstrap", &self.cluster.native, "--topic", topic]);
        if self.cluster.native_needs_token {
            args.extend(["--token".to_owned(), path(&self.token()?)]);
        }
        Ok(args)
    }

    /// The brokers' processes.
    pub(super) fn watch_brokers(&self) -> Vec<String> {
        let pids = self.cluster.pids();
        let one = |(n, pid)| strings(&["--watch", &format!("broker{n}={pid}")]);
        pids.into_iter().enumerate().flat_map(one).collect()
    }

    /// How many records a topic got so far.
    pub(super) fn landed(&self, topic: &str) -> anyhow::Result<f64> {
        self.tool.run(&self.native("topic", topic)?)?.number("landed")
    }
}

/// What the proxy limits for each principal or over all.
const LIMITS: [&str; 4] = [
    "TIDEGATE_MAX_SESSIONS",
    "TIDEGATE_MAX_CONSUMERS",
    "TIDEGATE_MAX_CONSUMERS_PER_PRINCIPAL",
    "TIDEGATE_MAX_REQUESTS_PER_PRINCIPAL",
];

pub(super) fn path(path: &Path) -> String {
    path.display().to_string()
}

pub(super) fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|&it| it.to_owned()).collect()
}

/// The identity provider of a table that has none yet.
pub(super) fn start_idp(program: &Path, folder: &Path) -> anyhow::Result<(Daemon, String)> {
    let address = free_address()?;
    let issuer = format!("http://{address}");
    let mut command = bound_to_us(program);
    command.args(["--listen", &address, "--issuer", &issuer]).env("RUST_LOG", "warn");
    let daemon = Daemon::spawn(&mut command, &folder.join("idp.log"))?;
    Ok((daemon, issuer))
}
