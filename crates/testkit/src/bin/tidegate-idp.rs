//! The development identity provider. **Not for production**: it hands out broken tokens on
//! request, and its secrets are in its source.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use testkit::issuer::Issuer;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

/// Development identity provider: discovery, JWKS and client credentials.
#[derive(Debug, Parser)]
#[command(name = "tidegate-idp", version)]
struct Options {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// `iss` of the tokens, and base of the published addresses (default: `http://` and the address).
    #[arg(long)]
    issuer: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    testkit::init_logs();

    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = listener.local_addr()?;
    let url = options.issuer.unwrap_or_else(|| format!("http://{address}"));
    let issuer = Issuer::new(&url)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    info!(%address, issuer = url, "listening");
    axum::serve(listener, issuer.router())
        .with_graceful_shutdown(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await?;
    Ok(())
}
