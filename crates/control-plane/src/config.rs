//! What the operator sets, by options or by the environment.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use model::{Network, ProjectName, Role, Scope, Secret};

use crate::access::OidcOptions;
use crate::console::ConsoleOptions;

/// The API of Tidegate: services, topics, users and access.
#[derive(Debug, Parser)]
#[command(name = "tidegate-control-plane", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where the state is kept: `postgres://user:password@host:port/database`.
    #[arg(long, env = "TIDEGATE_DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<Secret>,
    /// How many connections to the database there are at most; one of them only listens. More requests
    /// at once wait for one in the order in which they came. Twice to four times the cores of Postgres:
    /// with more, each is slowed by all others, and the slowest most.
    #[arg(
        long,
        env = "TIDEGATE_DATABASE_CONNECTIONS",
        default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(2..=1000),
        global = true
    )]
    pub database_connections: u32,
    /// The keys that secrets in the database are sealed with: base64 of 32 bytes, one a line. The
    /// first seals, all open. The variable `TIDEGATE_KEY` may hold them instead.
    #[arg(long, env = "TIDEGATE_KEY_FILE", global = true)]
    pub key_file: Option<PathBuf>,
    /// Logs JSON, one object a line, instead of text.
    #[arg(long, env = "TIDEGATE_LOG_JSON", global = true)]
    pub log_json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of it, for as long as the program runs"
)]
pub enum Command {
    /// Serves the API until told to stop.
    Serve(Serve),
    /// Brings the database's schema up to what this program knows.
    Migrate,
    /// Looks after projects.
    #[command(subcommand)]
    Project(ProjectCommand),
    /// Looks after API tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Looks after the keys that secrets are sealed with.
    #[command(subcommand)]
    Key(KeyCommand),
}

/// What to do with projects.
#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Makes a project. Does nothing if there is one of that name.
    Create {
        /// Its name.
        name: ProjectName,
    },
}

/// What to do with API tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Makes a token and prints it. It is shown this once: only its hash is kept.
    Create {
        /// The project that it opens, or `*` for every project.
        #[arg(long)]
        project: Scope,
        /// What it allows there: `admin`, `operator`, `developer` or `read_only`.
        #[arg(long, default_value = "admin")]
        role: Role,
        /// Whose it is: who sees it in `avn user access-token list`, and the actor of what is done
        /// with it.
        #[arg(long, default_value = "admin", value_parser = owner)]
        owner: String,
        /// What it is for.
        #[arg(long, default_value = "")]
        description: String,
    },
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Makes a key at random and prints it. Needs no database.
    Generate,
    /// Seals every secret with a new data key, wrapped by the first key of the key file, and removes
    /// the data keys that nothing needs any more. Programs may run meanwhile, if they were started
    /// with the same key file. Can be repeated after it was stopped at any point.
    Rotate,
    /// Says which keys are in use, and how many secrets are plain text.
    Status {
        /// As one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// What `TIDEGATE_KEY` holds. It is no option: everybody on a machine sees a command line.
pub fn key_variable() -> Option<Secret> {
    // What is no text is no base64 either, and refused as such.
    let text = std::env::var_os("TIDEGATE_KEY")?.to_string_lossy().into_owned();
    Some(Secret::new(text))
}

/// How to serve.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address and port to listen on.
    #[arg(long, env = "TIDEGATE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Accepts `http` addresses of identity providers on loopback hosts. For development only.
    #[arg(long, env = "TIDEGATE_HTTP_LOOPBACK_IDP")]
    pub http_loopback_idp: bool,
    /// Private networks in which identity providers may be: `10.0.0.0/8,fd12:3456::/32`. Without
    /// it, public addresses only.
    #[arg(long, env = "TIDEGATE_IDP_NETWORKS", value_delimiter = ',')]
    pub idp_networks: Vec<Network>,
    /// Hosts for the nodes of new services, `host[/rack]`, used in turn. Without a rack, the host
    /// is its own.
    #[arg(
        long,
        env = "TIDEGATE_NODE_HOSTS",
        value_delimiter = ',',
        default_value = "127.0.0.1/rack-1,127.0.0.1/rack-2,127.0.0.1/rack-3"
    )]
    pub node_hosts: Vec<NodeHost>,
    /// How many requests a minute an address may send without a good token. More are answered
    /// with 429.
    #[arg(long, env = "TIDEGATE_AUTH_FAILURES", default_value = "60")]
    pub auth_failures: NonZeroU32,
    /// How people sign in by an identity provider.
    #[command(flatten)]
    pub oidc: OidcOptions,
    /// How the console is reached, and how long people stay signed in.
    #[command(flatten)]
    pub console: ConsoleOptions,
    /// The first port for nodes and REST proxies.
    #[arg(long, env = "TIDEGATE_PORT_BASE", default_value_t = 20000)]
    pub port_base: u16,
}

/// A name that no identity provider gives.
fn owner(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '@' | '+');
    if (1..=128).contains(&text.len()) && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err("is not 1-128 of letters, digits, '-', '.', '_', '@' and '+'".to_owned())
}

/// A host on which nodes may be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeHost {
    /// Name or address.
    pub host: String,
    /// Kafka's `broker.rack` of the nodes on it.
    pub rack: String,
}

impl FromStr for NodeHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, rack) = text.trim().split_once('/').unwrap_or((text.trim(), text.trim()));
        // Both end up in `server.properties`.
        let plain = |it: &str| {
            !it.is_empty()
                && it.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        };
        if plain(host) && plain(rack) {
            return Ok(Self { host: host.to_owned(), rack: rack.to_owned() });
        }
        Err("is no host[/rack] of letters, digits, '-', '.' and '_'".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_make_sense_to_clap() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_host_without_a_rack_is_its_own() {
        let host = |text: &str| text.parse::<NodeHost>();
        assert_eq!(
            host("a.example/r1"),
            Ok(NodeHost { host: "a.example".into(), rack: "r1".into() })
        );
        assert_eq!(host(" b "), Ok(NodeHost { host: "b".into(), rack: "b".into() }));
        assert!(host("a/").is_err());
        assert!(host("a\nb").is_err());
    }
}
