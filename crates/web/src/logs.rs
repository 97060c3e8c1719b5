//! Where log lines go, and how they look.

use std::error::Error;

use tracing_subscriber::EnvFilter;

/// Starts logging to standard error. `RUST_LOG` filters (default `info`); `json` writes an object a
/// line instead of text. Call once, first thing.
pub fn init_logs(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        logs.json().flatten_event(true).init();
    } else {
        logs.with_ansi(false).with_target(false).init();
    }
}

/// An error with everything that caused it, on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
