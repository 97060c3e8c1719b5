//! Step 3: who the REST proxy lets in is switched while it runs.

use std::time::Duration;

use serde_json::json;

use crate::support::{Stack, figure};

const LIMIT: Duration = Duration::from_secs(2);
const TOPIC: &str = "e2e-open";

#[tokio::test]
async fn authorization_is_switched_within_two_seconds_and_nothing_restarts() {
    let stack = Stack::new();
    stack.with_oidc().await;
    stack.topic(TOPIC, 1).await;
    stack.authorize(false).await;
    let before = (stack.running(), stack.service().await.revision);
    assert_eq!((before.0.brokers.len(), before.0.proxies.len()), (3, 1), "{:?}", before.0);

    let on = stack.authorize(true).await;
    assert!(on < LIMIT, "on after {on:?}");
    for answer in
        [stack.rest("GET", "/topics", None).await, stack.rest_produce(TOPIC, None, &json!(1)).await]
    {
        let answer = answer.expect(401);
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.starts_with("Bearer"), "{answer:?}");
    }

    let off = stack.authorize(false).await;
    assert!(off < LIMIT, "off after {off:?}");
    let listed = stack.rest("GET", "/topics", None).await.expect(200).json();
    assert!(listed.as_array().unwrap().contains(&json!(TOPIC)), "{listed}");
    let written = stack.rest_produce(TOPIC, None, &json!("as the proxy itself")).await;
    assert!(written.expect(200).json()["offsets"][0]["offset"].as_i64() >= Some(0));

    stack.authorize(true).await;
    let after = (stack.running(), stack.service().await.revision);
    assert_eq!(before, after, "something restarted");
    figure("authorization_on_secs", on.as_secs_f64());
    figure("authorization_off_secs", off.as_secs_f64());
}
