//! The whole platform on one machine: brought up part by part, and stopped in order.

mod programs;
mod service;
mod stop;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use xshell::{Shell, cmd};

use crate::addresses::{Addresses, discovery};
use crate::api::{Api, PROJECT};
use crate::http::Request;
use crate::places::{Places, write_secret};
use crate::ports::Ports;
use crate::postgres::{Durability, Server};
use crate::process::{self, Process, Program, Started};
use crate::progress::Part;
use crate::{downloads, prerequisites};

/// The parts that are programs of ours, in the order of their start.
pub(crate) const PROGRAMS: [&str; 3] = ["idp", "control-plane", "orchestrator"];

/// What programs a stack is started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// Those of the sources as they are now.
    UpToDate,
    /// Those that are there.
    AsItIs,
}

impl Build {
    /// What the flag `--no-build` says.
    pub(crate) const fn unless(no_build: bool) -> Self {
        if no_build { Self::AsItIs } else { Self::UpToDate }
    }
}

/// A stack that was started at least once.
pub(crate) struct Stack<'a> {
    pub(crate) sh: &'a Shell,
    pub(crate) places: &'a Places,
    pub(crate) ports: Ports,
}

impl<'a> Stack<'a> {
    /// The stack of this state folder, if there is one.
    pub(crate) fn find(sh: &'a Shell, places: &'a Places) -> anyhow::Result<Option<Self>> {
        if !places.is_ours() {
            return Ok(None);
        }
        Ok(Ports::load(places)?.map(|ports| Self { sh, places, ports }))
    }

    /// Brings everything up that is not up already.
    pub(crate) fn up(sh: &'a Shell, places: &'a Places, build: Build) -> anyhow::Result<Self> {
        places.claim()?;
        let _lock = places.lock()?;
        Self::up_locked(sh, places, build)
    }

    /// The same for who has the lock.
    pub(crate) fn up_locked(
        sh: &'a Shell,
        places: &'a Places,
        build: Build,
    ) -> anyhow::Result<Self> {
        let part = Part::new("prerequisites");
        part.done(&prerequisites::ensure(sh)?);
        if build == Build::UpToDate {
            cargo_build(sh)?;
        }
        downloads::kafka_libs(sh, places)?;
        let stack = Self { sh, places, ports: Ports::load_or_choose(places)? };
        let database = stack.start_postgres()?;
        stack.migrate(&database)?;
        stack.make_key(&database)?;
        stack.start_idp()?;
        stack.start_control_plane(&database)?;
        let api = stack.obtain_token(&database)?;
        service::create_if_missing(&api)?;
        let proxy = stack.renew_rest_proxy()?;
        stack.start_orchestrator(&database)?;
        stack.wait_for_service(&api)?;
        stack.wait_for_rest_proxy(&api, proxy)?;
        downloads::avn(sh, places)?;
        Ok(stack)
    }

    /// The server of this stack.
    pub(crate) fn postgres(&self) -> anyhow::Result<Server> {
        Server::new(self.sh, self.places, &self.places.postgres(), self.ports.postgres)
    }

