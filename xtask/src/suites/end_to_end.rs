//! The end-to-end suite and the browser tests: a fresh stack of their own, the tests against it, and
//! its logs if one fails.

use std::path::Path;

use anyhow::Context as _;

use crate::admin_login;
use crate::dev::logs;
use crate::downloads;
use crate::places::Places;
use crate::prerequisites;
use crate::process::last_lines;
use crate::stack::{Build, Stack};
use crate::suites::programs::{self, TestProgram};
use crate::suites::tally::Tally;
use crate::suites::{Bench, run_all};

/// The targets that need a running stack or Kafka's jars, in the order in which they run: `real`
/// deletes credentials, after which brokers of Kafka 4.3.1 that start again lose the others.
pub(super) const TARGETS: [&str; 5] = ["authorizer", "e2e", CONSOLE, "real", "differential"];

/// The target that has the browser tests.
const CONSOLE: &str = "console";

/// Names and values for the environment of the tests.
type Variables = Vec<(&'static str, String)>;

/// Runs all of them beside a developer's own stack, and leaves nothing of it unless asked to.
pub(super) fn run(bench: &Bench<'_>, tally: &mut Tally) -> anyhow::Result<()> {
    // Said before minutes have passed.
    prerequisites::go(bench.sh)?;
    prerequisites::browser(bench.sh)?;
    on_fresh_stack(bench, "e2e", &TARGETS, test_variables, tally)
}

/// The same with the browser tests alone.
pub(super) fn console(bench: &Bench<'_>, tally: &mut Tally) -> anyhow::Result<()> {
    prerequisites::browser(bench.sh)?;
    on_fresh_stack(bench, "e2e-console", &[CONSOLE], browser_variables, tally)
}

fn on_fresh_stack(
    bench: &Bench<'_>,
    folder: &str,
    targets: &[&str],
    variables: fn(&Bench<'_>, &Places) -> anyhow::Result<Variables>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let mut programs = Vec::new();
    for target in targets {
        programs.extend(programs::build(bench.sh, &[target])?);
    }
    let places = bench.places.with_state(bench.places.target.join(folder));
    if let Some(left) = Stack::find(bench.sh, &places)? {
        left.reset()?;
    }
    let result = against_fresh_stack(bench, &places, &programs, variables, tally);
    if result.is_err() {
        show_logs(bench, &places);
    }
    let stack = Stack::find(bench.sh, &places)?;
    if bench.keep {
        println!("the stack runs on: {} down", places.dev());
    } else if let Some(stack) = stack {
        crate::interrupt::clear();
        if result.is_ok() { stack.reset()? } else { stack.down()? }
    }
    result
}

fn against_fresh_stack(
    bench: &Bench<'_>,
    places: &Places,
    programs: &[TestProgram],
    variables: fn(&Bench<'_>, &Places) -> anyhow::Result<Variables>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let stack = Stack::up(bench.sh, places, Build::UpToDate)?;
    let mut env = stack.addresses()?.variables();
    env.extend(variables(bench, places)?);
    run_all(programs, &env, &["--nocapture", "--test-threads=1"], tally)
}

/// What the tests need beyond what `dev env` prints.
fn test_variables(bench: &Bench<'_>, places: &Places) -> anyhow::Result<Variables> {
    let java = prerequisites::java(bench.sh).context("no java")?;
    let figures = places.target.join("bench/e2e.json");
    bench.sh.create_dir(places.target.join("bench"))?;
    let mut variables = browser_variables(bench, places)?;
    variables.extend([
        ("TIDEGATE_TEST_FIGURES", path(&figures)),
        ("TIDEGATE_TEST_BOOTSTRAP_INTERNAL", admin_login::addresses(bench.sh, places)?),
        ("TIDEGATE_TEST_ADMIN_PASSWORD", admin_login::password(places)?),
        ("TIDEGATE_TEST_JAVA", path(&java)),
        ("TIDEGATE_TEST_KAFKA_LIBS", path(&places.kafka_libs())),
        ("TIDEGATE_TEST_DIR", path(&places.state)),
        ("TIDEGATE_TEST_AVN", path(&places.avn())),
        ("TIDEGATE_TEST_AVN_4_15", path(&downloads::old_avn(bench.sh, places)?)),
        ("TIDEGATE_TEST_PYTHON", path(&downloads::confluent_kafka(bench.sh, places)?)),
        ("TIDEGATE_TEST_GO", path(&prerequisites::go(bench.sh)?)),
        ("TIDEGATE_TEST_XTASK", path(&std::env::current_exe()?)),
    ]);
    Ok(variables)
}

/// What the browser tests need beyond what `dev env` prints.
fn browser_variables(bench: &Bench<'_>, places: &Places) -> anyhow::Result<Variables> {
    let browser = prerequisites::browser(bench.sh)?;
    Ok(vec![
        ("TIDEGATE_TEST_CHROMIUM", path(&browser.chromium)),
        ("TIDEGATE_TEST_CHROMEDRIVER", path(&browser.chromedriver)),
        ("TIDEGATE_TEST_AXE", path(&downloads::axe(bench.sh, places)?)),
        ("TIDEGATE_TEST_SCREENSHOTS", path(&places.target.join("console"))),
    ])
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn show_logs(bench: &Bench<'_>, places: &Places) {
    println!("\nlogs of the stack:");
    for (name, path) in logs::all(bench.sh, places) {
        println!("{name}: {}", last_lines(&path, 15));
    }
}
