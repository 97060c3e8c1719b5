//! The test programs that cargo builds, and running one of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use xshell::Shell;

use crate::suites::tally::Tally;

/// The tests of one target of one package.
#[derive(Clone, Debug)]
pub(super) struct TestProgram {
    pub(super) package: String,
    pub(super) target: String,
    executable: PathBuf,
    folder: PathBuf,
}

/// Builds the tests of the whole workspace and lists their programs. Those that need a running
/// stack are not among them unless `named`: their manifests say `test = false`.
pub(super) fn build(sh: &Shell, named: &[&str]) -> anyhow::Result<Vec<TestProgram>> {
    let output = cargo(sh)
        .args(["test", "--workspace", "--locked", "--no-run"])
        .args(named.iter().flat_map(|name| ["--test", name]))
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the tests do not build ({})", output.status);
    let messages = String::from_utf8(output.stdout)?;
    let mut programs: Vec<TestProgram> =
        messages.lines().filter_map(|line| program(&serde_json::from_str(line).ok()?)).collect();
    programs.sort_by_key(TestProgram::title);
    Ok(programs)
}

/// The examples in the documents. Cargo builds and runs them by itself.
pub(super) fn run_examples(sh: &Shell, tally: &mut Tally) -> anyhow::Result<bool> {
    let mut command = cargo(sh);
    command.args(["test", "--workspace", "--locked", "--doc"]);
    followed(&mut command, tally)
}

fn cargo(sh: &Shell) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(sh.current_dir());
    command
}

fn program(message: &Value) -> Option<TestProgram> {
    let is_test = message["profile"]["test"].as_bool()?;
    let executable = message["executable"].as_str().filter(|_| is_test)?;
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?;
    Some(TestProgram {
        package: folder.file_name()?.to_str()?.to_owned(),
        target: message["target"]["name"].as_str()?.to_owned(),
        executable: executable.into(),
        folder: folder.to_owned(),
    })
}

impl TestProgram {
    /// Names it in output.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.package, self.target)
    }

    /// Runs it where cargo would run it. Whether it passed.
    pub(super) fn run(
        &self,
        env: &[(&str, String)],
        args: &[&str],
        tally: &mut Tally,
    ) -> anyhow::Result<bool> {
        println!("\n     Running {} ({})", self.title(), self.executable.display());
        let mut command = Command::new(&self.executable);
        command
            .args(args)
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .envs(env.iter().map(|(name, value)| (name, value)));
        followed(&mut command, tally)
    }
}

/// Runs a program and shows its output. Whether it succeeded.
fn followed(command: &mut Command, tally: &mut Tally) -> anyhow::Result<bool> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    tally.follow(child.stdout.take().context("its output")?)?;
    Ok(child.wait()?.success())
}