    /// The control plane's API with the stack's own token.
    pub(crate) fn api(&self) -> anyhow::Result<Api<'a>> {
        let token = std::fs::read_to_string(self.token_file())
            .context("the stack has no token yet: run `cargo xtask dev`")?;
        Ok(Api { sh: self.sh, url: self.control_plane_url(), token })
    }

    /// Where everything is. The stack has to be up.
    pub(crate) fn addresses(&self) -> anyhow::Result<Addresses> {
        Addresses::ask(&self.api()?, &self.idp_url(), self.places.avn())
    }

    /// The address of the control plane.
    pub(crate) fn control_plane_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.control_plane)
    }

    /// The address of the identity provider, which is its issuer too.
    pub(crate) fn idp_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.idp)
    }

    /// The address of the orchestrator.
    pub(crate) fn orchestrator_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.orchestrator)
    }

    fn token_file(&self) -> PathBuf {
        self.places.run().join("token")
    }

    fn key_file(&self) -> PathBuf {
        self.places.run().join("key")
    }

    fn start_postgres(&self) -> anyhow::Result<String> {
        let part = Part::new("postgres");
        let server = self.postgres()?;
        let word = if server.is_running(self.sh) {
            "already running"
        } else {
            part.waits_for("its first answer");
            server.start(self.sh, Durability::Kept)?;
            "started"
        };
        if let Some(pid) = server.pid() {
            Process::write_down(self.places, "postgres", pid, 0)?;
        }
        part.done(&format!(
            "{word} on 127.0.0.1:{}, data in {}",
            self.ports.postgres,
            server.home.display()
        ));
        server.url()
    }

    fn migrate(&self, database: &str) -> anyhow::Result<()> {
        let part = Part::new("migrations");
        part.waits_for("tidegate-control-plane migrate");
        self.admin(database, &["migrate"])?;
        part.done("applied");
        Ok(())
    }

    /// The key that secrets in the database are sealed with: made once, and as old as the data.
    fn make_key(&self, database: &str) -> anyhow::Result<()> {
        let (part, file) = (Part::new("key"), self.key_file());
        let word = if file.exists() {
            "the one of the last start"
        } else {
            let printed = self.admin(database, &["key", "generate"])?;
            write_secret(&file, &printed)?;
            "made"
        };
        part.done(&format!("{word}, kept in {}", file.display()));
        Ok(())
    }

    fn start_idp(&self) -> anyhow::Result<()> {
        let (part, url) = (Part::new("idp"), self.idp_url());
        let started = self.start(&part, &self.idp_program(), || {
            Ok(discovery(self.sh, &url)?.is_some().then_some(()))
        })?;
        part.done(&format!("{started}, {url}"));
        Ok(())
    }

    fn start_control_plane(&self, database: &str) -> anyhow::Result<()> {
        let (part, url) = (Part::new("control-plane"), self.control_plane_url());
        let started =
            self.start(&part, &self.control_plane_program(database), || self.answers(&url))?;
        part.done(&format!("{started}, {url}"));
        Ok(())
    }

    fn start_orchestrator(&self, database: &str) -> anyhow::Result<()> {
        let (part, url) = (Part::new("orchestrator"), self.orchestrator_url());
        let program = self.orchestrator_program(database)?;
        let started = self.start(&part, &program, || self.answers(&url))?;
        part.done(&format!("{started}, {url}"));
        Ok(())
    }

    /// Starts a program and waits until it answers, or until it ended.
    fn start(
        &self,
        part: &Part,
        program: &Program,
        mut answers: impl FnMut() -> anyhow::Result<Option<()>>,
    ) -> anyhow::Result<Started> {
        let started = program.start(self.places)?;
        part.until(Duration::from_mins(1), || {
            self.check_alive(program.name)?;
            Ok(answers()?.ok_or_else(|| "its first answer".to_owned()))
        })?;
        Ok(started)
    }

    /// An error with the end of its log, if a program is gone.
    pub(crate) fn check_alive(&self, name: &str) -> anyhow::Result<()> {
        if Process::running(self.places, name)?.is_none() {
            bail!(
                "{name} ended\n{}",
                process::last_lines(&process::log_file(self.places, name), 20)
            );
        }
        Ok(())
    }

    fn answers(&self, url: &str) -> anyhow::Result<Option<()>> {
        let response = Request::new("GET", format!("{url}/health")).send(self.sh)?;
        Ok((response.status != 0).then_some(()))
    }

    /// The token of the last start if it is still good, else a new one.
    fn obtain_token(&self, database: &str) -> anyhow::Result<Api<'a>> {
        let part = Part::new("token");
        if let Ok(api) = self.api()
            && api.accepts_token()?
        {
            part.done("the one of the last start");
            return Ok(api);
        }
        self.admin(database, &["project", "create", PROJECT])?;
        let create = ["token", "create", "--project", PROJECT, "--description", "cargo xtask dev"];
        let printed = self.admin(database, &create)?;
        let token = printed.lines().last().unwrap_or_default().trim();
        write_secret(&self.token_file(), token)?;
        let api = self.api()?;
        ensure!(api.accepts_token()?, "the control plane refuses the token that it just made");
        part.done(&format!("for project {PROJECT}, kept in {}", self.token_file().display()));
        Ok(api)
    }

    /// Runs the control plane's command for operators, and gives what it prints.
    fn admin(&self, database: &str, args: &[&str]) -> anyhow::Result<String> {
        let binary = self.places.binary("tidegate-control-plane");
        let output = cmd!(self.sh, "{binary} {args...}")
            .env("TIDEGATE_DATABASE_URL", database)
            .env_remove("TIDEGATE_KEY_FILE")
            .env_remove("TIDEGATE_KEY")
            .quiet()
            .ignore_status()
            .output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {}", args.join(" "), errors.trim());
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn cargo_build(sh: &Shell) -> anyhow::Result<()> {
    let part = Part::new("build");
    part.hands_over_to("cargo build (minutes the first time)");
    // Not xtask itself: it runs right now, and needs none of the others' features.
    cmd!(sh, "cargo build --workspace --exclude xtask --bins --locked").quiet().run()?;
    part.done("the programs are up to date");
    Ok(())
}
