//! Step 9, too: tokens that last for seconds only, and others' bad requests beside: nobody notices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::issuer::TokenRequest;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{BAD_TOKENS, RestLoad, Stack, figure, let_pass, wait_until};

/// Refreshed before they expire, as every client does.
const LIFE_SECS: u32 = 20;
const REFRESHED_AFTER: Duration = Duration::from_secs(15);
const REQUESTS: usize = 5_000;
/// 12 producers, and 3 consumers that commit, come to about 60 requests a second.
const PACE: Duration = Duration::from_millis(280);
/// How long others ask for what they do not get.
const NUISANCE: Duration = Duration::from_secs(6);
/// What an answer may take that asks nobody: generous, for a slow machine.
const AT_ONCE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_requests_with_tokens_of_seconds_and_none_fails() {
    let stack = Arc::new(Stack::new());
    stack.with_oidc().await;
    stack.authorize(true).await;
    let wish = RestLoad::user().ttl_secs(LIFE_SECS);
    let load = RestLoad::start(&stack, wish, PACE).await;

    load.mark("short tokens");
    let (begun, before) = (Instant::now(), load.requests());
    let mut refreshed = 0;
    load.renew_token().await;
    while load.requests() - before < REQUESTS {
        let_pass(REFRESHED_AFTER).await;
        load.renew_token().await;
        refreshed += 1;
    }
    figure("rest_refresh_requests", load.requests() - before);
    figure("rest_refresh_secs", begun.elapsed().as_secs_f64());
    figure("rest_refreshes", refreshed);
    load.recovered().await;

    let report = load.finish().await;
    figure("rest_load_with_short_tokens", report.to_json());
    report.assert_failures(&[]);
    report.assert_instances(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tokens_and_unknown_topics_of_others_disturb_nobody() {
    let stack = Arc::new(Stack::new());
    stack.with_oidc().await;
    stack.authorize(true).await;
    let load = RestLoad::start(&stack, RestLoad::user(), Duration::from_millis(50)).await;
    load.mark("alone");
    let_pass(NUISANCE).await;

    load.mark("bad tokens");
    let mut bad = Vec::new();
    for (defect, _) in BAD_TOKENS {
        bad.push(stack.token(&TokenRequest::of("alice").defect(defect)).await);
    }
    let known = format!("/topics/{}", stack.name("rest-load"));
    let took = nuisance(&stack, &bad, &known, (401, 40101)).await;
    note("rest_bad_token", took);
    load.recovered().await;

    load.mark("unknown topics");
    let unknown = format!("/topics/{}", stack.name("rest-unknown"));
    // With the same sessions as the load.
    let took = nuisance(&stack, &[load.token()], &unknown, (404, 40401)).await;
    note("rest_unknown_topic", took);
    load.recovered().await;

    let report = load.finish().await;
    figure("rest_load_beside_bad_requests", report.to_json());
    report.assert_failures(&[]);
    report.assert_instances(1);
}

/// Nobody refreshed it in time. The instance waits for its owner.
#[tokio::test]
async fn a_consumer_whose_token_expired_goes_on_with_the_next_one() {
    const LIFE_SECS: u32 = 8;
    let stack = Stack::new();
    let topic = topic_of_numbers(&stack).await;
    // Bob has no other token: the newest one that a principal came with is the one that counts.
    let short = stack.token(&TokenRequest::of("bob").ttl_secs(LIFE_SECS)).await;
    let group = format!("/consumers/{}", stack.name("rests"));
    let wish = json!({ "format": "json", "auto.commit.enable": "false" });
    let created = stack.rest_post(&group, Some(&short), &wish).await.expect(200).json();
    let instance = format!("{group}/instances/{}", created["instance_id"].as_str().unwrap());
    let topics = json!({ "topics": [topic] });
    stack.rest_post(&format!("{instance}/subscription"), Some(&short), &topics).await.expect(204);

    // One at a time. None is committed.
    let records = format!("{instance}/records?timeout=4000&max_bytes=1");
    let mut got = Vec::new();
    let mut next = async |token: &str, count: usize| {
        let answer = stack.rest("GET", &records, Some(token)).await.expect(200).json();
        got.extend(answer.as_array().unwrap().iter().map(|it| it["value"].clone()));
        if got.len() >= count { Ok(got.clone()) } else { Err(format!("{got:?}")) }
    };
    let patience = Duration::from_secs(LIFE_SECS.into());
    wait_until("two records come", patience, async || next(&short, 2).await).await;
    wait_until("the token is over", 2 * patience, async || {
        let answer = stack.rest("GET", "/topics", Some(&short)).await;
        if answer.status == 401 { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;

    let fresh = stack.token_of("bob").await;
    let what = "the others come, each once";
    let (all, _) = wait_until(what, Duration::from_mins(1), async || next(&fresh, 6).await).await;
    assert_eq!(json!(all), json!([0, 1, 2, 3, 4, 5]));
    stack.rest("DELETE", &instance, Some(&fresh)).await.expect(204);
    for user in ["alice", "bob"] {
        stack.delete_acl("readwrite", &topic, user).await;
    }
    stack.delete_topic(&topic).await;
}

/// A topic with 0 to 5, which alice has written and bob may read.
async fn topic_of_numbers(stack: &Stack) -> String {
    stack.with_oidc().await;
    stack.authorize(true).await;
    let topic = stack.name("numbers");
    stack.topic(&topic, 1).await;
    for user in ["bob", "alice"] {
        stack.user(user).await;
        stack.add_acl("readwrite", &topic, user).await;
    }
    let token = stack.token_of("alice").await;
    wait_until("alice may write", Duration::from_secs(20), async || {
        let answer = stack.rest("GET", &format!("/topics/{topic}"), Some(&token)).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
    for number in 0..6 {
        stack.rest_produce(&topic, Some(&token), &json!(number)).await.expect(200);
    }
    topic
}

/// Eight clients that produce at `path` without a pause, each time with another of `tokens`. Each
/// is refused as `expected`, at once. Gives what each answer took.
async fn nuisance(
    stack: &Stack,
    tokens: &[String],
    path: &str,
    expected: (u16, u64),
) -> Vec<Duration> {
    let client = reqwest::Client::builder().no_proxy().timeout(AT_ONCE).build().unwrap();
    let over = CancellationToken::new();
    let mut asking = JoinSet::new();
    for number in 0..8 {
        let (client, over) = (client.clone(), over.clone());
        let (tokens, url) = (tokens.to_vec(), format!("{}{path}", stack.rest));
        asking.spawn(async move {
            let mut took = Vec::new();
            for token in tokens.iter().cycle().skip(number) {
                let begun = Instant::now();
                let body = json!({ "records": [{ "value": "never" }] }).to_string();
                let request = client.post(&url).bearer_auth(token).body(body);
                let request = request.header("Content-Type", "application/vnd.kafka.json.v2+json");
                let answer = request.send().await.expect("an answer at once");
                let status = answer.status().as_u16();
                let body: serde_json::Value = answer.json().await.expect("a JSON body");
                assert_eq!((status, body["error_code"].as_u64()), (expected.0, Some(expected.1)));
                took.push(begun.elapsed());
                if over.is_cancelled() {
                    break;
                }
            }
            took
        });
    }
    let_pass(NUISANCE).await;
    over.cancel();
    asking.join_all().await.concat()
}

fn note(name: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let ms = |it: Option<&Duration>| it.map(|it| it.as_secs_f64() * 1000.0);
    figure(&format!("{name}_answers"), took.len());
    figure(&format!("{name}_median_ms"), ms(took.get(took.len() / 2)));
    figure(&format!("{name}_longest_ms"), ms(took.last()));
}
