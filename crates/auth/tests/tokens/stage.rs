//! What every test here needs: a server for key sets, and verifiers that ask it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auth::{IssuerConfig, Verifier, VerifierConfig};
use axum::Router;
use axum::routing::get;
use model::{IdpPolicy, IdpUrl, UrlPolicy};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::forge::Forge;

/// A key set at an address of the loopback interface, until this is dropped.
pub(crate) struct Stage {
    pub(crate) jwks_url: String,
    asked: Arc<AtomicUsize>,
    _server: JoinSet<()>,
}

impl Stage {
    pub(crate) async fn serve(jwks: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let jwks_url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, body) = (Arc::clone(&asked), jwks.to_string());
        let router = Router::new().route(
            "/jwks",
            get(async move || {
                count.fetch_add(1, Ordering::SeqCst);
                body.clone()
            }),
        );
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { jwks_url, asked, _server: server }
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// The four values by which the forge's tokens are good.
pub(crate) fn forged(forge: &Forge, stage: &Stage) -> IssuerConfig {
    issuer(forge.issuer.url(), &["my-audience", "another-audience"], "custom-sub", stage)
}

pub(crate) fn issuer(
    issuer: &str,
    audiences: &[&str],
    principal_claim: &str,
    stage: &Stage,
) -> IssuerConfig {
    let url = IdpUrl::parse(&stage.jwks_url, UrlPolicy::HttpOnLoopback).unwrap();
    IssuerConfig {
        issuer: issuer.to_owned(),
        audiences: audiences.iter().map(|&it| it.to_owned()).collect(),
        principal_claim: principal_claim.to_owned(),
        keys: url.into(),
    }
}

pub(crate) fn verifier(issuers: Vec<IssuerConfig>, remembered_tokens: usize) -> Verifier {
    let config = VerifierConfig {
        issuers,
        policy: IdpPolicy::new(true, Vec::new()),
        times: auth::KeyTimes::default(),
        remembered_tokens,
    };
    Verifier::new(config).unwrap()
}
