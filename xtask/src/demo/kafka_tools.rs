//! Kafka's own console clients and admin tools, run from the jars.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::{Shell, cmd};

use crate::places::{Places, write_secret};
use crate::prerequisites;

/// The jars and the JVM.
pub(super) struct KafkaTools<'a> {
    sh: &'a Shell,
    java: PathBuf,
    libs: PathBuf,
    /// For files with tokens, which only we may read.
    folder: PathBuf,
}

impl<'a> KafkaTools<'a> {
    pub(super) fn new(sh: &'a Shell, places: &Places) -> anyhow::Result<Self> {
        let java = prerequisites::java(sh).context("no java")?;
        let folder = places.run().join("demo");
        sh.create_dir(&folder)?;
        Ok(Self { sh, java, libs: places.kafka_libs(), folder })
    }

    /// Writes the configuration of a client that presents the token of a file, and gives its path.
    pub(super) fn client_with_token(&self, token: &str) -> anyhow::Result<PathBuf> {
        let file = self.token_file();
        write_secret(&file, token)?;
        let package = "org.apache.kafka.common.security.oauthbearer";
        self.client_config(&format!(
            "sasl.oauthbearer.jwt.retriever.class={package}.FileJwtRetriever\n\
             sasl.oauthbearer.jwt.validator.class={package}.ClientJwtValidator\n\
             sasl.oauthbearer.token.endpoint.url={}\n",
            self.token_url()
        ))
    }

    /// Writes the configuration of a client that gets its own token by client credentials.
    pub(super) fn client_with_credentials(
        &self,
        token_url: &str,
        client: &str,
    ) -> anyhow::Result<PathBuf> {
        self.client_config(&format!(
            "sasl.oauthbearer.token.endpoint.url={token_url}\n\
             sasl.oauthbearer.client.credentials.client.id={client}\n\
             sasl.oauthbearer.client.credentials.client.secret={client}-secret\n"
        ))
    }

    fn client_config(&self, lines: &str) -> anyhow::Result<PathBuf> {
        let package = "org.apache.kafka.common.security.oauthbearer";
        let path = self.folder.join("client.properties");
        let common = format!(
            "security.protocol=SASL_PLAINTEXT\n\
             sasl.mechanism=OAUTHBEARER\n\
             sasl.jaas.config={package}.OAuthBearerLoginModule required;\n\
             sasl.login.callback.handler.class={package}.OAuthBearerLoginCallbackHandler\n"
        );
        write_secret(&path, &format!("{common}{lines}"))?;
        Ok(path)
    }

    /// Produces the lines with Kafka's console producer. What it said, and whether all went well.
    pub(super) fn produce(
        &self,
        bootstrap: &str,
        token_url: &str,
        config: &Path,
        topic: &str,
        lines: &str,
    ) -> anyhow::Result<(bool, String)> {
        let args = format!(
            "--bootstrap-server {bootstrap} --topic {topic} --command-property acks=all \
             --command-property delivery.timeout.ms=15000 \
             --command-property request.timeout.ms=8000 --command-property max.block.ms=15000 \
             --command-config"
        );
        self.run("ConsoleProducer", token_url, &args, config, lines)
    }

    /// Reads that many records with Kafka's console consumer.
    pub(super) fn consume(
        &self,
        bootstrap: &str,
        token_url: &str,
        config: &Path,
        topic: &str,
        group: &str,
    ) -> anyhow::Result<(bool, String)> {
        let args = format!(
            "--bootstrap-server {bootstrap} --topic {topic} --group {group} --from-beginning \
             --timeout-ms 8000 --command-config"
        );
        self.run("ConsoleConsumer", token_url, &args, config, "")
    }

    fn run(
        &self,
        class: &str,
        token_url: &str,
        args: &str,
        config: &Path,
        stdin: &str,
    ) -> anyhow::Result<(bool, String)> {
        let Self { java, libs, .. } = self;
        let class = match class {
            "ConsoleConsumer" => "org.apache.kafka.tools.consumer.ConsoleConsumer",
            _ => "org.apache.kafka.tools.ConsoleProducer",
        };
        // Names of topics and groups, and addresses, have no spaces.
        let args = args.split(' ');
        let libs = format!("{}/*", libs.display());
        let allowed = "-Dorg.apache.kafka.sasl.oauthbearer.allowed";
        let urls = format!("{allowed}.urls={},{token_url}", self.token_url());
        let files = format!("{allowed}.files={}", self.token_file().display());
        let output =
            cmd!(self.sh, "{java} -Xmx256m -cp {libs} {urls} {files} {class} {args...} {config}")
                .stdin(stdin)
                .quiet()
                .ignore_status()
                .output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        // The producer says ERROR for a record that it lost, and still succeeds.
        let succeeded = output.status.success() && !said.contains("ERROR");
        Ok((succeeded, said))
    }

    fn token_file(&self) -> PathBuf {
        self.folder.join("token.jwt")
    }

    fn token_url(&self) -> String {
        format!("file://{}", self.token_file().display())
    }
}
