//! Calls to the control plane, with our token.

use std::io;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, StatusCode};
use model::Secret;
use reqwest::{Client, RequestBuilder};

use super::PollConfig;

const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Why the control plane did not do its part.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
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
    #[error("the report cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
}

/// A client of the control plane. For one task.
pub(crate) struct ControlPlane {
    config: PollConfig,
    client: Option<Client>,
    token: Option<Secret>,
}

impl ControlPlane {
    pub(crate) const fn new(config: PollConfig) -> Self {
        Self { config, client: None, token: None }
    }

    /// A request for `path`, below `/v1/rest-proxy`, with our token.
    pub(crate) async fn request(
        &mut self,
        method: Method,
        path: &str,
    ) -> Result<RequestBuilder, CallError> {
        let client = self.client()?;
        let mut url = self.config.control_plane.clone();
        url.set_path(&format!("{}/v1/rest-proxy/{path}", url.path().trim_end_matches('/')));
        Ok(client.request(method, url).header(AUTHORIZATION, self.authorization().await?))
    }

    /// Reads the token anew before the next request: it was refused.
    pub(crate) fn refused(&mut self) -> CallError {
        self.token = None;
        CallError::Refused
    }

    fn client(&mut self) -> Result<Client, CallError> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let client = Client::builder()
            .timeout(CALL_TIMEOUT)
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(CallError::Unreachable)?;
        Ok(self.client.insert(client).clone())
    }

    async fn authorization(&mut self) -> Result<HeaderValue, CallError> {
        let token = match &self.token {
            Some(token) => token,
            None => {
                let text = tokio::fs::read_to_string(&self.config.token_file)
                    .await
                    .map_err(CallError::TokenFile)?;
                self.token.insert(Secret::new(text.trim().to_owned()))
            }
        };
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|_| CallError::Token)?;
        value.set_sensitive(true);
        Ok(value)
    }
}
