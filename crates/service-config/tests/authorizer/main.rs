//! What we say that Kafka allows, against Kafka's own `StandardAuthorizer`.
//!
//! Needs Java and Kafka's jars, in `TIDEGATE_TEST_JAVA` and `TIDEGATE_TEST_KAFKA_LIBS`;
//! `cargo xtask test --suite e2e` sets them. No broker: the class itself is asked (`Decide.java`).
#![expect(clippy::unwrap_used, reason = "a test that panics says where")]

mod worlds;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use model::{AclBinding, AclOperation, Principal, ResourceType};
use serde_json::{Value, json};
use service_config::access::{Question, allows, may_write_somewhere};

/// Who asks for what, from where.
#[derive(Debug)]
struct Ask {
    principal: &'static str,
    host: &'static str,
    /// What, of which kind and name, and to do what with it. `None`: whether there may be some topic to
    /// write to.
    resource: Option<(ResourceType, &'static str, AclOperation)>,
}

#[test]
fn kafka_allows_what_we_say_that_it_allows() {
    let (services, asks) = (worlds::of(400), asks());
    let answers = decide(&services, &asks);
    assert_eq!(answers.len(), services.len());
    let (mut allowed, mut refused) = (0_usize, 0_usize);
    for (bindings, answers) in services.iter().zip(&answers) {
        assert_eq!(answers.len(), asks.len());
        for (ask, answer) in asks.iter().zip(answers.bytes()) {
            let kafka = answer == b'1';
            assert_eq!(kafka, ours(bindings, ask), "Kafka says {kafka} to {ask:?} by {bindings:?}");
            *if kafka { &mut allowed } else { &mut refused } += 1;
        }
    }
    assert!(allowed > 40_000 && refused > 40_000, "{allowed} allowed, {refused} refused");
}

fn ours(bindings: &BTreeSet<AclBinding>, ask: &Ask) -> bool {
    let host: IpAddr = ask.host.parse().unwrap();
    let Some((resource_type, resource_name, operation)) = ask.resource else {
        return may_write_somewhere(bindings, ask.principal, Some(host));
    };
    let principal = ask.principal;
    let question =
        Question { principal, host: Some(host), operation, resource_type, resource_name };
    allows(bindings, question)
}

/// Everything that Kafka could be asked about a few resources, by a few principals from two hosts.
fn asks() -> Vec<Ask> {
    use ResourceType::{Cluster, Group, Topic, TransactionalId};
    let resources = [
        (Topic, "a"),
        (Topic, "ab"),
        (Topic, "b"),
        (Topic, "bab"),
        (Group, "a b"),
        (Group, "b"),
        (TransactionalId, "a"),
        (TransactionalId, "bb"),
        (Cluster, "kafka-cluster"),
    ];
    let principals = ["u", "v", "uv", "vv", "auth0|1", "Ünï cödé", Principal::REST_PROXY];
    let mut asked: Vec<_> = vec![None];
    for (resource_type, name) in resources {
        let operations = resource_type.operations().iter();
        asked.extend(operations.map(|&operation| Some((resource_type, name, operation))));
    }
    let whom = |host| principals.map(|principal| (principal, host));
    let whom = [whom("10.0.0.1"), whom("::1")];
    let whom = whom.as_flattened().iter();
    whom.flat_map(|&(principal, host)| {
        asked.iter().map(move |&resource| Ask { principal, host, resource })
    })
    .collect()
}

/// A variable that has to be there: a test that cannot run has failed.
fn variable(name: &str) -> PathBuf {
    let missing = || panic!("{name} is not set: see the head of tests/authorizer/main.rs");
    std::env::var_os(name).map_or_else(missing, PathBuf::from)
}

/// What Kafka's authorizer says: for each service a `0` or a `1` for each question.
fn decide(services: &[BTreeSet<AclBinding>], asks: &[Ask]) -> Vec<String> {
    let asks = asks.iter().map(asked).collect();
    let services = services.iter().map(|it| it.iter().map(bound).collect());
    let lines: Vec<String> =
        std::iter::once(asks).chain(services).map(|it: Value| it.to_string()).collect();
    let input = lines.join("\n");
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/authorizer/Decide.java");
    let mut java = Command::new(variable("TIDEGATE_TEST_JAVA"))
        .arg("-cp")
        .arg(variable("TIDEGATE_TEST_KAFKA_LIBS").join("*"))
        .args(["-Dfile.encoding=UTF-8", "-Xmx256m"])
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = java.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = java.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "the authorizer could not be asked: {}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn bound(binding: &AclBinding) -> Value {
    json!({
        "principal": binding.principal.to_string(),
        "host": binding.host.to_string(),
        "resource_type": binding.resource_type.as_str(),
        "resource_name": binding.resource_name,
        "pattern_type": binding.pattern_type.as_str(),
        "operation": binding.operation.as_str(),
        "permission_type": binding.permission_type.as_str(),
    })
}

fn asked(ask: &Ask) -> Value {
    let mut asked = json!({"principal": ask.principal, "host": ask.host});
    if let Some((resource_type, name, operation)) = ask.resource {
        asked["resource_type"] = resource_type.as_str().into();
        asked["resource_name"] = name.into();
        asked["operation"] = operation.as_str().into();
    }
    asked
}
