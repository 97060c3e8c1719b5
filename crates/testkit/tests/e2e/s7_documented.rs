//! Step 7: every documented command of avn runs as it is documented, with the newest avn and with
//! one from before `service-types`, and what it says is kept.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::support::{Stack, pages, required};

const SECTION_4: &str = include_str!("documented/section4.txt");
const CLIENT: &str = include_str!("documented/client.txt");

/// What the commands change of a service: put back as it was.
const CHANGED: [&str; 4] =
    ["kafka", "kafka_rest", "kafka_rest_authorization", "kafka_sasl_mechanisms"];

#[tokio::test]
async fn every_command_of_the_pages_about_oauth_runs_as_it_is_written() {
    check("section4", SECTION_4, None).await;
}

#[tokio::test]
async fn everything_else_that_a_kafka_service_needs_of_avn_works() {
    check("client", CLIENT, None).await;
}

#[tokio::test]
async fn avn_4_15_does_the_same() {
    let avn = required("TIDEGATE_TEST_AVN_4_15");
    check("section4_avn_4_15", SECTION_4, Some(Path::new(&avn))).await;
    check("client_avn_4_15", CLIENT, Some(Path::new(&avn))).await;
}

/// Runs a table with the newest avn or an older one, puts the service back, and compares what was
/// said with what is kept.
async fn check(name: &str, table: &str, older: Option<&Path>) {
    let stack = Stack::new();
    stack.with_oidc().await;
    let before = stack.service_object().await;
    let (mut texts, mut surprises) = (Vec::new(), Vec::new());
    for page in pages(table) {
        let said = stack.transcript(&page, older.unwrap_or(&stack.avn), older.is_none()).await;
        texts.push(said.text);
        surprises.extend(said.surprises);
    }
    put_back(&stack, &before).await;
    insta::with_settings!({
        snapshot_path => "documented/snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, texts.join("\n\n")) });
    assert!(surprises.is_empty(), "not as the table says:\n{}", surprises.join("\n\n"));
}

async fn put_back(stack: &Stack, before: &Value) {
    let now = stack.service_object().await;
    let mut config = Map::new();
    for key in CHANGED {
        config.insert(key.to_owned(), back(&before["user_config"][key], &now["user_config"][key]));
    }
    let (dow, time) = (&before["maintenance"]["dow"], &before["maintenance"]["time"]);
    let body = json!({ "user_config": config, "maintenance": { "dow": dow, "time": time } });
    let path = format!("/project/{}/service/{}", stack.project, stack.service);
    stack.api("PUT", &path, Some(&body)).await.expect(200);
    stack.settled().await;
}

/// What makes of `now` again what was `before`: `null` removes.
fn back(before: &Value, now: &Value) -> Value {
    let (Some(old), Some(new)) = (before.as_object(), now.as_object()) else {
        return before.clone();
    };
    let gone = new.keys().filter(|it| !old.contains_key(*it));
    let null = gone.map(|it| (it.clone(), Value::Null));
    let same = old
        .iter()
        .map(|(key, value)| (key.clone(), back(value, &new.get(key).cloned().unwrap_or_default())));
    null.chain(same).collect::<Map<_, _>>().into()
}
