//! Getting a JWKS over HTTP, from a server that may be slow, broken or hostile.

use std::time::Duration;

use futures::future::BoxFuture;
use model::IdpUrl;
use reqwest::header::{ACCEPT, CACHE_CONTROL, HeaderMap};
use reqwest::{Client, Response, redirect};

use crate::error::JwksError;
use crate::key_set::{JwksReport, KeySet};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer that is read.
const MAX_BODY: usize = 256 * 1024;

/// Where keys come from. Tests have their own.
pub(crate) trait KeySource: Send + Sync + 'static {
    /// Gets what is published now. Ends on its own within a few seconds.
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, JwksError>>;

    /// For people: where that is.
    fn name(&self) -> &str;
}

/// An answer with status 200.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) body: Vec<u8>,
    /// How long it is fresh, if it says.
    pub(crate) max_age: Option<Duration>,
}

/// Gets the keys at `url` once, under the same rules as a [`crate::Verifier`], and tells what each
/// is worth.
pub async fn probe_jwks(url: &IdpUrl) -> Result<JwksReport, JwksError> {
    let source = HttpSource::new(url.clone()).map_err(JwksError::Client)?;
    let fetched = source.get().await?;
    KeySet::read(&fetched.body).map(|(_, report)| report)
}

/// A JWKS address.
pub(crate) struct HttpSource {
    client: Client,
    url: IdpUrl,
}

impl HttpSource {
    /// No I/O yet. The client follows no redirect and knows no proxy: it talks to the configured
    /// address or to nobody.
    pub(crate) fn new(url: IdpUrl) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent("tidegate")
            .build()?;
        Ok(Self { client, url })
    }

    async fn get(&self) -> Result<Fetched, JwksError> {
        let request = self
            .client
            .get(self.url.url().clone())
            .header(ACCEPT, "application/jwk-set+json, application/json");
        let response = request.send().await.map_err(transport)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(JwksError::Redirect(status.as_u16()));
        }
        if status.as_u16() != 200 {
            return Err(JwksError::Status(status.as_u16()));
        }
        let max_age = max_age(response.headers());
        Ok(Fetched { body: read_body(response).await?, max_age })
    }
}

impl KeySource for HttpSource {
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, JwksError>> {
        Box::pin(self.get())
    }

    fn name(&self) -> &str {
        self.url.url().host_str().unwrap_or_default()
    }
}

/// Reads the body piece by piece, and stops when it is too much whatever its headers promised.
async fn read_body(mut response: Response) -> Result<Vec<u8>, JwksError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(transport)? {
        if body.len() + piece.len() > MAX_BODY {
            return Err(JwksError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn transport(error: reqwest::Error) -> JwksError {
    if error.is_timeout() {
        return JwksError::Timeout;
    }
    // A query string may hold a key of the operator.
    JwksError::Unreachable(error.without_url())
}

fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let mut directives = headers.get(CACHE_CONTROL)?.to_str().ok()?.split(',');
    directives
        .find_map(|it| it.trim().strip_prefix("max-age=")?.parse().ok())
        .map(Duration::from_secs)
}
