//! Step 4, as Kafka itself says it: native ACL entries of `avn`, and client quotas.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{ClientQuota, Principal, QuotaEntity, QuotaKey, QuotaName};
use serde_json::{Value, json};
use testkit::issuer::TokenRequest;

use crate::s4_access::{allowed, forbidden};
use crate::support::{Login, Refusal, Stack, raw_admin, wait_until};

const LIMIT: Duration = Duration::from_secs(2);
/// Beyond the limit, to tell how late it was.
const PATIENCE: Duration = Duration::from_secs(20);

/// `avn service kafka-acl-add` for writing to a topic, and what it prints.
async fn add(stack: &Stack, principal: &str, options: &[&str]) -> String {
    let add = ["service", "kafka-acl-add", &stack.service, "--operation", "Write"];
    stack.avn(&[&add[..], &["--principal", principal], options].concat()).await
}

/// The native entries of a principal, as `avn service kafka-acl-list` tells them.
async fn listed(stack: &Stack, principal: &str) -> Vec<Value> {
    let listed = stack.avn_json(&["service", "kafka-acl-list", &stack.service]).await;
    let entries = listed.as_array().expect("kafka-acl-list prints a list").iter();
    entries.filter(|it| it["principal"] == principal).cloned().collect()
}

async fn delete(stack: &Stack, principal: &str) {
    for entry in listed(stack, principal).await {
        let id = entry["id"].as_str().expect("an entry has an id").to_owned();
        let said = stack.avn(&["service", "kafka-acl-delete", &stack.service, &id]).await;
        // Who loses access by it is named behind that, if it was seen already.
        assert!(said.starts_with("deleted"), "{said}");
    }
}

/// Waits until `avn service logs` has a broker's line with this begin and end, and between them at most
/// how many times.
async fn logged(stack: &Stack, begin: &str, end: &str) {
    let broker = format!("{}-", stack.service);
    wait_until(&format!("the logs have {begin}: {end}"), PATIENCE, async || {
        let logs = stack.avn_json(&["service", "logs", &stack.service, "-n", "1000"]).await;
        let lines = logs.as_array().expect("service logs prints a list");
        let is_it = |line: &Value| {
            let text = |key: &str| line[key].as_str().unwrap_or_default();
            let between = text("msg").strip_prefix(begin).and_then(|it| it.strip_suffix(end));
            let is_of_broker = text("unit") == "kafka" && text("hostname").starts_with(&broker);
            is_of_broker && between.is_some_and(|it| it == ": " || it.ends_with(" times: "))
        };
        if lines.iter().any(is_it) { Ok(()) } else { Err(format!("{} lines", lines.len())) }
    })
    .await;
}

#[tokio::test]
async fn a_native_denial_beats_an_aiven_entry_within_two_seconds() {
    let stack = Stack::new();
    stack.settled().await;
    let (topic, username) = (stack.name("denied"), stack.name("writer"));
    stack.topic(&topic, 1).await;
    let login = stack.user(&username).await;
    assert_eq!(stack.produce(&login, &topic, "no").await, Err(Refusal::FORBIDDEN_TOPIC));
    stack.add_acl("readwrite", &topic, &username).await;
    allowed(&stack, &login, &topic).await;

    let principal = format!("User:{username}");
    let deny = ["--topic", &topic, "--deny"];
    assert_eq!(add(&stack, &principal, &deny).await.trim(), "added");
    let denied = forbidden(&stack, &login, &topic).await;
    let read = stack.find_at(&stack.bootstrap(), &login, &topic, "yes").await;
    assert_eq!(read, Ok(()), "only writing is denied");
    let [entry] = &listed(&stack, &principal).await[..] else { panic!("one entry") };
    assert_eq!(entry["permission_type"], "DENY");
    assert_eq!(entry["resource_name"], json!(topic));
    // From another host it would not be: this one is not meant.
    delete(&stack, &principal).await;
    add(&stack, &principal, &[&deny[..], &["--host", "192.0.2.1"]].concat()).await;
    let back = allowed(&stack, &login, &topic).await;
    delete(&stack, &principal).await;
    add(&stack, &principal, &[&deny[..], &["--host", "127.0.0.1"]].concat()).await;
    forbidden(&stack, &login, &topic).await;
    delete(&stack, &principal).await;
    allowed(&stack, &login, &topic).await;

    assert!(denied < LIMIT && back < LIMIT, "denied {denied:?}, back {back:?}");
    // Both times the logs say why.
    let said = format!("access_denied: {principal} from 127.0.0.1 was denied");
    let resource = format!("on Topic '{topic}' by");
    logged(&stack, &format!("{said} Describe {resource} Metadata"), "no ACL entry allows it").await;
    logged(&stack, &format!("{said} Write {resource} Produce"), "an ACL entry denies it").await;
    stack.delete_acl("readwrite", &topic, &username).await;
    stack.delete_user(&username).await;
    stack.delete_topic(&topic).await;
}

