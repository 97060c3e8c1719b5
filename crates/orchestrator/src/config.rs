//! What the program is told by its command line and its environment.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use model::{Network, Secret};
use rolling::Policy;

use crate::agent::RunNode;

/// Holds the keys themselves, in place of a file.
const KEY_VARIABLE: &str = "TIDEGATE_KEY";
/// What the environment may hold that nodes and proxies must not inherit: everybody who looks at
/// them as the same user could read it.
pub(crate) const SECRET_VARIABLES: [&str; 2] = [KEY_VARIABLE, "TIDEGATE_DATABASE_URL"];

/// Carries out what the control plane wrote down: rolling restarts, topics, users, ACLs.
#[derive(Debug, Parser)]
#[command(name = "tidegate-orchestrator", version)]
pub struct Cli {
    /// Write log lines as JSON objects.
    #[arg(long, env = "TIDEGATE_LOG_JSON", global = true)]
    pub log_json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look after all services until SIGTERM. Brokers and proxies go on running after it.
    Run(Box<Run>),
    /// Stop every broker and proxy below the data folder, and wait for it.
    StopNodes(StopNodes),
    /// Stop and start one broker: what `run` starts for each restart.
    #[command(hide = true)]
    RunNode(RunNode),
}

/// The arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The address for `GET /health` and `GET /metrics`.
    #[arg(long, env = "TIDEGATE_LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    /// The database, as `postgres://user:password@host:port/name`.
    #[arg(long, env = "TIDEGATE_DATABASE_URL", hide_env_values = true, value_parser = secret)]
    pub database_url: Secret,
    /// The keys that secrets in the database are sealed with, the same as the control plane's:
    /// base64 of 32 bytes, one a line. The first seals, all open. The variable `TIDEGATE_KEY` may
    /// hold them instead.
    #[arg(long, env = "TIDEGATE_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// The folder that holds all nodes.
    #[arg(long, env = "TIDEGATE_DATA_DIR")]
    pub data_dir: PathBuf,
    /// The folder with Kafka's jars.
    #[arg(long, env = "TIDEGATE_KAFKA_LIBS")]
    pub kafka_libs: PathBuf,
    /// The `java` program, 17 or newer.
    #[arg(long, env = "TIDEGATE_JAVA", default_value = "java")]
    pub java: PathBuf,
    /// The REST proxy's program.
    #[arg(long, env = "TIDEGATE_REST_PROXY", default_value = "tidegate-rest-proxy")]
    pub rest_proxy: PathBuf,
    /// Where REST proxies get their settings.
    #[arg(long, env = "TIDEGATE_CONTROL_PLANE_URL", default_value = "http://127.0.0.1:8080")]
    pub control_plane_url: String,
    /// Accept identity providers by http on loopback addresses. For development.
    #[arg(long, env = "TIDEGATE_HTTP_LOOPBACK_IDP")]
    pub http_loopback_idp: bool,
    /// Private networks in which identity providers may be: `10.0.0.0/8,fd12:3456::/32`. Without
    /// it, public addresses only. REST proxies are started with the same.
    #[arg(long, env = "TIDEGATE_IDP_NETWORKS", value_delimiter = ',')]
    pub idp_networks: Vec<Network>,
    /// The times of rolling restarts that do not say otherwise.
    #[command(flatten)]
    pub times: RollTimes,
}

/// How long a rolling restart watches what it did. All in seconds.
#[derive(Clone, Copy, Debug, Args)]
pub struct RollTimes {
    /// How long all has to have been well after the first node before the second.
    #[arg(long, env = "TIDEGATE_CANARY_BAKE_SECONDS", default_value_t = 60)]
    pub canary_bake_seconds: u32,
    /// How long all has to have been well after any other node, the last included.
    #[arg(long, env = "TIDEGATE_SOAK_SECONDS", default_value_t = 15)]
    pub soak_seconds: u32,
    /// How long a node has to have been in sync, and has led the probe's partition, before it leads
    /// others again.
    #[arg(long, env = "TIDEGATE_LEADERS_DELAY_SECONDS", default_value_t = 10)]
    pub leaders_delay_seconds: u32,
}

impl From<RollTimes> for Policy {
    fn from(times: RollTimes) -> Self {
        let ms = |seconds: u32| i64::from(seconds) * 1000;
        Self {
            canary_bake_ms: ms(times.canary_bake_seconds),
            soak_ms: ms(times.soak_seconds),
            leaders_delay_ms: ms(times.leaders_delay_seconds),
            ..Self::default()
        }
    }
}

/// The arguments of `stop-nodes`.
#[derive(Debug, Args)]
pub struct StopNodes {
    /// The folder that holds all nodes.
    #[arg(long, env = "TIDEGATE_DATA_DIR")]
    pub data_dir: PathBuf,
    /// How many seconds to wait for the last one.
    #[arg(long, default_value_t = 330)]
    pub timeout: u64,
}

/// What `TIDEGATE_KEY` holds. It is no option: everybody on a machine sees a command line.
pub fn key_variable() -> Option<Secret> {
    // What is no text is no base64 either, and refused as such.
    let text = std::env::var_os(KEY_VARIABLE)?.to_string_lossy().into_owned();
    Some(Secret::new(text))
}

#[expect(clippy::unnecessary_wraps, reason = "clap's signature")]
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}
