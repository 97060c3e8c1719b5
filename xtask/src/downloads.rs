//! What is fetched once and shared by all stacks: Kafka's jars, avn, schemathesis and axe.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::{Shell, cmd};

use crate::places::Places;
use crate::process::run_silently;
use crate::progress::Part;

/// The client that the demo and the end-to-end tests use.
const AVN: &str = "aiven-client==4.18.0";
/// The last one that asks for `service_types` instead of `service-types`.
const OLD_AVN: &str = "aiven-client==4.15.0";
/// A client on librdkafka with libcurl, for which the snippets of `connection_info` are.
const CONFLUENT_KAFKA: &str = "confluent-kafka==2.16.1";
/// What the API is tried with. Another version makes up other requests.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// Kafka's jars, as `deploy/kafka/pom.xml` names them.
pub(crate) fn kafka_libs(sh: &Shell, places: &Places) -> anyhow::Result<()> {
    let part = Part::new("kafka jars");
    let pom = places.root.join("deploy/kafka/pom.xml");
    let libs = places.kafka_libs();
    let fetched = once(&libs, &fs::read_to_string(&pom)?, || {
        part.waits_for("mvn dependency:copy-dependencies");
        let to = format!("-DoutputDirectory={}", libs.display());
        let copy = cmd!(sh, "mvn -q -B -f {pom} dependency:copy-dependencies {to}");
        run_silently(copy)
    })?;
    let count = fs::read_dir(&libs)?.count() - 1;
    part.done(&format!("{count} jars, {}", if fetched { "fetched" } else { "already there" }));
    Ok(())
}

/// The `avn` of an environment of its own.
pub(crate) fn avn(sh: &Shell, places: &Places) -> anyhow::Result<()> {
    python_tool(sh, "avn", AVN, &places.venv())
}

/// An older `avn`, of an environment of its own. Gives its path.
pub(crate) fn old_avn(sh: &Shell, places: &Places) -> anyhow::Result<PathBuf> {
    let venv = places.cache.join("avn-4.15");
    python_tool(sh, "avn 4.15", OLD_AVN, &venv)?;
    Ok(venv.join("bin/avn"))
}

/// A `python` that has confluent-kafka. Gives its path.
pub(crate) fn confluent_kafka(sh: &Shell, places: &Places) -> anyhow::Result<PathBuf> {
    let venv = places.cache.join("confluent-kafka");
    python_tool(sh, "confluent-kafka", CONFLUENT_KAFKA, &venv)?;
    Ok(venv.join("bin/python"))
}

/// The `schemathesis` of an environment of its own. Gives its path.
pub(crate) fn schemathesis(sh: &Shell, places: &Places) -> anyhow::Result<PathBuf> {
    let venv = places.cache.join("schemathesis");
    python_tool(sh, "schemathesis", SCHEMATHESIS, &venv)?;
    Ok(venv.join("bin/schemathesis"))
}

/// The accessibility checker axe, as the browser tests' `package-lock.json` names it. Gives the path
/// of its script.
pub(crate) fn axe(sh: &Shell, places: &Places) -> anyhow::Result<PathBuf> {
    let part = Part::new("axe");
    let source = places.root.join("crates/testkit/tests/console");
    let folder = places.cache.join("axe");
    let recipe = fs::read_to_string(source.join("package-lock.json"))?;
    let fetched = once(&folder, &recipe, || {
        part.waits_for("npm ci");
        for file in [".npmrc", "package.json", "package-lock.json"] {
            fs::copy(source.join(file), folder.join(file))?;
        }
        let _there = sh.push_dir(&folder);
        run_silently(cmd!(sh, "npm ci --ignore-scripts --no-audit --no-fund"))
    })?;
    part.done(if fetched { "axe-core, fetched" } else { "axe-core, already there" });
    Ok(folder.join("node_modules/axe-core/axe.min.js"))
}

/// Makes `venv` a Python environment that has `package` and what it needs.
fn python_tool(sh: &Shell, name: &'static str, package: &str, venv: &Path) -> anyhow::Result<()> {
    let part = Part::new(name);
    // The scripts of an environment hold its path.
    let stamp = format!("{package}\n{}\n", venv.display());
    let fetched = once(venv, &stamp, || {
        part.waits_for(&format!("pip install {package}"));
        run_silently(cmd!(sh, "python3 -m venv {venv}"))?;
        let pip = venv.join("bin/pip");
        let install = cmd!(sh, "{pip} install --quiet --disable-pip-version-check {package}");
        run_silently(install)
    })?;
    part.done(&format!("{package}, {}", if fetched { "fetched" } else { "already there" }));
    Ok(())
}

/// Fills a folder unless it was filled from the same `recipe` before. A half-filled one is emptied.
pub(crate) fn once(
    folder: &Path,
    recipe: &str,
    fill: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let stamp = folder.join(".complete");
    if fs::read_to_string(&stamp).is_ok_and(|it| it == recipe) {
        return Ok(false);
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    fill()?;
    fs::write(&stamp, recipe).with_context(|| format!("writing {}", stamp.display()))?;
    Ok(true)
}
