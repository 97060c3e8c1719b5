//! Following the control plane by a long poll.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http::header::{AUTHORIZATION, ETAG, HeaderName, IF_NONE_MATCH};
use http::{HeaderValue, StatusCode};
use model::{RestSettings, Secret};
use reqwest::{Client, Url};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Settings;

/// Seconds that the control plane may hold a request back while nothing changes.
const WAIT: &str = "wait=20";
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
/// A change has to be in force within two seconds, also one that was made while we could not ask.
const LONGEST_PAUSE: Duration = Duration::from_millis(1_500);

/// Where settings come from.
#[derive(Clone, Debug)]
pub struct PollConfig {
    /// Base URL of the control plane.
    pub control_plane: Url,
    /// File with our token. Read at the start, and whenever the token is refused.
    pub token_file: PathBuf,
}

#[derive(Debug, thiserror::Error)]
enum PollError {
    #[error("the token file cannot be read")]
    TokenFile(#[source] io::Error),
    #[error("the token file holds no token")]
    Token,
    #[error("the control plane cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the control plane refused our token")]
    Refused,
    #[error("the control plane answered {0}")]
    Status(StatusCode),
    #[error("the control plane sent settings that cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

/// Keeps `settings` as the control plane says, until `stop` is cancelled. Whatever goes wrong, the
/// last good settings stay in force and the next attempt comes within two seconds.
pub async fn follow(settings: Settings, config: PollConfig, stop: CancellationToken) {
    let poll = async {
        let mut poller = Poller { settings, config, client: None, token: None, etag: None };
        let mut pause = SHORTEST_PAUSE;
        let mut last = None;
        loop {
            match poller.pass().await {
                Ok(()) => (pause, last) = (SHORTEST_PAUSE, None),
                Err(error) => {
                    let text = error.to_string();
                    // One line for each kind of trouble, not one for each attempt.
                    if last.as_ref() != Some(&text) {
                        let error = &error as &dyn std::error::Error;
                        warn!(error, "cannot get settings from the control plane");
                        last = Some(text);
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = poll => {}
    }
}

struct Poller {
    settings: Settings,
    config: PollConfig,
    client: Option<Client>,
    token: Option<Secret>,
    etag: Option<HeaderValue>,
}

impl Poller {
    /// Asks once, and puts in force what came.
    async fn pass(&mut self) -> Result<(), PollError> {
        let client = self.client()?;
        let mut url = self.config.control_plane.clone();
        url.set_path(&format!("{}/v1/rest-proxy/settings", url.path().trim_end_matches('/')));
        let mut request = client.get(url).header(AUTHORIZATION, self.authorization().await?);
        if let Some(etag) = &self.etag {
            request =
                request.header(IF_NONE_MATCH, etag).header(HeaderName::from_static("prefer"), WAIT);
        }
        let response = request.send().await.map_err(PollError::Unreachable)?;
        match response.status() {
            StatusCode::NOT_MODIFIED => return Ok(()),
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => {
                self.token = None;
                return Err(PollError::Refused);
            }
            status => return Err(PollError::Status(status)),
        }
        let etag = response.headers().get(ETAG).cloned();
        let body = response.bytes().await.map_err(PollError::Unreachable)?;
        let settings: RestSettings =
            serde_json::from_slice(&body).map_err(PollError::Unreadable)?;
        self.settings.apply(settings);
        if etag.is_none() {
            // Without it the next call would not wait.
            tokio::time::sleep(LONGEST_PAUSE).await;
        }
        self.etag = etag;
        Ok(())
    }

    fn client(&mut self) -> Result<Client, PollError> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let client = Client::builder()
            .timeout(CALL_TIMEOUT)
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(PollError::Unreachable)?;
        Ok(self.client.insert(client).clone())
    }

    async fn authorization(&mut self) -> Result<HeaderValue, PollError> {
        let token = match &self.token {
            Some(token) => token,
            None => {
                let text = tokio::fs::read_to_string(&self.config.token_file)
                    .await
                    .map_err(PollError::TokenFile)?;
                self.token.insert(Secret::new(text.trim().to_owned()))
            }
        };
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|_| PollError::Token)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
