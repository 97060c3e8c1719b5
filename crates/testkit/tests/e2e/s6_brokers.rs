//! Step 6, and the other half of step 5: tokens presented straight to each broker, by librdkafka
//! and by Kafka's own console clients.

use std::time::Duration;

use futures::future::join_all;
use testkit::issuer::{Defect, TokenRequest};

use crate::support::{BAD_TOKENS, Console, Login, Refusal, Stack, good_tokens, wait_until};

const TOPIC: &str = "orders";

/// OIDC is on, and of all clients only `alice` may use the topic.
async fn ready(stack: &Stack) {
    stack.with_oidc().await;
    stack.topic(TOPIC, 3).await;
    stack.user("alice").await;
    stack.with_acl("readwrite", TOPIC, "alice").await;
    let login = Login::Token(stack.token_of("alice").await);
    wait_until("alice may write", Duration::from_secs(20), async || {
        stack.produce(&login, TOPIC, "ready").await.map_err(|it| it.to_string())
    })
    .await;
}

#[tokio::test]
async fn librdkafka_with_good_tokens_at_each_broker() {
    let stack = Stack::new();
    ready(&stack).await;
    for (number, broker) in stack.brokers.iter().enumerate() {
        for (name, wish) in good_tokens("alice") {
            let login = Login::Token(stack.token(&wish).await);
            let value = stack.name(&format!("{number} {name}"));
            let written = stack.produce_at(broker, &login, TOPIC, &value).await;
            assert_eq!(written, Ok(()), "{name} at {broker}");
            let read = stack.find_at(broker, &login, TOPIC, &value).await;
            assert_eq!(read, Ok(()), "{name} at {broker}");
        }
    }
}

#[tokio::test]
async fn librdkafka_with_a_good_token_and_no_acl() {
    let stack = Stack::new();
    ready(&stack).await;
    let login = Login::Token(stack.token_of("bob").await);
    for broker in &stack.brokers {
        let result = stack.produce_at(broker, &login, TOPIC, "no").await;
        assert_eq!(result, Err(Refusal::FORBIDDEN_TOPIC), "{broker}");
    }
}

/// `sub_claim_name` is `custom-sub`: `sub` says nothing.
#[tokio::test]
async fn the_principal_is_the_claim_that_the_option_names() {
    let stack = Stack::new();
    ready(&stack).await;
    for (client, custom_sub, expected) in
        [("bob", "alice", Ok(())), ("alice", "bob", Err(Refusal::FORBIDDEN_TOPIC))]
    {
        let custom_sub = Some(custom_sub.to_owned());
        let wish = TokenRequest { custom_sub, ..TokenRequest::of(client) };
        let login = Login::Token(stack.token(&wish).await);
        for broker in &stack.brokers {
            let written = stack.produce_at(broker, &login, TOPIC, "named").await;
            assert_eq!(written, expected, "{client} at {broker}");
        }
    }
}

#[tokio::test]
async fn librdkafka_without_a_login_at_each_broker() {
    let stack = Stack::new();
    ready(&stack).await;
    // Hung up on whenever it asks for something, which librdkafka does not tell.
    let each = stack.brokers.iter().map(|it| stack.topics_at(it, &Login::Nothing));
    for (broker, seen) in stack.brokers.iter().zip(join_all(each).await) {
        assert!(matches!(seen, Err(Refusal::Silence(_))), "{broker}: {seen:?}");
    }
}

#[tokio::test]
async fn librdkafka_with_every_bad_token_at_each_broker() {
    let stack = Stack::new();
    ready(&stack).await;
    for (defect, name) in BAD_TOKENS {
        let token = stack.token(&TokenRequest::of("alice").defect(defect)).await;
        for broker in &stack.brokers {
            let refusal = stack.topics_at(broker, &Login::Token(token.clone())).await;
            let refusal = refusal.expect_err(name);
            assert!(refused_for_the_token(&refusal, defect), "{name} at {broker}: {refusal}");
        }
    }
}

