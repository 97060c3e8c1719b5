//! `cargo xtask test`: what has to pass before a change lands, quickest first.
#![allow(clippy::print_stdout, reason = "this is a command-line tool")]

mod end_to_end;
mod programs;
mod schemathesis;
mod tally;

use std::cell::OnceCell;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use xshell::{Shell, cmd};

use crate::flags;
use crate::places::Places;
use crate::suites::programs::TestProgram;
use crate::suites::tally::Tally;
use crate::throwaway::Throwaway;
use crate::{interrupt, prerequisites, sqlx};

/// A suite: its name, and what it runs.
type Suite = (&'static str, fn(&Bench<'_>, &mut Tally) -> anyhow::Result<()>);

const SUITES: [Suite; 9] = [
    ("fmt", |it, _| Ok(cmd!(it.sh, "cargo fmt --all --check").run()?)),
    ("clippy", |it, _| clippy(it.sh)),
    ("docs", |it, _| {
        let doc = cmd!(it.sh, "cargo doc --workspace --no-deps --document-private-items --locked");
        Ok(doc.env("RUSTDOCFLAGS", "-D warnings").run()?)
    }),
    ("unit", unit),
    ("store", |it, tally| it.with_postgres("store", tally)),
    ("api", |it, tally| it.with_postgres("control-plane", tally)),
    ("schemathesis", schemathesis::run),
    ("sqlx", |it, _| sqlx::refresh(it.sh, it.places, &it.postgres()?.url()?, true)),
    ("e2e", end_to_end::run),
];

/// What runs only by name: without one, the suite `e2e` has the browser tests among its own.
const BY_NAME: [Suite; 1] = [("console", end_to_end::console)];

/// Lints everything. `--all-targets` leaves out those that need a stack (`test = false`), and would
/// take no notice of their names beside it.
fn clippy(sh: &Shell) -> anyhow::Result<()> {
    let named = end_to_end::TARGETS.iter().flat_map(|name| ["--test", name]).collect();
    for targets in [vec!["--all-targets"], named] {
        let lint = cmd!(sh, "cargo clippy --workspace --locked {targets...} -- -D warnings");
        lint.run()?;
    }
    Ok(())
}

/// What the suites share: each piece is made when the first of them asks for it.
struct Bench<'a> {
    sh: &'a Shell,
    places: &'a Places,
    keep: bool,
    postgres: OnceCell<Throwaway<'a>>,
    programs: OnceCell<Vec<TestProgram>>,
}

/// How a suite ended.
struct Outcome {
    name: &'static str,
    passed: bool,
    tests: u64,
    secs: f64,
}

/// Runs the suites that were asked for, or all, and shows a table of them.
pub(crate) fn run(sh: &Shell, flags: &flags::Test) -> anyhow::Result<()> {
    let suites = || SUITES.into_iter().chain(BY_NAME);
    let names: Vec<&str> = suites().map(|(name, _)| name).collect();
    for name in &flags.suite {
        ensure!(names.contains(&name.as_str()), "no suite `{name}`, but {}", names.join(" "));
    }
    interrupt::catch()?;
    println!("prerequisites: {}", prerequisites::ensure(sh)?);
    let places = Places::new(sh, None)?;
    let keep = flags.keep;
    let bench =
        Bench { sh, places: &places, keep, postgres: OnceCell::new(), programs: OnceCell::new() };
    let (mut outcomes, mut tally) = (Vec::new(), Tally::default());
    for (name, suite) in suites() {
        let by_name = flags.suite.iter().any(|it| it == name);
        let by_default = flags.suite.is_empty() && !BY_NAME.iter().any(|(it, _)| *it == name);
        if !by_name && !by_default {
            continue;
        }
        let outcome = bench.run(name, suite, &mut tally);
        // What is not even formatted was not looked at: the rest would only take time.
        let stop = interrupt::asked() || (name == "fmt" && !outcome.passed);
        outcomes.push(outcome);
        if stop {
            break;
        }
    }
    interrupt::clear();
    drop(bench);
    report(&outcomes, &tally)
}

impl<'a> Bench<'a> {
    fn run(
        &self,
        name: &'static str,
        suite: fn(&Self, &mut Tally) -> anyhow::Result<()>,
        tally: &mut Tally,
    ) -> Outcome {
        println!("\n==== {name} ====");
        let (started, before) = (Instant::now(), tally.passed);
        let result = suite(self, tally);
        if let Err(error) = &result {
            println!("{name} failed: {error:#}");
        }
        let (passed, tests) = (result.is_ok(), tally.passed - before);
        Outcome { name, passed, tests, secs: started.elapsed().as_secs_f64() }
    }

    fn postgres(&self) -> anyhow::Result<&Throwaway<'a>> {
        if self.postgres.get().is_none() {
            let server =
                Throwaway::start(self.sh, self.places).context("Postgres for the tests")?;
            let _first = self.postgres.set(server);
        }
        self.postgres.get().context("it was just set")
    }

    /// Every test program of the workspace. They are built together, because cargo would build
    /// shared dependencies anew for each package that is asked for alone.
    fn programs(&self) -> anyhow::Result<&[TestProgram]> {
        if self.programs.get().is_none() {
            let _first = self.programs.set(programs::build(self.sh, &[])?);
        }
        Ok(self.programs.get().context("it was just set")?)
    }

    /// The programs of some packages.
    fn programs_of(&self, wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<TestProgram>> {
        let programs = self.programs()?.iter();
        Ok(programs.filter(|it| wanted(&it.package)).cloned().collect())
    }

    fn with_postgres(&self, package: &str, tally: &mut Tally) -> anyhow::Result<()> {
        let env = [("DATABASE_URL", self.postgres()?.url()?)];
        run_all(&self.programs_of(|it| it == package)?, &env, &[], tally)
    }
}

/// Everything that needs neither Postgres nor the stack, and the examples in the documents.
fn unit(bench: &Bench<'_>, tally: &mut Tally) -> anyhow::Result<()> {
    let alone = bench.programs_of(|package| !["store", "control-plane"].contains(&package))?;
    let programs = run_all(&alone, &[], &[], tally);
    let documents = programs::run_examples(bench.sh, tally)?;
    programs?;
    ensure!(documents, "an example in the documents failed");
    Ok(())
}

/// Runs all of them even if one fails.
fn run_all(
    programs: &[TestProgram],
    env: &[(&str, String)],
    args: &[&str],
    tally: &mut Tally,
) -> anyhow::Result<()> {
    ensure!(!programs.is_empty(), "no test program");
    let mut failed = Vec::new();
    for program in programs {
        interrupt::check()?;
        if !program.run(env, args, tally)? {
            failed.push(program.title());
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

fn report(outcomes: &[Outcome], tally: &Tally) -> anyhow::Result<()> {
    println!("\n{}", tally.lines.join("\n"));
    println!("\n{:<12} {:<7} {:>6} {:>8}", "suite", "result", "tests", "seconds");
    for Outcome { name, passed, tests, secs } in outcomes {
        let word = if *passed { "ok" } else { "FAILED" };
        println!("{name:<12} {word:<7} {tests:>6} {secs:>8.1}");
    }
    let total: f64 = outcomes.iter().map(|it| it.secs).sum();
    println!("{:<12} {:<7} {:>6} {total:>8.1}", "all", "", tally.passed);
    let failed: Vec<&str> = outcomes.iter().filter(|it| !it.passed).map(|it| it.name).collect();
    if !tally.lines.is_empty() {
        println!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.ignored);
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!("failed: {}", failed.join(", "))
}
