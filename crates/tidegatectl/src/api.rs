//! The control plane, asked with a token.

use std::time::Duration;

use anyhow::{Context as _, bail};
use model::Secret;
use reqwest::header::ACCEPT;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::Target;
use crate::render;
use crate::wire::Refusal;

const CONNECT: Duration = Duration::from_secs(10);
/// For an answer, not for a stream.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Beyond three heartbeats of the API, nobody is there.
const SILENCE: Duration = Duration::from_secs(35);

/// A project of a control plane.
pub(crate) struct Api {
    client: Client,
    base: Url,
    token: Secret,
    project: String,
}

/// What the API refused, in its own words and, if it has one, with its forecast.
#[derive(Debug, thiserror::Error)]
#[error("{status}: {message}")]
pub(crate) struct Refused {
    status: StatusCode,
    message: String,
}

impl Api {
    /// Finds the project out if it was not given.
    pub(crate) async fn open(target: &Target) -> anyhow::Result<Self> {
        let project = target.project.clone().unwrap_or_default();
        let mut api = Self::new(target.url.clone(), token(target)?, project)?;
        if target.project.is_none() {
            api.project = api.only_project().await?;
        }
        Ok(api)
    }

    pub(crate) fn new(base: Url, token: Secret, project: String) -> anyhow::Result<Self> {
        let client = Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE).build()?;
        Ok(Self { client, base, token, project })
    }

    async fn only_project(&self) -> anyhow::Result<String> {
        let answer = self.send(self.authorized(Method::GET, self.url(&["v1", "project"]))).await?;
        let projects = answer["projects"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names: Vec<&str> =
            projects.iter().filter_map(|it| it["project_name"].as_str()).collect();
        match names.as_slice() {
            [one] => Ok((*one).to_owned()),
            _ => bail!("which of the projects {}? say --project", names.join(", ")),
        }
    }

    /// Asks about rollouts of a service.
    pub(crate) async fn get(&self, service: &str, path: &[&str]) -> anyhow::Result<Value> {
        self.send(self.rollouts(Method::GET, service, path)).await
    }

    /// The latest rollouts of a service, newest first.
    pub(crate) async fn latest(&self, service: &str, limit: u32) -> anyhow::Result<Value> {
        let mut url = self.url(&self.path(service, &[]));
        url.query_pairs_mut().append_pair("limit", &limit.to_string());
        self.send(self.authorized(Method::GET, url)).await
    }

    /// Tells something about rollouts of a service.
    pub(crate) async fn post(
        &self,
        service: &str,
        path: &[&str],
        headers: &[(&'static str, String)],
        body: &Value,
    ) -> anyhow::Result<Value> {
        let mut request = self.rollouts(Method::POST, service, path).json(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        self.send(request).await
    }

    /// The events of a rollout as they happen, after the one of that id; `None` if there are no
    /// more.
    pub(crate) async fn follow(
        &self,
        service: &str,
        rollout: &str,
        last: Option<&str>,
    ) -> anyhow::Result<Option<Response>> {
        let mut request = self.rollouts(Method::GET, service, &[rollout, "events"]);
        request = request.header(ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.with_context(|| self.silent())?;
        match response.status() {
            StatusCode::NO_CONTENT => Ok(None),
            status if status.is_success() => Ok(Some(response)),
            _ => Err(refused(response).await.into()),
        }
    }

    fn rollouts(&self, method: Method, service: &str, path: &[&str]) -> RequestBuilder {
        self.authorized(method, self.url(&self.path(service, path)))
    }

    fn path<'a>(&'a self, service: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let mut parts = vec!["v1", "project", &self.project, "service", service, "rollouts"];
        parts.extend(more);
        parts
    }

    fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        // A base that holds no path, such as `mailto:`, fails when it is sent.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }

    fn authorized(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url).bearer_auth(self.token.expose())
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let response = request.timeout(TIMEOUT).send().await.with_context(|| self.silent())?;
        if response.status().is_success() {
            return response.json().await.context("the control plane answered no JSON");
        }
        Err(refused(response).await.into())
    }

    fn silent(&self) -> String {
        format!("the control plane at {} does not answer", self.base)
    }
}

/// A part of an answer.
pub(crate) fn part<T: DeserializeOwned>(answer: &Value, name: &str) -> anyhow::Result<T> {
    T::deserialize(&answer[name]).with_context(|| format!("the answer has no `{name}` that I know"))
}

async fn refused(response: Response) -> Refused {
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    let message = match serde_json::from_slice::<Refusal>(&body) {
        Ok(Refusal { message, forecast: None }) => message,
        Ok(Refusal { message, forecast: Some(forecast) }) => {
            format!("{message}\n\n{}", render::forecast(&forecast))
        }
        Err(_) => "the answer says no more".to_owned(),
    };
    Refused { status, message }
}

#[expect(clippy::disallowed_methods, reason = "the token is no option, which `ps` would show")]
fn token(target: &Target) -> anyhow::Result<Secret> {
    let text = match &target.token_file {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the token in {}", file.display()))?,
        None => std::env::var("TIDEGATE_TOKEN")
            .context("no token: set TIDEGATE_TOKEN or give --token-file")?,
    };
    match text.trim() {
        "" => bail!("the token is empty"),
        token => Ok(Secret::new(token.to_owned())),
    }
}

impl Refused {
    /// Whether asking again gives the same answer.
    pub(crate) fn is_final(&self) -> bool {
        self.status.is_client_error() && self.status != StatusCode::TOO_MANY_REQUESTS
    }
}
