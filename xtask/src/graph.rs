//! Which of our crates uses which. A new edge is a change of the architecture, so a test shows it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::Value;
use xshell::{Shell, cmd};

/// Prints the edges.
#[expect(clippy::print_stdout, reason = "this is a command-line tool")]
pub(crate) fn show(sh: &Shell) -> anyhow::Result<()> {
    println!("{}", render(sh)?);
    Ok(())
}

/// One line for each of our crates: its name, and those of ours that it uses outside of tests.
fn render(sh: &Shell) -> anyhow::Result<String> {
    let metadata =
        cmd!(sh, "cargo metadata --no-deps --format-version 1 --locked").quiet().read()?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists packages")?;
    let mut uses: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        let ours =
            uses.entry(package["name"].as_str().context("a package has a name")?).or_default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["kind"].is_null() && dependency["path"].is_string() {
                ours.extend(dependency["name"].as_str());
            }
        }
        ours.sort_unstable();
    }
    let line = |(name, uses): (&&str, &Vec<&str>)| format!("{name} -> {}", uses.join(" "));
    Ok(uses.iter().map(line).map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_between_our_crates() {
        insta::assert_snapshot!(render(&Shell::new().unwrap()).unwrap(), @"
        auth -> model
        console -> model
        control-plane -> auth console kafka model observe rolling service-config store web
        kafka -> model
        model ->
        observe -> kafka model rolling
        orchestrator -> auth kafka model observe rolling service-config store web
        rest-proxy -> auth kafka model web
        rolling -> model
        service-config -> model
        store -> model rolling
        testkit -> kafka model
        tidegatectl -> model
        web -> model
        xtask ->
        ");
    }
}
