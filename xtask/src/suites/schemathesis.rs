//! The API against its own document: `schemathesis` makes up requests, right and wrong, for
//! every operation, and looks at what comes back.
//!
//! There is no Kafka and no orchestrator, so what needs them answers 503, as documented. What is
//! asked and what counts as a finding is in `crates/control-plane/tests/schemathesis/`.

mod server;
mod summary;

use std::fs;
use std::path::Path;
use std::process::Output;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::downloads;
use crate::http::Request;
use crate::interrupt;
use crate::suites::Bench;
use crate::suites::schemathesis::server::Server;
use crate::suites::schemathesis::summary::Summary;
use crate::suites::tally::Tally;

/// What schemathesis is told, relative to the checkout.
const RULES: &str = "crates/control-plane/tests/schemathesis";
/// Is asked about everything.
const SERVICE: &str = "my-kafka";
/// Is asked to go.
const DOOMED: &str = "to-terminate";
/// What schemathesis counts.
const REPORT: &str = "report.json";

/// Ids of things that were made, for paths.
struct Known {
    rollout: String,
    kafka_acl: String,
}

/// Starts the control plane on a database that has a project, tokens and two services, and lets
/// schemathesis at it. What it saw is left in `target/schemathesis`.
pub(super) fn run(bench: &Bench<'_>, _: &mut Tally) -> anyhow::Result<()> {
    let (sh, places) = (bench.sh, bench.places);
    let program = downloads::schemathesis(sh, places)?;
    // Not xtask itself: it runs right now, and needs none of the others' features.
    let binary = "tidegate-control-plane";
    cmd!(sh, "cargo build --workspace --exclude xtask --locked --bin {binary}").quiet().run()?;
    let home = places.target.join("schemathesis");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    fs::create_dir_all(&home)?;
    let mut server = Server::start(sh, places, &bench.postgres()?.url()?, &home)?;
    for name in [SERVICE, DOOMED] {
        make_service(sh, &server, name)?;
    }
    let known = Known { rollout: rollout(sh, &server)?, kafka_acl: make_kafka_acl(sh, &server)? };
    interrupt::check()?;
    let ended = ask(sh, &program, &places.root.join(RULES), &server, &known, &home)?;
    server.check_alive()?;
    // Without it, and without the token, nothing would have been looked at.
    rollout(sh, &server).context("what was asked about is gone")?;
    let said = String::from_utf8_lossy(&ended.stdout);
    fs::write(home.join("output.txt"), said.as_bytes())?;
    let report = fs::read_to_string(home.join(REPORT)).with_context(|| {
        let errors = String::from_utf8_lossy(&ended.stderr);
        format!("no report was written: {}\n{}", said.trim(), errors.trim())
    })?;
    let summary = Summary::read(&serde_json::from_str(&report)?)?;
    if !ended.status.success() {
        println!("{said}");
    }
    println!("{summary}\nreport: {}", home.display());
    summary.check()?;
    ensure!(ended.status.success(), "schemathesis failed ({})", ended.status);
    Ok(())
}

/// Runs schemathesis in `home`, where it leaves what it keeps.
fn ask(
    sh: &Shell,
    program: &Path,
    rules: &Path,
    server: &Server,
    known: &Known,
    home: &Path,
) -> anyhow::Result<Output> {
    let config = rules.join("schemathesis.toml");
    let url = format!("{}/v1/openapi.json", server.url());
    let _folder = sh.push_dir(home);
    cmd!(sh, "{program} --config-file {config} run {url}")
        .args(["--report", "json,junit", "--report-dir", ".", "--report-json-path", REPORT])
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", rules)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("TIDEGATE_SCHEMATHESIS_TOKEN", server.token())
        .env("TIDEGATE_SCHEMATHESIS_TOKEN_TO_EXPIRE", server.token_to_expire())
        .env("TIDEGATE_SCHEMATHESIS_TOKEN_TO_REVOKE", server.token_to_revoke())
        .env("TIDEGATE_SCHEMATHESIS_ROLLOUT", &known.rollout)
        .env("TIDEGATE_SCHEMATHESIS_KAFKA_ACL", &known.kafka_acl)
        .quiet()
        .ignore_status()
        .output()
        .context("running schemathesis")
}

fn make_service(sh: &Shell, server: &Server, name: &str) -> anyhow::Result<()> {
    let body = json!({
        "service_name": name, "service_type": "kafka", "plan": "business-4",
        "user_config": { "kafka_rest": true, "kafka_authentication_methods": { "sasl": true } },
    });
    let url = format!("{}/v1/project/dev/service", server.url());
    let request = authorized(Request::new("POST", url), server);
    let request = request.body("application/json", body.to_string());
    request.send(sh)?.json().with_context(|| format!("making the service {name}"))?;
    Ok(())
}

/// Gives the entry's id.
fn make_kafka_acl(sh: &Shell, server: &Server) -> anyhow::Result<String> {
    let body = json!({
        "principal": "User:alice", "resource_type": "Topic", "resource_name": "orders",
        "pattern_type": "LITERAL", "operation": "Read", "permission_type": "ALLOW",
    });
    let url = format!("{}/v1/project/dev/service/{SERVICE}/kafka/acl", server.url());
    let request = authorized(Request::new("POST", url), server);
    let answer = request.body("application/json", body.to_string()).send(sh)?.json()?;
    let id = answer["acl"]["id"].as_str();
    Ok(id.with_context(|| format!("no id: {answer}"))?.to_owned())
}

/// The rollout with which the service comes up. It never ends, for want of an orchestrator.
fn rollout(sh: &Shell, server: &Server) -> anyhow::Result<String> {
    let url = format!("{}/v1/project/dev/service/{SERVICE}/rollouts", server.url());
    let answer: Value = authorized(Request::new("GET", url), server).send(sh)?.json()?;
    let id = answer["rollouts"][0]["id"].as_str();
    Ok(id.with_context(|| format!("no rollout: {answer}"))?.to_owned())
}

fn authorized(request: Request, server: &Server) -> Request {
    request.header("Authorization", &format!("Bearer {}", server.token()))
}