/// The broker says so. Of a token without signature it says only that it cannot read it.
fn refused_for_the_token(refusal: &Refusal, defect: Defect) -> bool {
    let unreadable = defect == Defect::AlgNone && matches!(refusal, Refusal::Authentication(_));
    refusal.is_invalid_token() || unreadable
}

#[tokio::test]
async fn a_token_does_not_become_a_super_user() {
    let stack = Stack::new();
    ready(&stack).await;
    for subject in [" broker", " admin", " rest-proxy", "broker", "admin"] {
        let wish = TokenRequest { subject: Some(subject.into()), ..TokenRequest::of("alice") };
        let login = Login::Token(stack.token(&wish).await);
        for broker in &stack.brokers {
            match stack.topics_at(broker, &login).await {
                // As a principal like any other, without rights.
                Ok(topics) => {
                    assert_eq!(topics, [], "{subject:?} sees topics at {broker}");
                    let result = stack.produce_at(broker, &login, TOPIC, "no").await;
                    assert_eq!(result, Err(Refusal::FORBIDDEN_TOPIC), "{subject:?} at {broker}");
                }
                Err(refusal) => assert!(refusal.is_invalid_token(), "{subject:?}: {refusal}"),
            }
        }
    }
}

#[tokio::test]
async fn console_clients_with_good_tokens() {
    let stack = Stack::new();
    let topic = topic_of_alice(&stack).await;
    let mut written = Vec::new();
    let brokers = stack.brokers.iter().cycle();
    for ((name, wish), broker) in good_tokens("alice").into_iter().zip(brokers) {
        let console = Console::new(&stack, &stack.token(&wish).await);
        console.produce(broker, &topic, name).await.unwrap_or_else(|it| panic!("{name}: {it}"));
        written.push(name.to_owned());
    }
    assert_eq!(read_all(&stack, &topic, written.len()).await, written);
    stack.delete_acl("readwrite", &topic, "alice").await;
    stack.delete_topic(&topic).await;
}

#[tokio::test]
async fn the_console_producer_with_every_bad_token_at_each_broker() {
    let stack = Stack::new();
    let topic = topic_of_alice(&stack).await;
    for (defect, name) in BAD_TOKENS {
        let mut token = stack.token(&TokenRequest::of("alice").defect(defect)).await;
        if defect == Defect::AlgNone {
            // The client itself takes nothing that has no signature at all.
            let console = Console::new(&stack, &token);
            let said = console.produce(&stack.bootstrap(), &topic, "never").await.expect_err(name);
            assert!(said.contains("Malformed JWT provided"), "{name}: {said}");
            token.push_str("AAAA");
        }
        let console = Console::new(&stack, &token);
        let each = stack.brokers.iter().map(|it| console.produce(it, &topic, "never"));
        for (broker, said) in stack.brokers.iter().zip(join_all(each).await) {
            let said = said.expect_err(name);
            assert!(said.contains(r#"{"status":"invalid_token"}"#), "{name} at {broker}: {said}");
        }
    }
    let login = Login::Token(stack.token_of("alice").await);
    stack.produce(&login, &topic, "the first").await.unwrap();
    assert_eq!(read_all(&stack, &topic, 1).await, ["the first"]);
    stack.delete_acl("readwrite", &topic, "alice").await;
    stack.delete_topic(&topic).await;
}

/// A new topic, empty, that `alice` may use.
async fn topic_of_alice(stack: &Stack) -> String {
    ready(stack).await;
    let topic = stack.name("console");
    stack.topic(&topic, 1).await;
    stack.add_acl("readwrite", &topic, "alice").await;
    let login = Login::Token(stack.token_of("alice").await);
    wait_until("alice sees the topic", Duration::from_secs(20), async || {
        let seen = stack.topics_at(&stack.bootstrap(), &login).await;
        let seen = seen.map_err(|it| it.to_string())?;
        if seen.iter().any(|it| it.name == topic) { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await;
    topic
}

/// The first records of a topic, by Kafka's console consumer.
async fn read_all(stack: &Stack, topic: &str, count: usize) -> Vec<String> {
    let console = Console::new(stack, &stack.token_of("alice").await);
    console.consume(&stack.bootstrap(), topic, count).await.unwrap_or_else(|it| panic!("{it}"))
}
