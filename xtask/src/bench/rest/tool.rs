//! `tidegate-bench`: started, waited for, its report read.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::daemon::bound_to_us;
use crate::interrupt;
use crate::process::last_lines;

/// The program, and where its output goes.
#[derive(Clone, Debug)]
pub(super) struct Tool {
    pub(super) program: PathBuf,
    pub(super) folder: PathBuf,
}

/// One that runs. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    report: PathBuf,
    errors: PathBuf,
}

/// What it measured.
#[derive(Clone, Debug)]
pub(super) struct Report(Value);

impl Tool {
    /// Runs it to its end.
    pub(super) fn run(&self, args: &[String]) -> anyhow::Result<Report> {
        self.start("tool", args)?.finish()
    }

    /// Starts it. Two at a time need different names.
    pub(super) fn start(&self, name: &str, args: &[String]) -> anyhow::Result<Running> {
        let report = self.folder.join(format!("{name}.out"));
        let errors = self.folder.join(format!("{name}.err"));
        let child = bound_to_us(&self.program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(File::create(&report)?)
            .stderr(File::create(&errors)?)
            .spawn()
            .context("starting tidegate-bench")?;
        Ok(Running { child, report, errors })
    }
}

impl Running {
    /// Waits for its end and gives its report.
    pub(super) fn finish(mut self) -> anyhow::Result<Report> {
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            interrupt::sleep(Duration::from_millis(50))?;
        };
        ensure!(status.success(), "tidegate-bench: {status}\n{}", last_lines(&self.errors, 10));
        read(&self.report)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It ended already, or nobody wants its report.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn read(path: &Path) -> anyhow::Result<Report> {
    let text = fs::read_to_string(path)?;
    if text.trim().is_empty() {
        return Ok(Report(Value::Null));
    }
    let report = serde_json::from_str(text.trim());
    Ok(Report(report.with_context(|| format!("tidegate-bench printed no report: {text}"))?))
}

impl Report {
    /// One of its numbers, `a.b` for one within.
    pub(super) fn number(&self, name: &str) -> anyhow::Result<f64> {
        let value = name.split('.').fold(&self.0, |value, key| &value[key]);
        value.as_f64().with_context(|| format!("the report has no `{name}`: {}", self.0))
    }

    /// Per second of its window.
    pub(super) fn rate(&self, name: &str) -> anyhow::Result<f64> {
        Ok(self.number(name)? / self.number("seconds")?)
    }

    /// CPU seconds of a process for a million of `name`.
    pub(super) fn cpu_per_million(&self, process: &str, name: &str) -> anyhow::Result<f64> {
        let count = self.number(name)?;
        Ok(self.number(&format!("cpu.{process}"))? * 1e6 / count.max(1.0))
    }

    /// How many requests or records failed, and how the first did.
    pub(super) fn failures(&self) -> (u64, Option<String>) {
        let count = self.0["failures"].as_u64().unwrap_or(0);
        let disordered = self.0["out_of_order"].as_u64().unwrap_or(0);
        let first = self.0["first_failure"].as_str().map(str::to_owned);
        let first = first.or_else(|| (count > 0).then(|| "a record skipped or twice".to_owned()));
        let first = first.or_else(|| (disordered > 0).then(|| "out of order".to_owned()));
        (count + disordered, first)
    }

    /// Cores that were stolen, and that others of this machine took.
    pub(super) fn noise(&self) -> (f64, f64) {
        let number = |name: &str| self.0[name].as_f64().unwrap_or(0.0);
        (number("stolen"), number("foreign"))
    }
}
