//! The two places to measure at: a throwaway node, and the three nodes of the development stack.

use std::path::Path;

use anyhow::{Context as _, ensure};
use xshell::Shell;

use super::rig::{start_idp, strings};
use super::tool::Tool;
use crate::api::SERVICE;
use crate::daemon::Daemon;
use crate::demo::clients::Avn;
use crate::interrupt;
use crate::node_processes;
use crate::one_node::OneNode;
use crate::places::Places;
use crate::process::Process;
use crate::rollout::{is_on, switch_on, watch};
use crate::stack::{Build, Stack};

/// The principal that may use the topics of the bench.
const PRINCIPAL: &str = "alice";
/// What the names of its topics begin with.
const TOPICS: &str = "bench-";

/// Kafka and the identity provider that it trusts.
pub(super) struct Cluster<'a> {
    /// Bootstrap of native clients.
    pub(super) native: String,
    pub(super) native_needs_token: bool,
    /// Bootstrap for tokens.
    pub(super) oauth: String,
    /// Bootstrap for the proxy's own identity, if it has one here.
    pub(super) plain: Option<String>,
    pub(super) issuer: String,
    kind: Kind<'a>,
}

enum Kind<'a> {
    // The node goes first.
    OneNode { node: OneNode, _idp: Daemon },
    ThreeNodes { stack: Stack<'a>, avn: Avn<'a>, was_up: bool },
}

impl<'a> Cluster<'a> {
    /// A node and an identity provider that are gone afterwards.
    pub(super) fn one_node(
        sh: &Shell,
        places: &Places,
        folder: &Path,
    ) -> anyhow::Result<Cluster<'a>> {
        let (idp, issuer) = start_idp(&places.release("tidegate-idp"), folder)?;
        let node = OneNode::start(sh, places, &issuer)?;
        Ok(Self {
            native: node.open.clone(),
            native_needs_token: false,
            oauth: node.oauth.clone(),
            plain: Some(node.plain.clone()),
            issuer,
            kind: Kind::OneNode { node, _idp: idp },
        })
    }

    /// The development stack, with OIDC on and an ACL for the one who measures.
    pub(super) fn three_nodes(
        sh: &'a Shell,
        places: &'a Places,
        build: Build,
    ) -> anyhow::Result<Self> {
        let was_up = Process::running(places, "orchestrator")?.is_some();
        let stack = match Stack::up(sh, places, build) {
            Ok(stack) => stack,
            Err(error) => {
                interrupt::clear();
                if let (false, Some(half)) = (was_up, Stack::find(sh, places)?) {
                    half.down()?;
                }
                return Err(error);
            }
        };
        let (at, api) = (stack.addresses()?, stack.api()?);
        let avn = Avn::new(sh, &at);
        let cluster = Self {
            native: at.bootstrap.clone(),
            native_needs_token: true,
            oauth: at.bootstrap.clone(),
            plain: None,
            issuer: at.issuer.clone(),
            kind: Kind::ThreeNodes { stack, avn, was_up },
        };
        let service = api.service()?;
        if !is_on(&service) {
            let args = switch_on(&at);
            cluster.avn(&args.iter().map(String::as_str).collect::<Vec<_>>())?;
            watch(&api, |_| ())?;
        }
        let users = service["users"].as_array().context("the service has users")?;
        if !users.iter().any(|user| user["username"] == PRINCIPAL) {
            cluster.avn(&["service", "user-create", SERVICE, "--username", PRINCIPAL])?;
        }
        let topics = format!("{TOPICS}*");
        let acl = ["--permission", "readwrite", "--topic", &topics, "--username", PRINCIPAL];
        let acls = cluster.avn(&["service", "acl-list", SERVICE, "--json"])?;
        if !acls.contains(&topics) {
            cluster.avn(&[&["service", "acl-add", SERVICE], &acl[..]].concat())?;
        }
        Ok(cluster)
    }

    /// The brokers' processes.
    pub(super) fn pids(&self) -> Vec<u32> {
        match &self.kind {
            Kind::OneNode { node, .. } => vec![node.pid()],
            Kind::ThreeNodes { stack, .. } => {
                let all = node_processes::list(stack.places).into_iter();
                all.filter(|it| it.is_broker).map(|it| it.pid).collect()
            }
        }
    }

    /// Makes an empty topic of six partitions. Its name, given what it is for.
    pub(super) fn create_topic(&self, tool: &Tool, what: &str) -> anyhow::Result<String> {
        self.create(tool, what, &[])
    }

    /// One that keeps a second or so of what is written to it at full speed. A window then uses the
    /// same memory again and again, as on a broker that has filled its memory long ago. Otherwise
    /// each page is new: a virtual machine may have to get it from its host, which takes many times
    /// what the write does, and hits whoever writes second. At three nodes, where no line has a goal, it is
    /// a topic like the others.
    pub(super) fn create_short_topic(&self, tool: &Tool, what: &str) -> anyhow::Result<String> {
        self.create(tool, what, &["--short"])
    }

    fn create(&self, tool: &Tool, what: &str, how: &[&str]) -> anyhow::Result<String> {
        let topic = format!("{TOPICS}{what}-{}", std::process::id());
        match &self.kind {
            Kind::OneNode { .. } => {
                self.topic(tool, &topic, &[&["--create", "6"], how].concat())?;
            }
            Kind::ThreeNodes { .. } => {
                let args = ["service", "topic-create", SERVICE, &topic];
                let size = ["--partitions", "6", "--replication", "3"];
                self.avn(&[&args[..], &size[..]].concat())?;
            }
        }
        Ok(topic)
    }

    /// Deletes it, for its disk space.
    pub(super) fn delete_topic(&self, tool: &Tool, topic: &str) -> anyhow::Result<()> {
        match &self.kind {
            Kind::OneNode { .. } => self.topic(tool, topic, &["--delete"]),
            Kind::ThreeNodes { .. } => {
                self.avn(&["service", "topic-delete", SERVICE, topic]).map(drop)
            }
        }
    }

    fn topic(&self, tool: &Tool, topic: &str, what: &[&str]) -> anyhow::Result<()> {
        let mut args = strings(&["topic", "--bootstrap", &self.native, "--topic", topic]);
        args.extend(strings(what));
        tool.run(&args).map(drop)
    }

    fn avn(&self, args: &[&str]) -> anyhow::Result<String> {
        let Kind::ThreeNodes { avn, .. } = &self.kind else {
            anyhow::bail!("a throwaway node has no API");
        };
        let (succeeded, said) = avn.quietly(args)?;
        ensure!(succeeded, "avn {}: {said}", args.join(" "));
        Ok(said)
    }
}

impl Drop for Cluster<'_> {
    #[expect(clippy::print_stderr, reason = "this is a command-line tool")]
    fn drop(&mut self) {
        if let Kind::ThreeNodes { stack, was_up: false, .. } = &self.kind {
            interrupt::clear();
            if let Err(error) = stack.down() {
                eprintln!("the stack is still up: {error:#}");
            }
        }
    }
}
