//! The one thing that a REST proxy needs of the control plane: its settings, which never change.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use clap::Args;
use model::{OidcSettings, OwnIdentity, RestConsumer, RestProducer, RestSettings, Secret};
use tokio::net::TcpListener;

const REVISION: &str = "\"1\"";
/// How long the real one holds a request back while nothing changes.
const WAIT: Duration = Duration::from_secs(20);

/// What a proxy is told.
#[derive(Args, Clone, Debug)]
pub struct SettingsStub {
    /// `host:port,...` of listeners for principals with tokens.
    #[arg(long)]
    pub bootstrap: String,
    /// The same for the proxy's own identity (SASL PLAIN).
    #[arg(long)]
    pub bootstrap_internal: Option<String>,
    /// `security.protocol` of both.
    #[arg(long, default_value = "SASL_PLAINTEXT")]
    pub security_protocol: String,
    /// The proxy's own identity.
    #[arg(long, default_value = " rest-proxy")]
    pub username: String,
    /// Its password, which is good for a throwaway node only.
    #[arg(long, env = "TIDEGATE_BENCH_PASSWORD", hide_env_values = true, default_value = "")]
    pub password: String,
    /// `kafka_rest_authorization`: a request needs a token.
    #[arg(long)]
    pub authorization: bool,
    /// Base address of the identity provider, which is its issuer too.
    #[arg(long)]
    pub issuer: Option<String>,
    /// `aud` of a good token.
    #[arg(long, default_value = crate::issuer::DEFAULT_AUDIENCE)]
    pub audience: String,
    /// The claim that becomes the principal.
    #[arg(long, default_value = "sub")]
    pub principal_claim: String,
}

impl SettingsStub {
    fn settings(&self) -> RestSettings {
        let list = |text: &str| text.split(',').map(str::to_owned).collect();
        let internal = self.bootstrap_internal.as_ref().unwrap_or(&self.bootstrap);
        RestSettings {
            bootstrap_client: list(&self.bootstrap),
            bootstrap_internal: list(internal),
            security_protocol: self.security_protocol.clone(),
            scram_mechanisms: Vec::new(),
            own_identity: OwnIdentity {
                username: self.username.clone(),
                password: Secret::new(self.password.clone()),
            },
            authorization: self.authorization,
            oidc: self.issuer.as_ref().map(|issuer| OidcSettings {
                jwks_url: format!("{issuer}/jwks"),
                issuer: issuer.clone(),
                audiences: vec![self.audience.clone()],
                principal_claim: self.principal_claim.clone(),
            }),
            watched_claims: Vec::new(),
            producer: RestProducer {
                acks: "all".to_owned(),
                compression_type: "none".to_owned(),
                linger_ms: 0,
                max_request_size: 1_048_576,
            },
            consumer: RestConsumer {
                enable_auto_commit: true,
                request_max_bytes: 67_108_864,
                request_timeout_ms: 1000,
                idle_disconnect_timeout: 0,
            },
        }
    }
}

/// Serves them until it is dropped.
pub async fn serve_settings(stub: &SettingsStub, listener: TcpListener) -> io::Result<()> {
    let settings: Arc<str> = serde_json::to_string(&stub.settings())?.into();
    let router = Router::new().route("/v1/rest-proxy/settings", get(show)).with_state(settings);
    axum::serve(listener, router).await
}

async fn show(State(settings): State<Arc<str>>, headers: HeaderMap) -> Response {
    if headers.get(IF_NONE_MATCH).is_some_and(|it| it == REVISION) {
        tokio::time::sleep(WAIT).await;
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(ETAG, REVISION), (CONTENT_TYPE, "application/json")], settings.to_string()).into_response()
}
