//! `cargo xtask mutants`: breaks each rule of the rolling restarts once, in a copy of the sources, and
//! sees to it that a test fails.
#![allow(clippy::print_stdout, reason = "this is a command-line tool")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use xshell::{Shell, cmd};

/// The list of mutants, in the sources.
const LIST: &str = "crates/orchestrator/tests/simulator/mutants.txt";
/// What the copy needs of the sources.
const COPIED: [&str; 7] =
    [".cargo", ".sqlx", "Cargo.toml", "Cargo.lock", "crates", "migrations", "xtask"];
/// How many histories the simulator plays against each mutant.
const HISTORIES: &str = "1500";

/// One rule, broken.
#[derive(Debug, PartialEq, Eq)]
struct Mutant {
    name: String,
    file: PathBuf,
    text: String,
    replacement: String,
}

/// What a mutant met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// An example of the planner failed.
    Example,
    /// A law of the planner failed.
    Law,
    /// The simulator failed.
    Simulator,
    Missed,
}

/// Tries all of them, or those whose name contains a word, and prints a table.
pub(crate) fn run(sh: &Shell, root: &Path, only: Option<&str>) -> anyhow::Result<()> {
    let list = fs::read_to_string(root.join(LIST)).context(LIST)?;
    let mut mutants = parse(&list)?;
    mutants.retain(|it| only.is_none_or(|only| it.name.contains(only)));
    ensure!(!mutants.is_empty(), "no mutant has that name");
    for it in &mutants {
        let source = root.join(&it.file);
        let source = fs::read_to_string(&source).with_context(|| source.display().to_string())?;
        let found = source.matches(&it.text).count();
        ensure!(found > 0, "`{}`: its text is not in {} any more", it.name, it.file.display());
    }
    let copy = sh.create_temp_dir()?;
    for name in COPIED.iter().filter(|it| root.join(it).exists()) {
        let (from, to) = (root.join(name), copy.path().join(name));
        cmd!(sh, "cp -a {from} {to}").quiet().run()?;
    }
    let _inside = sh.push_dir(copy.path());
    ensure!(suite(sh)? == Outcome::Missed, "the tests fail without any mutant");
    let mut missed = Vec::new();
    println!("{:<60} {:<10} {:>7}", "mutant", "caught by", "seconds");
    for it in &mutants {
        let started = Instant::now();
        let path = copy.path().join(&it.file);
        let original = fs::read_to_string(&path)?;
        fs::write(&path, original.replacen(&it.text, &it.replacement, 1))?;
        let outcome = suite(sh).with_context(|| it.name.clone())?;
        fs::write(&path, &original)?;
        let word = match outcome {
            Outcome::Example => "example",
            Outcome::Law => "law",
            Outcome::Simulator => "simulator",
            Outcome::Missed => "MISSED",
        };
        println!("{:<60} {word:<10} {:>7.1}", it.name, started.elapsed().as_secs_f64());
        if outcome == Outcome::Missed {
            missed.push(it.name.as_str());
        }
    }
    if missed.is_empty() {
        return Ok(());
    }
    bail!("{} of {} missed: {}", missed.len(), mutants.len(), missed.join("; "))
}

/// Runs the quick tests first: most mutants do not survive them.
fn suite(sh: &Shell) -> anyhow::Result<Outcome> {
    let suites: [(Outcome, &[&str], &[&str]); 3] = [
        (Outcome::Example, &["-p", "rolling", "--lib"], &["--skip", "laws::", "--skip", "large::"]),
        (Outcome::Simulator, &["-p", "orchestrator", "--test", "simulator"], &[]),
        (Outcome::Law, &["-p", "rolling", "--lib"], &["laws::", "large::"]),
    ];
    for (outcome, args, tests) in suites {
        let built =
            cmd!(sh, "cargo test --offline --quiet --no-run {args...}").env("SQLX_OFFLINE", "true");
        let built = built.quiet().ignore_status().ignore_stdout().output()?;
        let why = String::from_utf8_lossy(&built.stderr);
        ensure!(built.status.success(), "it does not compile:\n{why}");
        let test = cmd!(sh, "cargo test --offline --quiet {args...} -- {tests...}")
            .env("SQLX_OFFLINE", "true")
            .env("SIMULATOR_HISTORIES", HISTORIES)
            .env("PROPTEST_MAX_SHRINK_ITERS", "0");
        let test = test.quiet().ignore_status().ignore_stdout().ignore_stderr().output()?;
        if !test.status.success() {
            return Ok(outcome);
        }
    }
    Ok(Outcome::Missed)
}

fn parse(list: &str) -> anyhow::Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for part in list.split("\n# ").skip(1) {
        let what = || format!("mutant `{}`", part.lines().next().unwrap_or_default());
        let (name, rest) = part.split_once('\n').with_context(what)?;
        let (file, rest) = rest.split_once("\n<<<\n").with_context(what)?;
        let (text, rest) = rest.split_once("\n===\n").with_context(what)?;
        let replacement = match rest.split_once("\n>>>") {
            _ if rest.starts_with(">>>") => "",
            Some((replacement, _)) => replacement,
            None => bail!("{}: no end", what()),
        };
        mutants.push(Mutant {
            name: name.to_owned(),
            file: file.into(),
            text: text.to_owned(),
            replacement: replacement.to_owned(),
        });
    }
    Ok(mutants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_a_name_a_file_a_text_and_its_replacement() {
        let list = "words\n\n# no soak\na/b.rs\n<<<\n    x\n    y\n===\n    z\n>>>\n\n# gone\nc.rs\n<<<\nq\n===\n>>>\n";
        let mutant = |name: &str, file: &str, text: &str, replacement: &str| Mutant {
            name: name.into(),
            file: file.into(),
            text: text.into(),
            replacement: replacement.into(),
        };
        let expected = vec![
            mutant("no soak", "a/b.rs", "    x\n    y", "    z"),
            mutant("gone", "c.rs", "q", ""),
        ];
        assert_eq!(parse(list).unwrap(), expected);
    }

    #[test]
    fn each_mutant_of_the_list_still_has_its_text() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for it in parse(&fs::read_to_string(root.join(LIST)).unwrap()).unwrap() {
            let source = fs::read_to_string(root.join(&it.file)).unwrap();
            assert!(source.contains(&it.text), "{}", it.name);
        }
    }
}
