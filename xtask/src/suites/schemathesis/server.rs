//! The control plane that is asked, alone.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;
use xshell::{Shell, cmd};

use crate::http::Request;
use crate::interrupt;
use crate::places::Places;
use crate::process::last_lines;

/// How long it may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first port of nodes: nobody listens there, as little as in the tests of the API.
const PORT_BASE: &str = "100";

/// Runs as long as this value lives.
pub(super) struct Server {
    child: Child,
    url: String,
    log: PathBuf,
    token: String,
    token_to_expire: String,
    token_to_revoke: String,
}

impl Server {
    /// Makes the project `dev` and tokens in a database that has the migrations, and serves it on a
    /// free port. Its log is left in `home`.
    pub(super) fn start(
        sh: &Shell,
        places: &Places,
        database: &str,
        home: &Path,
    ) -> anyhow::Result<Self> {
        let binary = places.binary("tidegate-control-plane");
        let admin = |args: &[&str]| -> anyhow::Result<String> {
            let command = cmd!(sh, "{binary} {args...}").env("TIDEGATE_DATABASE_URL", database);
            let command = command.env_remove("TIDEGATE_KEY_FILE").env_remove("TIDEGATE_KEY");
            Ok(command.quiet().read()?.trim().to_owned())
        };
        let key = admin(&["key", "generate"])?;
        admin(&["project", "create", "dev"])?;
        // Before it serves: at a first start without any, it would print one.
        let token = |owner| admin(&["token", "create", "--project", "*", "--owner", owner]);
        let (token_to_revoke, token_to_expire) = (token("schemathesis")?, token("somebody-else")?);
        let token = token("schemathesis")?;
        let log = home.join("control-plane.log");
        let out = File::create(&log)?;
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let child = Command::new(&binary)
            .args(["serve", "--listen", &address.to_string(), "--port-base", PORT_BASE])
            .env("TIDEGATE_DATABASE_URL", database)
            .env_remove("TIDEGATE_KEY_FILE")
            .env("TIDEGATE_KEY", key)
            // Wrong tokens are part of it, and each shall be told that it is wrong.
            .env("TIDEGATE_AUTH_FAILURES", "1000000")
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()?;
        let mut server = Self {
            child,
            url: format!("http://{address}"),
            log,
            token,
            token_to_expire,
            token_to_revoke,
        };
        let deadline = Instant::now() + PATIENCE;
        let health = Request::new("GET", format!("{}/health", server.url));
        while health.send(sh)?.status != 200 {
            server.check_alive()?;
            let log = last_lines(&server.log, 15);
            ensure!(Instant::now() < deadline, "the control plane does not answer\n{log}");
            interrupt::sleep(Duration::from_millis(100))?;
        }
        Ok(server)
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// May do everything.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// The same, of somebody else.
    pub(super) fn token_to_expire(&self) -> &str {
        &self.token_to_expire
    }

    /// Of the owner of [`Self::token`].
    pub(super) fn token_to_revoke(&self) -> &str {
        &self.token_to_revoke
    }

    /// An error with the end of its log, if it is gone.
    pub(super) fn check_alive(&mut self) -> anyhow::Result<()> {
        let ended = self.child.try_wait()?;
        ensure!(ended.is_none(), "the control plane ended\n{}", last_lines(&self.log, 15));
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
