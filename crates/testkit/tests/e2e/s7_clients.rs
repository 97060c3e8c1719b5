//! Step 7: what other programs are told and need: the snippets of `connection_info`, Aiven's own
//! Go client, and what nodes use.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{Console, Stack, required, wait_until};

const CLIENT: &str = "alice";
/// Writes and reads by the properties in a file, as any program on librdkafka would.
const BY_PROPERTIES: &str = r##"
import sys
lines = [it.strip() for it in open(sys.argv[1])]
config = dict(it.split("=", 1) for it in lines if it and not it.startswith("#"))
"##;

/// Two samples, and what a machine that is busy adds.
const SAMPLED: Duration = Duration::from_secs(90);

/// The snippets of the service.
async fn snippets(stack: &Stack) -> Value {
    let path = format!("/project/{}/service/{}/connection_info", stack.project, stack.service);
    stack.api("GET", &path, None).await.expect(200).json()["connection_info"]["snippets"].clone()
}

/// A snippet, ready for use by a client of the identity provider.
fn filled(stack: &Stack, snippets: &Value, client: &str, topic: &str) -> String {
    let text = snippets[client].as_str().unwrap_or_else(|| panic!("no {client} in {snippets}"));
    let text = text
        .replace("<CLIENT_ID>", CLIENT)
        .replace("<CLIENT_SECRET>", &format!("{CLIENT}-secret"))
        .replace("<TOKEN_ENDPOINT_URL>", &stack.token_url)
        .replace("<TOPIC>", topic)
        .replace("<GROUP>", &stack.name(client));
    assert!(!text.contains("=<") && !text.contains("\"<"), "a placeholder is left: {text}");
    text
}

/// What a program prints, if it succeeds.
async fn run(program: &Path, args: &[&Path]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(args).env("NO_PROXY", "*").stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|it| it.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(text(&output.stdout) + &text(&output.stderr))
}

/// What the client may do to the topic and to groups of this test, and no more.
async fn allow(stack: &Stack, topic: &str) {
    let path = format!("/project/{}/service/{}/kafka/acl", stack.project, stack.service);
    for (resource_type, name, pattern_type, operation) in [
        ("Topic", topic, "LITERAL", "Read"),
        ("Topic", topic, "LITERAL", "Write"),
        ("Group", stack.run.as_str(), "PREFIXED", "Read"),
    ] {
        let entry = json!({
            "principal": format!("User:{CLIENT}"), "permission_type": "ALLOW",
            "resource_type": resource_type, "resource_name": name, "pattern_type": pattern_type,
            "operation": operation,
        });
        stack.api("POST", &path, Some(&entry)).await.expect(200);
    }
}

async fn disallow(stack: &Stack, topic: &str) {
    let path = format!("/project/{}/service/{}/kafka/acl", stack.project, stack.service);
    let listed = stack.api("GET", &path, None).await.expect(200).json();
    let ours =
        |it: &&Value| it["resource_name"] == topic || it["resource_name"] == stack.run.as_str();
    for entry in listed["kafka_acl"].as_array().unwrap().iter().filter(ours) {
        let id = entry["id"].as_str().unwrap();
        stack.api("DELETE", &format!("{path}/{id}"), None).await.expect(200);
    }
}

#[tokio::test]
async fn the_snippets_write_a_record_and_read_it() {
    let stack = Stack::new();
    stack.with_oidc().await;
    let topic = stack.name("snippets");
    stack.topic(&topic, 1).await;
    allow(&stack, &topic).await;
    let snippets = snippets(&stack).await;
    let python = std::path::PathBuf::from(required("TIDEGATE_TEST_PYTHON"));

    let program = filled(&stack, &snippets, "python", &topic);
    let file = stack.secret_file("snippet.py", &program);
    let (printed, _) = wait_until("the Python snippet works", Duration::from_mins(2), async || {
        run(&python, &[&file]).await
    })
    .await;
    assert_eq!(printed, "hello\n");

    // The same program, with the properties of librdkafka instead of its own.
    let (_, rest) = program.split_once("\n}\n").unwrap();
    let rest = rest.replace("hello", "by-librdkafka");
    let imports = "from confluent_kafka import Consumer, Producer\n";
    let other = stack.secret_file("other.py", &format!("{imports}{BY_PROPERTIES}{rest}"));
    let properties = filled(&stack, &snippets, "librdkafka", &topic);
    let properties = stack.secret_file("librdkafka.properties", &properties);
    // Its group is the one of the other, which has read the first record and committed.
    let printed = run(&python, &[&other, &properties]).await.unwrap();
    assert!(["hello\n", "by-librdkafka\n"].contains(&printed.as_str()), "{printed}");

    let java = filled(&stack, &snippets, "java", &topic);
    let console = Console::with_properties(&stack, &java, &stack.token_url);
    let broker = &stack.brokers[0];
    console.produce(broker, &topic, "by-java").await.unwrap();
    let read = console.consume(broker, &topic, 3).await.unwrap();
    assert_eq!(read, ["hello", "by-librdkafka", "by-java"]);

    stack.authorize(true).await;
    // Asked for again, since requests to the proxy need a token now.
    let curl = filled(&stack, &self::snippets(&stack).await, "curl", &topic);
    let file = stack.secret_file("snippet.sh", &curl);
    let answer = run(Path::new("/bin/sh"), &[&file]).await.unwrap();
    assert!(answer.contains("\"offset\":3"), "{answer}");
    stack.authorize(false).await;
    disallow(&stack, &topic).await;
    stack.delete_topic(&topic).await;
}

#[tokio::test]
async fn aivens_go_client_finds_everything_as_it_expects_it() {
    let stack = Stack::new();
    stack.settled().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go-client");
    let mut go = Command::new(required("TIDEGATE_TEST_GO"));
    go.args(["run", ".", &stack.project, &stack.service, &stack.run])
        .current_dir(folder)
        .env("AIVEN_TOKEN", &stack.token)
        .env("NO_PROXY", "127.0.0.1,localhost")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = go.output().await.expect("cannot run TIDEGATE_TEST_GO");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (done, failed) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{done}{failed}");
    insta::assert_snapshot!(done);
}

#[tokio::test]
async fn avn_draws_what_each_node_uses() {
    let stack = Stack::new();
    stack.settled().await;
    wait_until("each node has figures", SAMPLED, async || {
        let said = stack.avn(&["service", "metrics", &stack.service]).await;
        let metrics: Value = serde_json::from_str(&said).unwrap();
        for name in ["cpu_usage", "mem_usage", "disk_usage", "load_average", "net_send"] {
            let rows = metrics[name]["data"]["rows"].as_array().unwrap();
            // Of a node that is just restarted there is none for a step.
            let good = |row: &&Value| (1..=3).all(|node| row[node].as_f64().is_some());
            let Some(row) = rows.iter().rev().find(good) else {
                return Err(format!("{name}: {rows:?}"));
            };
            assert!(row[0].as_str().is_some_and(|it| it.ends_with('Z')), "{row}");
            let is_percentage = name.ends_with("_usage");
            for node in 1..=3 {
                let value = row[node].as_f64().unwrap();
                assert!(value >= 0.0 && (!is_percentage || value < 101.0), "{name}: {row}");
                assert!(name != "mem_usage" || value > 0.0, "a JVM has memory: {row}");
            }
        }
        Ok(())
    })
    .await;
}
