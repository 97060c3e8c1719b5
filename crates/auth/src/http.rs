//! Asking a server that may be slow, broken or hostile for a small JSON document.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use model::{IdpPolicy, IdpUrl};
use oauth2::{HttpRequest, HttpResponse};
use reqwest::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH,
};
use reqwest::{Client, Request, Response, StatusCode, redirect};

use crate::address::{Refused, Resolver, check_literal};
use crate::error::JwksError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer that is read.
const MAX_BODY: usize = 256 * 1024;
/// The longest `ETag` that is kept.
const MAX_ETAG: usize = 256;

/// A client for identity providers, and for nothing else.
#[derive(Clone)]
pub(crate) struct Web {
    client: Client,
    policy: Arc<IdpPolicy>,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web").finish_non_exhaustive()
    }
}

/// What a server says.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Status 200.
    Document(Document),
    /// Status 304: what we have is still right.
    Unchanged {
        /// How long it is fresh, if it says.
        fresh: Option<Duration>,
    },
}

/// The body of an answer, and what its header says of it.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) body: Vec<u8>,
    pub(crate) etag: Option<HeaderValue>,
    /// How long it is fresh, if it says.
    pub(crate) fresh: Option<Duration>,
}

impl Web {
    /// No I/O yet. The client follows no redirect, knows no proxy and no cookies, unpacks nothing:
    /// it talks to the configured address or to nobody.
    pub(crate) fn new(policy: Arc<IdpPolicy>) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .redirect(redirect::Policy::none())
            .dns_resolver(Resolver(Arc::clone(&policy)))
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .referer(false)
            .user_agent("tidegate")
            .build()?;
        Ok(Self { client, policy })
    }

    /// What URLs and addresses are acceptable.
    pub(crate) fn policy(&self) -> &IdpPolicy {
        &self.policy
    }

    /// Asks once. With `etag`, only for what is not known yet.
    pub(crate) async fn get(
        &self,
        url: &IdpUrl,
        accept: &'static str,
        etag: Option<&HeaderValue>,
    ) -> Result<Answer, JwksError> {
        check_literal(url.url(), &self.policy).map_err(|_| JwksError::Address)?;
        let mut request = self.client.get(url.url().clone()).header(ACCEPT, accept);
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = request.send().await.map_err(transport)?;
        let fresh = freshness(response.headers());
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if etag.is_some() => return Ok(Answer::Unchanged { fresh }),
            StatusCode::NOT_MODIFIED => return Err(JwksError::NotModified),
            status if status.is_redirection() => return Err(JwksError::Redirect(status.as_u16())),
            status => return Err(JwksError::Status(status.as_u16())),
        }
        let etag = response.headers().get(ETAG).filter(|it| it.len() <= MAX_ETAG).cloned();
        Ok(Answer::Document(Document { body: read_body(response).await?, etag, fresh }))
    }

    /// Sends a request as it is, once, and gives the answer whatever its status: for who reads what a
    /// refusal says. A redirect is an error, as everywhere.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, JwksError> {
        let request = Request::try_from(request).map_err(JwksError::Unreachable)?;
        check_literal(request.url(), &self.policy).map_err(|_| JwksError::Address)?;
        let response = self.client.execute(request).await.map_err(transport)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(JwksError::Redirect(status.as_u16()));
        }
        let kind = response.headers().get(CONTENT_TYPE).cloned();
        let mut answer = HttpResponse::new(read_body(response).await?);
        *answer.status_mut() = status;
        answer.headers_mut().extend(kind.map(|it| (CONTENT_TYPE, it)));
        Ok(answer)
    }

    /// Sends a form once, as this user, and gives the body of the answer.
    pub(crate) async fn post_form(
        &self,
        url: &IdpUrl,
        user: &str,
        password: &str,
        form: String,
    ) -> Result<Vec<u8>, JwksError> {
        check_literal(url.url(), &self.policy).map_err(|_| JwksError::Address)?;
        let request = self
            .client
            .post(url.url().clone())
            .basic_auth(user, Some(password))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        let response = request.send().await.map_err(transport)?;
        match response.status() {
            StatusCode::OK => read_body(response).await,
            status if status.is_redirection() => Err(JwksError::Redirect(status.as_u16())),
            status => Err(JwksError::Status(status.as_u16())),
        }
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
    if Refused::is_behind(&error) {
        return JwksError::Address;
    }
    if error.is_timeout() {
        return JwksError::Timeout;
    }
    // A query string may hold a key of the operator.
    JwksError::Unreachable(error.without_url())
}

/// How long an answer may be used without asking again: nothing if it must not be kept.
fn freshness(headers: &HeaderMap) -> Option<Duration> {
    let mut max_age = None;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().ok()?.split(',') {
            let (name, value) = directive.trim().split_once('=').unwrap_or((directive.trim(), ""));
            if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
                return Some(Duration::ZERO);
            }
            if name.eq_ignore_ascii_case("max-age") {
                max_age = value.trim_matches('"').parse().ok().map(Duration::from_secs);
            }
        }
    }
    max_age
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_an_answer_is_fresh() {
        let fresh = |text: &str| {
            let headers = [(CACHE_CONTROL, text.parse().unwrap())];
            freshness(&HeaderMap::from_iter(headers)).map(|it| it.as_secs())
        };
        assert_eq!(fresh("public, Max-Age=300, must-revalidate"), Some(300));
        assert_eq!(fresh("max-age=\"7\""), Some(7));
        assert_eq!(fresh("max-age=300, no-store"), Some(0));
        assert_eq!(fresh("no-cache"), Some(0));
        assert_eq!(fresh("max-age=x"), None);
        assert_eq!(fresh("s-maxage=9"), None);
        assert_eq!(freshness(&HeaderMap::new()), None);
    }
}
