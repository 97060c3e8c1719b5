//! The logs of our programs.

use std::io;

use tracing_subscriber::EnvFilter;

/// Writes them to standard error, as `RUST_LOG` says, else from `info` on. To be called once.
pub fn init_logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .init();
}
