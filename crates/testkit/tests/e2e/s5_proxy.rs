//! Step 5: records through the REST proxy as whoever the token proves, and nobody else.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::issuer::TokenRequest;

use crate::support::{Answer, BAD_TOKENS, Stack, good_tokens, wait_until};

const TOPIC: &str = "orders";

/// OIDC and authorization are on, and of all clients only `alice` may use the topic.
async fn ready(stack: &Stack) {
    stack.with_oidc().await;
    stack.authorize(true).await;
    stack.topic(TOPIC, 3).await;
    stack.user("alice").await;
    stack.with_acl("readwrite", TOPIC, "alice").await;
    let token = stack.token_of("alice").await;
    wait_until("alice may write", Duration::from_secs(20), async || {
        let answer = stack.rest_produce(TOPIC, Some(&token), &json!("ready")).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
}

#[tokio::test]
async fn records_go_in_and_come_back_as_the_principal_of_the_token() {
    let stack = Stack::new();
    ready(&stack).await;
    let alice = stack.token_of("alice").await;
    let value = json!({ "order": stack.name("tea"), "cups": 2 });
    let written = stack.rest_produce(TOPIC, Some(&alice), &value).await.expect(200).json();
    let (partition, offset) =
        (&written["offsets"][0]["partition"], &written["offsets"][0]["offset"]);
    assert!(offset.as_i64() >= Some(0), "{written}");

    let group = format!("/consumers/{}", stack.name("group"));
    let instance = create_consumer(&stack, &group, &alice).await;
    let (record, _) = wait_until("the record comes back", Duration::from_mins(1), async || {
        let path = format!("{instance}/records?timeout=2000");
        let records = stack.rest("GET", &path, Some(&alice)).await.expect(200).json();
        let found = records.as_array().unwrap().iter().find(|it| it["value"] == value).cloned();
        found.ok_or_else(|| records.to_string())
    })
    .await;
    assert_eq!((&record["topic"], &record["partition"]), (&json!(TOPIC), partition));
    assert_eq!(&record["offset"], offset);

    stack.rest_post(&format!("{instance}/offsets"), Some(&alice), &json!({})).await.expect(204);
    // It is alice's: nobody else sees it, whatever token he has.
    let bob = stack.token_of("bob").await;
    stack.rest("GET", &format!("{instance}/records"), Some(&bob)).await.expect(404);
    stack.rest("DELETE", &instance, Some(&alice)).await.expect(204);
    stack.rest("GET", &format!("{instance}/records"), Some(&alice)).await.expect(404);
}

async fn create_consumer(stack: &Stack, group: &str, token: &str) -> String {
    let wanted = json!({ "name": "reader", "format": "json", "auto.offset.reset": "earliest" });
    let created = stack.rest_post(group, Some(token), &wanted).await.expect(200).json();
    assert_eq!(created["instance_id"], "reader");
    let instance = format!("{group}/instances/reader");
    let topics = json!({ "topics": [TOPIC] });
    stack.rest_post(&format!("{instance}/subscription"), Some(token), &topics).await.expect(204);
    instance
}

#[tokio::test]
async fn without_an_acl_it_is_forbidden() {
    let stack = Stack::new();
    ready(&stack).await;
    let bob = stack.token_of("bob").await;
    let refused = stack.rest_produce(TOPIC, Some(&bob), &json!("no")).await;
    assert_eq!(refused.expect(403).json()["error_code"], 40301);
    let instance =
        create_consumer(&stack, &format!("/consumers/{}", stack.name("group")), &bob).await;
    let read = stack.rest("GET", &format!("{instance}/records?timeout=5000"), Some(&bob)).await;
    assert_eq!(read.expect(403).json()["error_code"], 40301);
    stack.rest("DELETE", &instance, Some(&bob)).await.expect(204);
    let listed = stack.rest("GET", "/topics", Some(&bob)).await.expect(200).json();
    assert!(!listed.as_array().unwrap().contains(&json!(TOPIC)), "{listed}");
}

#[tokio::test]
async fn good_tokens_of_every_kind_are_accepted() {
    let stack = Stack::new();
    ready(&stack).await;
    for (name, wish) in good_tokens("alice") {
        let token = stack.token(&wish).await;
        let answer = stack.rest_produce(TOPIC, Some(&token), &json!(name)).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
    }
}

/// `sub_claim_name` is `custom-sub`: `sub` says nothing.
#[tokio::test]
async fn the_principal_is_the_claim_that_the_option_names() {
    let stack = Stack::new();
    ready(&stack).await;
    for (client, custom_sub, status) in [("bob", "alice", 200), ("alice", "bob", 403)] {
        let custom_sub = Some(custom_sub.to_owned());
        let token = stack.token(&TokenRequest { custom_sub, ..TokenRequest::of(client) }).await;
        stack.rest_produce(TOPIC, Some(&token), &json!("named")).await.expect(status);
    }
}

#[tokio::test]
async fn no_token_and_every_bad_token_are_refused_by_the_proxy() {
    let stack = Stack::new();
    ready(&stack).await;
    let ask = async |token: Option<&str>| {
        [
            stack.rest_produce(TOPIC, token, &json!("never")).await,
            stack.rest("GET", &format!("/topics/{TOPIC}"), token).await,
        ]
    };
    for answer in ask(None).await {
        let challenge = challenge(&answer.expect(401));
        assert!(!challenge.contains("error="), "no token is no error of a token: {challenge}");
    }
    for (defect, name) in BAD_TOKENS {
        let token = stack.token(&TokenRequest::of("alice").defect(defect)).await;
        for answer in ask(Some(&token)).await {
            assert_eq!(answer.status, 401, "{name}: {}", answer.body);
            assert!(!answer.body.contains(&token), "{name}: the token is in the answer");
            let challenge = challenge(&answer);
            assert!(challenge.contains("error=\"invalid_token\""), "{name}: {challenge}");
        }
    }
}

#[tokio::test]
async fn a_token_does_not_become_one_of_the_platforms_own_principals() {
    let stack = Stack::new();
    ready(&stack).await;
    for subject in [" broker", " admin", " rest-proxy"] {
        let wish = TokenRequest { subject: Some(subject.into()), ..TokenRequest::of("alice") };
        let token = stack.token(&wish).await;
        let answer = stack.rest_produce(TOPIC, Some(&token), &json!("never")).await;
        assert!([401, 403].contains(&answer.status), "{subject:?}: {answer:?}");
    }
}

fn challenge(answer: &Answer) -> String {
    let challenge = answer.header("www-authenticate").unwrap_or_default().to_owned();
    assert!(challenge.starts_with("Bearer"), "{answer:?}");
    let body: Value = answer.json();
    assert!(body["message"].is_string(), "{body}");
    challenge
}
