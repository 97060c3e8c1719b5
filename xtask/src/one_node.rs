//! A Kafka of one node for one run of a bench: started empty, deleted at the end.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use xshell::{Shell, cmd};

use crate::daemon::{Daemon, bound_to_us};
use crate::places::Places;
use crate::process::{self, run_silently};
use crate::progress::Part;
use crate::{downloads, prerequisites};

const PREFIX: &str = "bench-kafka-";
/// Of a node that nobody else reaches and that is gone after the run.
pub(crate) const PASSWORD: &str = "bench";
/// Who the REST proxy is while it asks nobody for a token.
pub(crate) const USER: &str = "rest-proxy";

/// Runs as long as this value lives.
#[derive(Debug)]
pub(crate) struct OneNode {
    daemon: Option<Daemon>,
    home: PathBuf,
    /// `host:port` for who needs no login.
    pub(crate) open: String,
    /// For SASL PLAIN.
    pub(crate) plain: String,
    /// For SASL OAUTHBEARER with tokens of the issuer.
    pub(crate) oauth: String,
    controller: String,
}

impl OneNode {
    /// Starts one on free ports that verifies tokens of `issuer`.
    pub(crate) fn start(sh: &Shell, places: &Places, issuer: &str) -> anyhow::Result<Self> {
        downloads::kafka_libs(sh, places)?;
        sweep(places)?;
        let home = places.target.join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir_all(&home)?;
        let [controller, open, plain, oauth] = free_addresses()?;
        let mut node = Self { daemon: None, home, open, plain, oauth, controller };
        let part = Part::new("kafka");
        part.waits_for("its storage");
        fs::write(node.home.join("server.properties"), node.properties(issuer))?;
        fs::write(node.home.join("log4j2.properties"), LOG4J)?;
        let java = prerequisites::java(sh).context("no java")?;
        let libs = places.kafka_libs().join("*");
        let (id, config) = ("dGlkZWdhdGUtYmVuY2gtMQ", node.home.join("server.properties"));
        let tool = "kafka.tools.StorageTool";
        let quick = ["-Xmx128m", "-XX:TieredStopAtLevel=1"];
        let format = cmd!(sh, "{java} {quick...} -cp {libs} {tool} format -t {id} -c {config}");
        run_silently(format)?;
        node.daemon = Some(node.spawn(&java, &libs, issuer)?);
        part.until(Duration::from_mins(1), || {
            node.daemon.as_mut().context("it was started")?.check_alive()?;
            let up = [&node.open, &node.plain, &node.oauth]
                .iter()
                .all(|it| TcpStream::connect(it).is_ok());
            Ok(if up { Ok(()) } else { Err("its listeners".to_owned()) })
        })?;
        part.done(&format!("one node at {}", node.open));
        Ok(node)
    }

    /// The broker's process.
    pub(crate) fn pid(&self) -> u32 {
        self.daemon.as_ref().map_or(0, Daemon::pid)
    }

    fn spawn(&self, java: &Path, libs: &Path, issuer: &str) -> anyhow::Result<Daemon> {
        let mut command = bound_to_us(java);
        command
            .current_dir(&self.home)
            .args(["-Xms1g", "-Xmx1g", "-XX:+ExitOnOutOfMemoryError"])
            .arg("-Dlog4j2.configurationFile=log4j2.properties")
            .arg(format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={issuer}/jwks"))
            .arg("-cp")
            .arg(libs)
            .args(["kafka.Kafka", "server.properties"]);
        Daemon::spawn(&mut command, &self.home.join("kafka.log"))
    }

    fn properties(&self, issuer: &str) -> String {
        let Self { controller, open, plain, oauth, .. } = self;
        let package = "org.apache.kafka.common.security";
        let data = self.home.join("data").display().to_string();
        let client = "listener.name.client.oauthbearer.sasl";
        format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.voters=1@{controller}\n\
             controller.listener.names=CONTROLLER\n\
             inter.broker.listener.name=OPEN\n\
             listeners=CONTROLLER://{controller},OPEN://{open},INTERNAL://{plain},CLIENT://{oauth}\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,OPEN:PLAINTEXT,INTERNAL:SASL_PLAINTEXT,CLIENT:SASL_PLAINTEXT\n\
             listener.name.internal.sasl.enabled.mechanisms=PLAIN\n\
             listener.name.internal.plain.sasl.jaas.config={package}.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";\n\
             listener.name.client.sasl.enabled.mechanisms=OAUTHBEARER\n\
             {client}.jaas.config={package}.oauthbearer.OAuthBearerLoginModule required;\n\
             {client}.server.callback.handler.class={package}.oauthbearer.OAuthBearerValidatorCallbackHandler\n\
             {client}.oauthbearer.jwt.validator.class={package}.oauthbearer.BrokerJwtValidator\n\
             {client}.oauthbearer.jwks.endpoint.url={issuer}/jwks\n\
             {client}.oauthbearer.expected.issuer={issuer}\n\
             {client}.oauthbearer.expected.audience=my-audience\n\
             log.dirs={data}\n\
             num.partitions=6\n\
             auto.create.topics.enable=false\n\
             default.replication.factor=1\n\
             offsets.topic.replication.factor=1\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             share.coordinator.state.topic.replication.factor=1\n\
             share.coordinator.state.topic.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\n\
             log.segment.delete.delay.ms=1000\n\
             log.retention.check.interval.ms=1000\n\
             log.initial.task.delay.ms=1000\n\
             connections.max.idle.ms=3600000\n"
        )
    }
}

impl Drop for OneNode {
    #[expect(clippy::print_stderr, reason = "this is a command-line tool")]
    fn drop(&mut self) {
        drop(self.daemon.take());
        if let Err(error) = fs::remove_dir_all(&self.home) {
            eprintln!("{} is still there: {error}", self.home.display());
        }
    }
}

const LOG4J: &str = "status=warn\n\
    appender.out.type=Console\n\
    appender.out.name=out\n\
    appender.out.layout.type=PatternLayout\n\
    appender.out.layout.pattern=[%d] %p %m (%c)%n\n\
    rootLogger.level=warn\n\
    rootLogger.appenderRef.out.ref=out\n";

/// Addresses on loopback where nothing listens, all different.
fn free_addresses<const N: usize>() -> anyhow::Result<[String; N]> {
    let listeners: Vec<TcpListener> =
        (0..N).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect::<Result<_, _>>()?;
    let addresses: Vec<String> = listeners
        .iter()
        .map(|it| Ok(it.local_addr()?.to_string()))
        .collect::<anyhow::Result<_>>()?;
    addresses.try_into().ok().context("as many as asked for")
}

/// An address on loopback where nothing listens.
pub(crate) fn free_address() -> anyhow::Result<String> {
    let [address] = free_addresses()?;
    Ok(address)
}

/// Removes what an earlier run left that was killed. Its node went with it.
fn sweep(places: &Places) -> anyhow::Result<()> {
    for entry in fs::read_dir(&places.target)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let pid = name.strip_prefix(PREFIX).and_then(|pid| pid.parse().ok());
        if pid.is_some_and(|pid| process::start_time(pid).is_none()) {
            fs::remove_dir_all(&path)?;
            ensure!(!path.exists(), "{} cannot be removed", path.display());
        }
    }
    Ok(())
}
