//! The end-to-end suite: a fresh stack of its own, the tests against it, and its logs if one fails.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::api::{PROJECT, SERVICE};
use crate::dev::logs;
use crate::places::Places;
use crate::prerequisites;
use crate::process::last_lines;
use crate::stack::{Build, Stack};
use crate::suites::programs::{self, TestProgram};
use crate::suites::tally::Tally;
use crate::suites::{Bench, run_all};

/// The targets that need a running stack, in the order in which they run: `real` deletes credentials,
/// after which brokers of Kafka 4.3.1 that start again lose the others.
pub(super) const TARGETS: [&str; 3] = ["e2e", "real", "differential"];

/// Runs the suite beside a developer's own stack, and leaves nothing of it unless asked to.
pub(super) fn run(bench: &Bench<'_>, tally: &mut Tally) -> anyhow::Result<()> {
    let mut programs = Vec::new();
    for target in TARGETS {
        programs.extend(programs::build(bench.sh, &[target])?);
    }
    let places = bench.places.with_state(bench.places.target.join("e2e"));
    if let Some(left) = Stack::find(bench.sh, &places)? {
        left.reset()?;
    }
    let result = against_fresh_stack(bench, &places, &programs, tally);
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
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let stack = Stack::up(bench.sh, places, Build::UpToDate)?;
    let mut env = stack.addresses()?.variables();
    env.extend(test_variables(bench, places)?);
    run_all(programs, &env, &["--nocapture", "--test-threads=1"], tally)
}

/// What the tests need beyond what `dev env` prints.
fn test_variables(
    bench: &Bench<'_>,
    places: &Places,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let java = prerequisites::java(bench.sh).context("no java")?;
    let path = |path: &Path| path.display().to_string();
    let service = places.nodes().join(PROJECT).join(SERVICE);
    let figures = places.target.join("bench/e2e.json");
    bench.sh.create_dir(places.target.join("bench"))?;
    Ok(vec![
        ("TIDEGATE_TEST_FIGURES", path(&figures)),
        ("TIDEGATE_TEST_BOOTSTRAP_INTERNAL", internal_addresses(bench, &service)?),
        ("TIDEGATE_TEST_ADMIN_PASSWORD", admin_password(&service)?),
        ("TIDEGATE_TEST_JAVA", path(&java)),
        ("TIDEGATE_TEST_KAFKA_LIBS", path(&places.kafka_libs())),
        ("TIDEGATE_TEST_DIR", path(&places.state)),
        ("TIDEGATE_TEST_AVN", path(&places.avn())),
        ("TIDEGATE_TEST_XTASK", path(&std::env::current_exe()?)),
    ])
}

/// The INTERNAL listener of each node, from the configuration that it was started with.
fn internal_addresses(bench: &Bench<'_>, service: &Path) -> anyhow::Result<String> {
    let mut addresses = Vec::new();
    for node in bench.sh.read_dir(service)? {
        let revisions = bench.sh.read_dir(node.join("revisions")).unwrap_or_default();
        let files = revisions
            .iter()
            .filter_map(|it| fs::read_to_string(it.join("server.properties")).ok())
            .collect::<Vec<_>>();
        addresses.extend(files.into_iter().find_map(|text| internal_address(&text)));
    }
    anyhow::ensure!(!addresses.is_empty(), "no INTERNAL listener below {}", service.display());
    Ok(addresses.join(","))
}

fn internal_address(properties: &str) -> Option<String> {
    let listeners = properties.lines().find_map(|line| line.strip_prefix("listeners="))?;
    let internal = listeners.split(',').find_map(|it| it.trim().strip_prefix("INTERNAL://"))?;
    Some(internal.to_owned())
}

fn admin_password(service: &Path) -> anyhow::Result<String> {
    let path = service.join("1/secrets.properties");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("admin="));
    Ok(line.context("secrets.properties has the admin's password")?.trim().to_owned())
}

fn show_logs(bench: &Bench<'_>, places: &Places) {
    println!("\nlogs of the stack:");
    for (name, path) in logs::all(bench.sh, places) {
        println!("{name}: {}", last_lines(&path, 15));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_internal_listener() {
        let text = "node.id=1\nlisteners=CONTROLLER://127.0.0.1:1,INTERNAL://127.0.0.1:2\n";
        assert_eq!(internal_address(text).as_deref(), Some("127.0.0.1:2"));
        assert_eq!(internal_address("node.id=1"), None);
    }
}
