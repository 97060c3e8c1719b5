//! What can be asked for.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use reqwest::Url;

/// Operates services of Tidegate.
///
/// The API token is read from `TIDEGATE_TOKEN` or from `--token-file`. Ends with 0 if it was done (of
/// `watch`: the rollout is done), 1 if not (rolled back, aborted, superseded, halted), 2 if the
/// arguments make no sense.
#[derive(Debug, Parser)]
#[command(name = "tidegatectl", version)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where, and as whom.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// Base URL of the control plane.
    #[arg(long, env = "TIDEGATE_URL", default_value = "http://127.0.0.1:8080", global = true)]
    pub(crate) url: Url,
    /// The project. If the token opens one only, that one.
    #[arg(long, env = "TIDEGATE_PROJECT", global = true)]
    pub(crate) project: Option<String>,
    /// File with the API token, in place of `TIDEGATE_TOKEN`.
    #[arg(long, global = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// Print what the API answers, for programs. `watch` prints one event a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Rolling restarts.
    #[command(subcommand)]
    Rollout(RolloutCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RolloutCommand {
    /// Shows a rollout.
    Status(OneRollout),
    /// Lists rollouts, newest first.
    List {
        /// Name of the service.
        service: String,
        /// How many at most.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Follows a rollout until it has ended, or stands because a node failed.
    Watch(OneRollout),
    /// Shows what a rollout would make unavailable, and for how long. Changes nothing.
    Forecast(Plan),
    /// Starts a rollout.
    Start(Start),
    /// Touches no further node until told to go on.
    Pause {
        #[command(flatten)]
        which: OneRollout,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Who says so.
        #[arg(long)]
        name: Option<String>,
    },
    /// Goes on after a pause or a failed node.
    Resume(OneRollout),
    /// Ends it at the next node, and leaves nodes as they are.
    Abort(OneRollout),
    /// Brings every node back to the configuration that was good last.
    Rollback(OneRollout),
    /// Agrees to what it makes unavailable.
    Consent {
        #[command(flatten)]
        which: OneRollout,
        /// Who agrees.
        #[arg(long)]
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Give the partitions more replicas for the time of the rollout, where there are nodes
        /// for them, instead of an outage.
        #[arg(long)]
        raise_replication: bool,
    },
    /// Does not wait for the maintenance window.
    StartNow(OneRollout),
}

/// Which rollout.
#[derive(Debug, Args)]
pub(crate) struct OneRollout {
    /// Name of the service.
    pub(crate) service: String,
    /// Id of the rollout; the latest of the service if not given.
    #[arg(long)]
    pub(crate) rollout: Option<String>,
}

/// A rollout that might be.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Name of the service.
    pub(crate) service: String,
    /// Restart nodes that run the service's configuration, too.
    #[arg(long)]
    pub(crate) all_nodes: bool,
    /// How many nodes may be away at once, where partitions and quorum allow it.
    #[arg(long)]
    pub(crate) max_unavailable: Option<u32>,
    /// How long all has to have been well after the first node, in seconds.
    #[arg(long)]
    pub(crate) canary_bake: Option<u32>,
    /// How long all has to have been well after any other node, in seconds.
    #[arg(long)]
    pub(crate) soak: Option<u32>,
}

/// A rollout that shall be.
#[derive(Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    pub(crate) plan: Plan,
    /// Wait for the service's maintenance window.
    #[arg(long)]
    pub(crate) in_window: bool,
    /// Who agrees to what the forecast says.
    #[arg(long, value_name = "NAME", requires = "reason")]
    pub(crate) consent: Option<String>,
    /// Why they agree.
    #[arg(long, value_name = "TEXT", requires = "consent")]
    pub(crate) reason: Option<String>,
    /// Give partitions more replicas for the time of the rollout, instead of an outage.
    #[arg(long, requires = "consent")]
    pub(crate) raise_replication: bool,
    /// Names the request: repeated with the same key, it starts nothing more.
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// The service's generation that you have seen: refused if it has changed since.
    #[arg(long)]
    pub(crate) generation: Option<i64>,
    /// Follow it, as `watch` does.
    #[arg(long)]
    pub(crate) watch: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_make_sense_to_clap() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn consent_needs_a_reason_and_the_other_way_round() {
        let start = |more: &[&str]| {
            let args = ["tidegatectl", "rollout", "start", "my-kafka"].iter().chain(more);
            Cli::try_parse_from(args).map(drop).map_err(|it| it.exit_code())
        };
        assert_eq!(start(&["--consent", "ann", "--reason", "night"]), Ok(()));
        assert_eq!(start(&["--consent", "ann"]), Err(2));
        assert_eq!(start(&["--reason", "night"]), Err(2));
        assert_eq!(start(&["--raise-replication"]), Err(2));
    }

    #[test]
    fn a_token_is_no_argument() {
        let args = ["tidegatectl", "--token", "secret", "rollout", "list", "my-kafka"];
        assert!(Cli::try_parse_from(args).is_err());
    }
}
