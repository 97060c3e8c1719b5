//! One real Kafka node, for this test alone.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::sleep;

/// A running node. Dropping it ends the process and removes its folder.
pub(crate) struct Broker {
    /// Its listener for clients.
    pub(crate) address: String,
    process: Child,
    folder: PathBuf,
}

/// A variable that has to be there: a test that cannot run has failed.
fn variable(name: &str) -> PathBuf {
    let missing = || panic!("{name} is not set: see the head of tests/differential/main.rs");
    std::env::var_os(name).map_or_else(missing, PathBuf::from)
}

const LOG4J: &str = "\
status=warn
appender.file.type=File
appender.file.name=file
appender.file.fileName=server.log
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=info
rootLogger.appenderRef.file.ref=file
";

impl Broker {
    /// Starts a node that knows the keys at `jwks_url`, and waits until it answers.
    pub(crate) async fn start(jwks_url: &str, issuer: &str) -> Self {
        let name = format!("differential-{}", std::process::id());
        let folder = variable("TIDEGATE_TEST_DIR").join(name);
        fs::create_dir_all(&folder).unwrap();
        let ports = free_ports();
        let address = format!("127.0.0.1:{}", ports[1]);
        fs::write(folder.join("server.properties"), properties(ports, jwks_url, issuer)).unwrap();
        fs::write(folder.join("log4j2.properties"), LOG4J).unwrap();
        let format = ["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg"];
        let formatted = java(&folder, jwks_url)
            .args(format)
            .args(["-c", "server.properties"])
            .output()
            .unwrap();
        assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stdout));
        let mut kafka = java(&folder, jwks_url);
        kafka.args(["kafka.Kafka", "server.properties"]).stdout(Stdio::null());
        let process = kafka.spawn().unwrap();
        let mut broker = Self { address, process, folder };
        broker.answers().await;
        broker
    }

    async fn answers(&mut self) {
        let started = Instant::now();
        while TcpStream::connect(&self.address).await.is_err() {
            let ended = self.process.try_wait().unwrap();
            let waits = ended.is_none() && started.elapsed() < Duration::from_mins(3);
            assert!(waits, "the broker does not start ({ended:?}): {}", self.log());
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// The end of its log.
    fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the end of the broker's log:\n{}", self.log());
        }
        let _ended = self.process.kill().and_then(|()| self.process.wait());
        let _removed = fs::remove_dir_all(&self.folder);
    }
}

fn java(folder: &PathBuf, jwks_url: &str) -> Command {
    let mut command = Command::new(variable("TIDEGATE_TEST_JAVA"));
    let libs = variable("TIDEGATE_TEST_KAFKA_LIBS").join("*");
    command
        .args(["-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
        .arg("-Dlog4j2.configurationFile=log4j2.properties")
        .arg(format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={jwks_url}"))
        .arg("-cp")
        .arg(libs)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Ports that are free now, below those that the system gives to outgoing connections: Kafka takes
/// seconds to bind them, and others connect in the meantime.
fn free_ports() -> [u16; 2] {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut free = (first..30_000).chain(20_000..first).filter(is_free);
    [(); 2].map(|()| free.next().unwrap())
}

fn properties([controller, client]: [u16; 2], jwks_url: &str, issuer: &str) -> String {
    let oauth = "org.apache.kafka.common.security.oauthbearer";
    let prefix = "listener.name.client.oauthbearer.";
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=CONTROLLER://127.0.0.1:{controller},CLIENT://127.0.0.1:{client}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENT:SASL_PLAINTEXT
inter.broker.listener.name=CLIENT
sasl.mechanism.inter.broker.protocol=PLAIN
log.dirs=data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
delegation.token.secret.key=a-secret-of-this-test
connection.failed.authentication.delay.ms=0
listener.name.client.sasl.enabled.mechanisms=OAUTHBEARER,PLAIN
listener.name.client.plain.sasl.jaas.config={plain} required username=\"broker\" password=\"broker\" user_broker=\"broker\";
{prefix}sasl.jaas.config={oauth}.OAuthBearerLoginModule required ;
{prefix}sasl.server.callback.handler.class={oauth}.OAuthBearerValidatorCallbackHandler
{prefix}sasl.oauthbearer.jwt.validator.class={oauth}.BrokerJwtValidator
{prefix}sasl.oauthbearer.jwks.endpoint.url={jwks_url}
{prefix}sasl.oauthbearer.expected.issuer={issuer}
{prefix}sasl.oauthbearer.expected.audience=my-audience,another-audience
{prefix}sasl.oauthbearer.sub.claim.name=custom-sub
",
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule",
    )
}
