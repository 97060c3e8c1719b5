//! avn and curl, with each command shown as one would type it.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use xshell::{Shell, cmd};

use crate::addresses::Addresses;
use crate::demo::Demo;
use crate::demo::narrator::{answer, command};
use crate::http::{Request, Response};
use crate::interrupt;

/// Aiven's client, pointed at the stack.
pub(crate) struct Avn<'a> {
    sh: &'a Shell,
    program: std::path::PathBuf,
    env: Vec<(&'static str, String)>,
}

impl<'a> Avn<'a> {
    pub(crate) fn new(sh: &'a Shell, at: &Addresses) -> Self {
        let mut env = at.variables();
        env.push(("NO_PROXY", "127.0.0.1,localhost".to_owned()));
        Self { sh, program: at.avn.clone(), env }
    }

    /// Runs it, shows command and answer, and expects success.
    pub(super) fn run(&self, args: &[&str]) -> anyhow::Result<String> {
        let (succeeded, said) = self.shown(args)?;
        ensure!(succeeded, "avn failed: {said}");
        Ok(said)
    }

    /// The same, and expects a refusal.
    pub(super) fn refused(&self, args: &[&str]) -> anyhow::Result<String> {
        let (succeeded, said) = self.shown(args)?;
        ensure!(!succeeded, "avn was expected to fail");
        Ok(said)
    }

    fn shown(&self, args: &[&str]) -> anyhow::Result<(bool, String)> {
        let words = args
            .iter()
            .map(|it| if it.contains(' ') { format!("'{it}'") } else { (*it).to_owned() });
        command(&format!("avn {}", words.collect::<Vec<_>>().join(" ")));
        let (succeeded, said) = self.quietly(args)?;
        answer(&said);
        Ok((succeeded, said))
    }

    /// Runs it and shows nothing.
    pub(crate) fn quietly(&self, args: &[&str]) -> anyhow::Result<(bool, String)> {
        interrupt::check()?;
        let program = &self.program;
        let envs = self.env.iter().map(|(name, value)| (name, value));
        let output = cmd!(self.sh, "{program} {args...}")
            .envs(envs)
            .env_remove("AIVEN_CREDENTIALS_FILE")
            .quiet()
            .ignore_status()
            .output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8_lossy(&said).trim().to_owned()))
    }
}

impl Demo<'_> {
    /// A request to the REST proxy with curl.
    pub(super) fn rest(
        &self,
        method: &'static str,
        path: &str,
        token: Option<&str>,
        body: Option<(&str, &str)>,
    ) -> anyhow::Result<Response> {
        let mut shown = format!("curl -X {method} {}{path}", self.at.rest);
        if token.is_some() {
            shown.push_str(" -H \"Authorization: Bearer $TOKEN\"");
        }
        if let Some((content_type, body)) = body {
            shown = format!("{shown} -H 'Content-Type: {content_type}' -d '{body}'");
        }
        command(&shown);
        let response = self.rest_quietly(method, path, token, body)?;
        answer(&format!("{} {}", response.status, response.body));
        Ok(response)
    }

    /// The same, and shows nothing.
    pub(super) fn rest_quietly(
        &self,
        method: &'static str,
        path: &str,
        token: Option<&str>,
        body: Option<(&str, &str)>,
    ) -> anyhow::Result<Response> {
        interrupt::check()?;
        let mut request = Request::new(method, format!("{}{path}", self.at.rest));
        if let Some(token) = token {
            request = request.header("Authorization", &format!("Bearer {token}"));
        }
        match body {
            Some((content_type, body)) => request = request.body(content_type, body),
            None if method == "GET" => request = request.header("Accept", JSON_RECORDS),
            None => {}
        }
        request.send(self.sh)
    }

    /// A token by client credentials, with what else the form asks for.
    pub(super) fn token(&self, client: &str, wishes: &str) -> anyhow::Result<String> {
        let form = format!(
            "grant_type=client_credentials&client_id={client}&client_secret={client}-secret{wishes}"
        );
        let request = Request::new("POST", self.at.token_url.as_str());
        let answer =
            request.body("application/x-www-form-urlencoded", form).send(self.sh)?.json()?;
        match answer["access_token"].as_str() {
            Some(token) => Ok(token.to_owned()),
            None => bail!("the identity provider gave no token: {answer}"),
        }
    }

    /// Asks until it is so, and says how long that took.
    pub(super) fn within(
        &self,
        limit: Duration,
        mut is_so: impl FnMut(&Self) -> anyhow::Result<bool>,
    ) -> anyhow::Result<Duration> {
        let started = Instant::now();
        while !is_so(self)? {
            ensure!(started.elapsed() < limit, "not within {} s", limit.as_secs());
            interrupt::sleep(Duration::from_millis(50))?;
        }
        Ok(started.elapsed())
    }
}

/// Records whose values are JSON.
pub(super) const JSON_RECORDS: &str = "application/vnd.kafka.json.v2+json";
/// Everything else that the proxy reads.
pub(super) const JSON: &str = "application/vnd.kafka.v2+json";
