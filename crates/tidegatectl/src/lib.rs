//! The command line of an operator: rolling restarts of services, asked for, watched and steered
//! through the control plane's API.
//!
//! [`run`] is the entry point. What is shown is made of answers by pure functions (`render`), and
//! following a rollout (`watch`) is a fold over what the event stream and the answers say.
//!
//! **Invariant:** the token comes from the environment or from a file, never from an argument that
//! other users of the machine can see, and is never printed.

mod api;
mod cli;
mod commands;
mod moment;
mod render;
mod screen;
mod sse;
mod watch;
mod wire;

use std::process::ExitCode;

pub use crate::cli::Cli;
pub use crate::commands::run;

/// How the program ends. Wrong arguments are 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It was done; of `watch`: the rollout is done.
    Done,
    /// It was not; of `watch`: the rollout was rolled back, aborted, superseded, or stands.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Failed => Self::FAILURE,
        }
    }
}
