//! What every test here needs: the cluster, names of its own, the Java tools.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kafka::{Admin, AdminConfig, ConfigResource, Credential};
use model::{Principal, Secret};
use tokio::process::Command;

/// A cluster and Kafka's tools to look at it with.
pub(crate) struct Stage {
    pub(crate) admin: Admin,
    pub(crate) bootstrap: String,
    /// The admin's own, for the listener of `bootstrap`.
    pub(crate) credential: Credential,
    /// Begins every name that a test makes up, so that tests and runs do not meet.
    pub(crate) prefix: String,
    java: PathBuf,
    libs: PathBuf,
    command_config: PathBuf,
}

/// A variable that has to be there: a test that cannot run has failed.
#[expect(clippy::disallowed_methods, reason = "the only place here that reads the environment")]
fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: see the head of tests/real/main.rs"))
}

impl Stage {
    pub(crate) fn new(test: &str) -> Self {
        let bootstrap = variable("TIDEGATE_TEST_BOOTSTRAP_INTERNAL");
        let password = variable("TIDEGATE_TEST_ADMIN_PASSWORD");
        let (java, libs) =
            (variable("TIDEGATE_TEST_JAVA").into(), variable("TIDEGATE_TEST_KAFKA_LIBS").into());
        let dir = PathBuf::from(variable("TIDEGATE_TEST_DIR"));
        let prefix = format!("real-{test}-{}", std::process::id());
        let command_config = dir.join(format!("{prefix}.properties"));
        write_private(&command_config, &client_properties(&password));
        let credential = Credential::Plain {
            username: Principal::ADMIN.to_owned(),
            password: Secret::new(password),
        };
        let admin = Admin::new(AdminConfig {
            bootstrap: bootstrap.split(',').map(str::to_owned).collect(),
            credential: credential.clone(),
            client_id: "tidegate-test".to_owned(),
            timeout: Duration::from_secs(20),
        });
        Self { admin, bootstrap, credential, prefix, java, libs, command_config }
    }

    /// Runs one of Kafka's tools as the admin and returns what it wrote to its standard output.
    pub(crate) async fn tool(&self, class: &str, arguments: &[&str]) -> String {
        self.run(&self.bootstrap, &self.command_config, class, arguments).await
    }

    /// Runs one of Kafka's tools as somebody else.
    pub(crate) async fn tool_as(
        &self,
        bootstrap: &str,
        properties: &str,
        class: &str,
        arguments: &[&str],
    ) -> String {
        let file = self.command_config.with_extension("other.properties");
        write_private(&file, properties);
        let stdout = self.run(bootstrap, &file, class, arguments).await;
        std::fs::remove_file(file).unwrap();
        stdout
    }

    async fn run(
        &self,
        bootstrap: &str,
        properties: &Path,
        class: &str,
        arguments: &[&str],
    ) -> String {
        let output = Command::new(&self.java)
            .args(["-Xmx96m", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(self.libs.join("*"))
            .arg(class)
            .args(["--bootstrap-server", bootstrap, "--command-config"])
            .arg(properties)
            .args(arguments)
            .output()
            .await
            .expect("cannot run TIDEGATE_TEST_JAVA");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{class} {arguments:?}: {stdout}\n{stderr}");
        stdout
    }

    /// `host:port` of a broker's listener `CLIENT`, from its own configuration.
    pub(crate) async fn client_listener(&self) -> String {
        let broker =
            ConfigResource::Broker(self.admin.describe_cluster().await.unwrap().brokers[0].id);
        let entries = self.admin.describe_configs(&broker, Some(&["listeners"])).await.unwrap();
        let listeners = entries[0].value.clone().unwrap();
        let client = listeners.split(',').find_map(|it| it.trim().strip_prefix("CLIENT://"));
        client.expect("a listener CLIENT").to_owned()
    }

    /// Asks until `done` says so: brokers learn of a change a moment after it was answered.
    pub(crate) async fn until(&self, what: &str, mut done: impl AsyncFnMut() -> bool) {
        let started = Instant::now();
        while !done().await {
            assert!(started.elapsed() < Duration::from_secs(20), "never: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.command_config);
    }
}

fn client_properties(password: &str) -> String {
    let user = Principal::ADMIN;
    format!(
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n\
         sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
         username=\"{user}\" password=\"{password}\";\n"
    )
}

fn write_private(path: &Path, text: &str) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut it| it.write_all(text.as_bytes())).expect("cannot write TIDEGATE_TEST_DIR");
}
