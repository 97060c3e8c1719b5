//! Kafka's own console clients, run from the jars.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::Stack;

const OAUTHBEARER: &str = "org.apache.kafka.common.security.oauthbearer";
const ALLOWED: &str = "-Dorg.apache.kafka.sasl.oauthbearer.allowed";

/// Kafka's console clients with one token.
pub(crate) struct Console<'a> {
    stack: &'a Stack,
    /// Options of the JVM: what it may fetch tokens from.
    allowed: Vec<String>,
    config: PathBuf,
}

impl<'a> Console<'a> {
    pub(crate) fn new(stack: &'a Stack, token: &str) -> Self {
        let token = stack.secret_file("token.jwt", token);
        let config = stack.secret_file("client.properties", &properties(stack, &token));
        let token = token.display();
        let allowed =
            vec![format!("{ALLOWED}.urls=file://{token}"), format!("{ALLOWED}.files={token}")];
        Self { stack, allowed, config }
    }

    /// With a configuration that fetches tokens from `url` itself.
    pub(crate) fn with_properties(stack: &'a Stack, properties: &str, url: &str) -> Self {
        let config = stack.secret_file("client.properties", properties);
        Self { stack, allowed: vec![format!("{ALLOWED}.urls={url}")], config }
    }

    /// Produces a record at `broker`. `Err` is what it said.
    pub(crate) async fn produce(
        &self,
        broker: &str,
        topic: &str,
        value: &str,
    ) -> Result<(), String> {
        let class = "org.apache.kafka.tools.ConsoleProducer";
        let args = ["--command-property", "acks=all", "--command-property", "max.block.ms=15000"];
        let said = self.run(class, broker, topic, &args, &format!("{value}\n")).await;
        // It says ERROR for a record that it lost, and still succeeds. Without a configuration,
        // log4j writes to standard output.
        let text = said.stdout + &said.stderr;
        if said.succeeded && !text.contains("ERROR") { Ok(()) } else { Err(text) }
    }

    /// Reads the first `count` records of a topic.
    pub(crate) async fn consume(
        &self,
        broker: &str,
        topic: &str,
        count: usize,
    ) -> Result<Vec<String>, String> {
        let class = "org.apache.kafka.tools.consumer.ConsoleConsumer";
        let (group, count) = (self.stack.name("console"), count.to_string());
        let args = ["--group", &group, "--from-beginning", "--max-messages", &count];
        let args = [&args[..], &["--timeout-ms", "20000"]].concat();
        let said = self.run(class, broker, topic, &args, "").await;
        let lines = || said.stdout.lines().map(str::to_owned).collect();
        if said.succeeded { Ok(lines()) } else { Err(said.stderr) }
    }

    async fn run(
        &self,
        class: &str,
        broker: &str,
        topic: &str,
        args: &[&str],
        stdin: &str,
    ) -> Said {
        let mut child = Command::new(&self.stack.java)
            .args(["-Xmx96m", "-XX:TieredStopAtLevel=1"])
            .args(&self.allowed)
            .arg("-cp")
            .arg(self.stack.libs.join("*"))
            .args([class, "--bootstrap-server", broker, "--topic", topic, "--command-config"])
            .arg(&self.config)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("cannot run TIDEGATE_TEST_JAVA");
        let mut input = child.stdin.take().expect("its input");
        // One that ends early does not read it.
        let _unread = input.write_all(stdin.as_bytes()).await;
        drop(input);
        let output = child.wait_with_output().await.expect("java ends");
        Said {
            succeeded: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

struct Said {
    succeeded: bool,
    stdout: String,
    stderr: String,
}

/// The configuration of a client that presents the token of a file.
///
/// It is the broker that shall refuse a bad token. So the client looks for the subject where even
/// the token without subject has something: the identity provider always writes `client_id`.
fn properties(stack: &Stack, token: &std::path::Path) -> String {
    format!(
        "security.protocol={}\n\
         sasl.mechanism=OAUTHBEARER\n\
         sasl.jaas.config={OAUTHBEARER}.OAuthBearerLoginModule required;\n\
         sasl.login.callback.handler.class={OAUTHBEARER}.OAuthBearerLoginCallbackHandler\n\
         sasl.oauthbearer.jwt.retriever.class={OAUTHBEARER}.FileJwtRetriever\n\
         sasl.oauthbearer.jwt.validator.class={OAUTHBEARER}.ClientJwtValidator\n\
         sasl.oauthbearer.token.endpoint.url=file://{}\n\
         sasl.oauthbearer.sub.claim.name=client_id\n",
        stack.security_protocol,
        token.display()
    )
}