#[tokio::test]
async fn a_native_entry_reaches_an_oidc_principal_without_a_service_user() {
    let stack = Stack::new();
    stack.with_oidc().await;
    let (topic, subject) = (stack.name("native"), format!("auth0|{}", stack.name("dave")));
    stack.topic(&topic, 1).await;
    let wish = TokenRequest { subject: Some(subject.clone()), ..TokenRequest::of("alice") };
    let login = Login::Token(stack.token(&wish).await);
    assert_eq!(stack.produce(&login, &topic, "no").await, Err(Refusal::FORBIDDEN_TOPIC));

    let principal = format!("User:{subject}");
    let prefixed = ["--topic", &topic[..topic.len() - 1], "--resource-pattern-type", "PREFIXED"];
    add(&stack, &principal, &prefixed).await;
    let took = allowed(&stack, &login, &topic).await;
    assert!(took < LIMIT, "{took:?}");
    delete(&stack, &principal).await;
    forbidden(&stack, &login, &topic).await;
    stack.delete_topic(&topic).await;
}

/// `avn` sets it, Kafka has it, what somebody else makes of it is repaired, and it goes again.
#[tokio::test]
async fn a_quota_is_in_kafka_until_it_is_deleted() {
    let stack = Stack::new();
    stack.settled().await;
    let admin = raw_admin();
    let client = stack.name("client");
    let name = |it: &str| Some(QuotaName::parse("user", it).unwrap());
    let entity = QuotaEntity::new(name("default"), name(&client)).unwrap();
    let quota = |entity: &QuotaEntity, key| ClientQuota { entity: entity.clone(), key };
    let own = quota(&QuotaEntity::of_user(Principal::ADMIN), QuotaKey::ConsumerByteRate);
    let becomes = async |what: &str, expected: [Option<f64>; 2], exempt: bool| {
        let ((), took) = wait_until(what, PATIENCE, async || {
            let found = admin.describe_quotas().await.map_err(|it| it.to_string())?;
            let keys = [QuotaKey::ConsumerByteRate, QuotaKey::RequestPercentage];
            let limits = keys.map(|key| found.get(&quota(&entity, key)).copied());
            let done = limits == expected && found.contains_key(&own) == exempt;
            if done { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
        took
    };
    let whom = ["--user", "default", "--client-id", &client];
    let asked = |command| [&["service", "quota", command, &stack.service][..], &whom].concat();
    let limits = ["--consumer-byte-rate", "1048576", "--request-percentage", "12.5"];
    stack.avn(&[&asked("create")[..], &limits].concat()).await;
    let wanted = [Some(1_048_576.0), Some(12.5)];
    let set = becomes("the quota is set", wanted, true).await;

    let listed = stack.avn(&["service", "quota", "list", &stack.service]).await;
    assert!(listed.contains(&client) && listed.contains("1048576.0"), "{listed}");
    let described = stack.avn(&asked("describe")).await;
    assert!(described.contains("12.5"), "{described}");

    let drift = quota(&entity, QuotaKey::ConsumerByteRate);
    admin.alter_quotas(&BTreeMap::from([(drift, Some(1.0))])).await.unwrap();
    becomes("the quota is repaired", wanted, true).await;

    stack.avn(&asked("delete")).await;
    let gone = becomes("the quota is gone", [None, None], false).await;
    let refused = stack.avn_refused(&asked("describe")).await;
    assert!(refused.contains("Quota does not exist"), "{refused}");
    assert!(set < LIMIT && gone < LIMIT, "set {set:?}, gone {gone:?}");
}
