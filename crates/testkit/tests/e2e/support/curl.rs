//! HTTP by curl. What is secret goes to its standard input, not to its arguments.

use std::fmt::Write as _;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::Stack;

/// The media type of records whose values are JSON.
const JSON_RECORDS: &str = "application/vnd.kafka.json.v2+json";
/// The media type of everything else that the proxy reads.
const JSON: &str = "application/vnd.kafka.v2+json";

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// 0 if there was none.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A request.
pub(crate) struct Request {
    config: String,
}

impl Request {
    pub(crate) fn new(method: &str, url: &str) -> Self {
        Self { config: String::new() }.set("request", method).set("url", url)
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.set("header", &format!("{name}: {value}"))
    }

    pub(crate) fn body(self, media_type: &str, body: &str) -> Self {
        self.header("Content-Type", media_type).set("data-raw", body)
    }

    /// A parameter of a form.
    pub(crate) fn form(self, name: &str, value: &str) -> Self {
        self.set("data-urlencode", &format!("{name}={value}"))
    }

    fn set(mut self, option: &str, value: &str) -> Self {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        // Writing to a String cannot fail.
        let _ = writeln!(self.config, "{option} = \"{value}\"");
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let options = ["--silent", "--include", "--http1.1", "--max-time", "60", "--noproxy", "*"];
        let mut child = Command::new("curl")
            .args(options)
            .args(["--header", "Expect:", "--config", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("cannot run curl");
        let mut stdin = child.stdin.take().expect("its input");
        stdin.write_all(self.config.as_bytes()).await.expect("curl reads its configuration");
        drop(stdin);
        let output = child.wait_with_output().await.expect("curl ends");
        Answer::parse(&String::from_utf8_lossy(&output.stdout))
    }
}

impl Answer {
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|it| it.split(' ').nth(1)?.parse().ok());
        let headers = lines.filter_map(|it| it.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        Self { status: status.unwrap_or(0), headers: headers.collect(), body: body.to_owned() }
    }

    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("no JSON: {error}: {} {}", self.status, self.body))
    }

    /// Expects a status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

impl Stack {
    /// A request to the control plane, below `/v1`.
    pub(crate) async fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = Request::new(method, &format!("{}/v1{path}", self.url))
            .header("Authorization", &format!("aivenv1 {}", self.token));
        let request = match body {
            Some(body) => request.body("application/json", &body.to_string()),
            None => request,
        };
        request.send().await
    }

    /// A request to the REST proxy that has no body.
    pub(crate) async fn rest(&self, method: &str, path: &str, token: Option<&str>) -> Answer {
        self.rest_request(method, path, token).header("Accept", JSON_RECORDS).send().await
    }

    /// A request with a body about consumers.
    pub(crate) async fn rest_post(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        self.rest_request("POST", path, token).body(JSON, &body.to_string()).send().await
    }

    /// Writes one record whose value is JSON.
    pub(crate) async fn rest_produce(
        &self,
        topic: &str,
        token: Option<&str>,
        value: &Value,
    ) -> Answer {
        let body = serde_json::json!({ "records": [{ "value": value }] });
        let request = self.rest_request("POST", &format!("/topics/{topic}"), token);
        request.body(JSON_RECORDS, &body.to_string()).send().await
    }

    fn rest_request(&self, method: &str, path: &str, token: Option<&str>) -> Request {
        let request = Request::new(method, &format!("{}{path}", self.rest));
        match token {
            Some(token) => request.header("Authorization", &format!("Bearer {token}")),
            None => request,
        }
    }
}
