//! `cargo xtask`: everything that a developer or CI does, by one name each.

mod addresses;
mod admin_login;
mod api;
mod bench;
mod daemon;
mod demo;
mod dev;
mod downloads;
mod flags;
mod graph;
mod http;
mod interrupt;
mod load;
mod loc;
mod mutants;
mod node_processes;
mod one_node;
mod places;
mod ports;
mod postgres;
mod prerequisites;
mod process;
mod progress;
mod rollout;
mod sources;
mod sqlx;
mod stack;
mod suites;
mod throwaway;

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use xshell::Shell;

/// A failure is told in words: a backtrace would only bury them.
#[expect(clippy::print_stderr, reason = "this is a command-line tool")]
fn main() -> ExitCode {
    let done = match flags::Xtask::from_env() {
        Ok(flags) => run(flags),
        Err(help) if help.is_help() => show(&help),
        Err(error) => error.exit(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whoever reads it may have read enough before its end: `cargo xtask --help | head`.
fn show(help: &xflags::Error) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{help}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the help"),
    }
}

fn run(flags: flags::Xtask) -> anyhow::Result<()> {
    let sh = Shell::new()?;
    let root = root()?;
    sh.change_dir(&root);
    match flags.subcommand {
        flags::XtaskCmd::Dev(flags) => dev::run(&sh, flags),
        flags::XtaskCmd::Demo(flags) => demo::run(&sh, flags),
        flags::XtaskCmd::Test(flags) => suites::run(&sh, &flags),
        flags::XtaskCmd::Bench(flags) => bench::run(&sh, &flags),
        flags::XtaskCmd::Sqlx(flags) => sqlx::run(&sh, flags.check),
        flags::XtaskCmd::Graph(_) => graph::show(&sh),
        flags::XtaskCmd::Mutants(flags) => mutants::run(&sh, &root, flags.only.as_deref()),
        flags::XtaskCmd::Loc(_) => loc::show(&root),
    }
}

/// The workspace. Cargo says at run time which clone this is: two of them can share a target folder,
/// and so this program.
fn root() -> anyhow::Result<PathBuf> {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    xtask.parent().map(Path::to_path_buf).context("xtask is in a workspace")
}
