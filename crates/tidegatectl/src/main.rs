//! The program `tidegatectl`.

use std::process::ExitCode;

use clap::Parser as _;
use tidegatectl::{Cli, Exit, run};

#[tokio::main]
async fn main() -> ExitCode {
    // clap itself ends with 2 if it makes no sense of the arguments.
    match run(Cli::parse()).await {
        Ok(exit) => exit.into(),
        Err(error) => {
            complain(&error);
            Exit::Failed.into()
        }
    }
}

#[expect(clippy::print_stderr, reason = "this is a command-line tool")]
fn complain(error: &anyhow::Error) {
    eprintln!("tidegatectl: {error:#}");
}
