//! HTTP by `curl`, so that we need no client of our own. Everything is given on its standard input:
//! a token among the arguments would be shown to every user of the machine.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: &'static str,
    url: String,
    headers: Vec<String>,
    body: Option<String>,
}

/// Its answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// 0 if nobody answered.
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Request {
    /// A request without a body.
    pub(crate) fn new(method: &'static str, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: None }
    }

    /// Adds a header line.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(format!("{name}: {value}"));
        self
    }

    /// Gives it a body of that type.
    pub(crate) fn body(self, content_type: &str, body: impl Into<String>) -> Self {
        let mut this = self.header("Content-Type", content_type);
        this.body = Some(body.into());
        this
    }

    /// Sends it. Nobody there is an answer too, with status 0.
    pub(crate) fn send(&self, sh: &Shell) -> anyhow::Result<Response> {
        let config = self.config();
        let output = cmd!(sh, "curl --config -")
            .stdin(config)
            .env_remove("CURL_HOME")
            .quiet()
            .secret()
            .ignore_status()
            .ignore_stderr()
            .output()
            .context("running curl")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = text.rsplit_once('\n').unwrap_or(("", "0"));
        let status = status.trim().parse().unwrap_or(0);
        Ok(Response { status, body: body.to_owned() })
    }

    /// In the words of curl's configuration file.
    fn config(&self) -> String {
        let mut lines = format!(
            "silent\nno-buffer\nmax-time = 40\nconnect-timeout = 5\nnoproxy = \"*\"\nrequest = {}\nurl = {}\n",
            quote(self.method),
            quote(&self.url),
        );
        for header in &self.headers {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "header = {}", quote(header));
        }
        if let Some(body) = &self.body {
            let _ = writeln!(lines, "data-raw = {}", quote(body));
        }
        lines.push_str("write-out = \"\\n%{http_code}\"\n");
        lines
    }
}

impl Response {
    /// The body as JSON, if the status is one of success.
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        ensure!((200..300).contains(&self.status), "status {}: {}", self.status, self.body);
        serde_json::from_str(&self.body).with_context(|| format!("not JSON: {}", self.body))
    }
}

fn quote(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_curl_would_read_as_an_end() {
        assert_eq!(quote("a \"b\" \\ c\nd"), r#""a \"b\" \\ c\nd""#);
    }
}
