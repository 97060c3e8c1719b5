//! One HTTP client for the whole load, and the look at each answer: a failure has to be a clean one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use testkit::issuer::TokenRequest;

use super::super::{Answer, Stack};

const RECORDS: &str = "application/vnd.kafka.json.v2+json";
const OTHER: &str = "application/vnd.kafka.v2+json";
/// Longer than the proxy's own limit: it has to answer before.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    wish: TokenRequest,
    token: Mutex<String>,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There was no whole answer.
    Broken(String),
    /// An answer as it should be: status and `error_code`.
    Clean(u16, u64),
    /// Some records were stored and some were not, and may be sent again.
    Partly,
    /// An answer that says too little, or that nobody may give.
    Unclean(String),
}

impl Failure {
    /// Names it where failures are counted.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Broken(_) => "broken".to_owned(),
            Self::Clean(status, code) => format!("{status} {code}"),
            Self::Partly => "partly".to_owned(),
            Self::Unclean(what) => format!("unclean: {what}"),
        }
    }
}

impl Client {
    pub(super) async fn new(stack: &Stack, wish: TokenRequest) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        let token = Mutex::new(stack.token(&wish).await);
        Self { http: http.build().expect("a client"), base: stack.rest.clone(), wish, token }
    }

    pub(super) fn token(&self) -> String {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gets a newer token. `Err` is what the identity provider says instead.
    pub(super) async fn renew(&self, stack: &Stack) -> Result<(), Answer> {
        let token = stack.try_token(&self.wish).await?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
        Ok(())
    }

    /// Asks once. `Null` is an answer without a body.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let records = path.starts_with("/topics") || path.contains("/records");
        let media = if records { RECORDS } else { OTHER };
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        request = request.bearer_auth(self.token()).header("Accept", media);
        if let Some(body) = body {
            request = request.header("Content-Type", media).body(body.to_string());
        }
        let answer = request.send().await.map_err(|it| broken(&it))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(|it| broken(&it))?;
        let json = serde_json::from_slice(&body);
        match json {
            Ok(body) if status == StatusCode::OK => Ok(body),
            _ if status == StatusCode::NO_CONTENT && body.is_empty() => Ok(Value::Null),
            json => Err(failure(status, &headers, json.ok().as_ref(), &body)),
        }
    }
}

fn broken(error: &reqwest::Error) -> Failure {
    use std::error::Error as _;
    let source = error.source().map(ToString::to_string);
    Failure::Broken(format!("{error}: {}", source.unwrap_or_default()))
}

/// A failure, which is clean if it tells all that is promised.
fn failure(
    status: StatusCode,
    headers: &reqwest::header::HeaderMap,
    json: Option<&Value>,
    body: &[u8],
) -> Failure {
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let told = json.and_then(|it| it["message"].as_str()?.split_whitespace().next());
    let code = json.and_then(|it| it["error_code"].as_u64());
    let complete = match status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            header("retry-after").parse::<u32>().is_ok()
        }
        StatusCode::UNAUTHORIZED => header("www-authenticate").starts_with("Bearer"),
        other => other.is_client_error(),
    };
    let offsets = json.and_then(|it| it["offsets"].as_array());
    let unstored = |it: &&Value| it["offset"].is_null();
    if let (StatusCode::UNPROCESSABLE_ENTITY, Some(offsets)) = (status, offsets)
        && offsets.iter().filter(unstored).all(|it| it["error_code"] == 2)
    {
        return Failure::Partly;
    }
    match code {
        Some(code) if complete && told.is_some() => Failure::Clean(status.as_u16(), code),
        _ => {
            let text = String::from_utf8_lossy(body);
            Failure::Unclean(format!(
                "{} {}",
                status.as_u16(),
                text.chars().take(300).collect::<String>()
            ))
        }
    }
}
