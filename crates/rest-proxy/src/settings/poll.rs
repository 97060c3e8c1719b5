//! Following the control plane by a long poll.

use std::path::PathBuf;
use std::time::Duration;

use http::header::{ETAG, HeaderName, IF_NONE_MATCH};
use http::{HeaderValue, Method, StatusCode};
use model::RestSettings;
use reqwest::Url;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Settings;
use super::control_plane::{CallError, ControlPlane};

/// Seconds that the control plane may hold a request back while nothing changes.
const WAIT: &str = "wait=20";
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

/// Keeps `settings` as the control plane says, until `stop` is cancelled. Whatever goes wrong, the
/// last good settings stay in force and the next attempt comes within two seconds.
pub async fn follow(settings: Settings, config: PollConfig, stop: CancellationToken) {
    let poll = async {
        let control_plane = ControlPlane::new(config);
        let mut poller = Poller { settings, control_plane, etag: None };
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
    control_plane: ControlPlane,
    etag: Option<HeaderValue>,
}

impl Poller {
    /// Asks once, and puts in force what came.
    async fn pass(&mut self) -> Result<(), CallError> {
        let mut request = self.control_plane.request(Method::GET, "settings").await?;
        if let Some(etag) = &self.etag {
            request =
                request.header(IF_NONE_MATCH, etag).header(HeaderName::from_static("prefer"), WAIT);
        }
        let response = request.send().await.map_err(CallError::Unreachable)?;
        match response.status() {
            StatusCode::NOT_MODIFIED => return Ok(()),
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(self.control_plane.refused()),
            status => return Err(CallError::Status(status)),
        }
        let etag = response.headers().get(ETAG).cloned();
        let body = response.bytes().await.map_err(CallError::Unreachable)?;
        let settings: RestSettings =
            serde_json::from_slice(&body).map_err(CallError::Unreadable)?;
        self.settings.apply(settings);
        if etag.is_none() {
            // Without it the next call would not wait.
            tokio::time::sleep(LONGEST_PAUSE).await;
        }
        self.etag = etag;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
