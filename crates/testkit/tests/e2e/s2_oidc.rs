//! Step 2: OIDC is switched on, off and on again, each time by a rolling restart that a client
//! which produces and consumes all through it does not notice.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Load, Login, Roll, Running, Stack, figure, wait_until, watch_roll};

#[tokio::test(flavor = "multi_thread")]
async fn four_options_roll_the_brokers_and_a_client_notices_nothing() {
    let stack = Stack::new();
    stack.without_oidc().await;
    assert_no_way_in(&stack).await;
    let mut load = Load::start(&stack).await;

    load.mark("on").await;
    let on = roll(&stack, &stack.switch_on()).await;
    assert_way_in(&stack).await;
    note(&on);

    load.mark("off").await;
    roll(&stack, &Stack::switch_off()).await;
    assert_no_way_in(&stack).await;

    load.mark("on again").await;
    roll(&stack, &stack.switch_on()).await;
    assert_way_in(&stack).await;

    let report = load.finish().await;
    figure("load_during_three_rolls", report.clone());
    assert_unnoticed(&report);
}

/// Updates the service and watches what follows.
async fn roll(stack: &Stack, options: &[String]) -> Roll {
    let (before, running) = (stack.settled().await, stack.running());
    let since = stack.last_event().await;
    stack.update(options).await;
    let got = stack.avn_json(&["service", "get", &stack.service]).await;
    assert_eq!(got["state"], "REBUILDING", "right after the update");

    let wait = ["service", "wait", &stack.service, "--timeout", "600"];
    let (roll, waited) = tokio::join!(watch_roll(stack, since), async {
        stack.avn(&wait).await;
        stack.service().await
    });
    assert!(waited.is_settled(), "avn service wait returned: {waited:?}");
    assert_ne!(roll.end.revision, before.revision);
    roll.assert_one_at_a_time();
    roll.assert_controller_last();
    let first_led = roll.active_controller_before(&roll.order[0]);
    let last = roll.order.last().map(String::as_str);
    if first_led == last.and_then(|it| roll.active_controller_before(it)) {
        // The quorum kept its leader all through it, so this is the one of before.
        assert_eq!(last, before.active_controller(), "order: {:?}", roll.order);
    }
    assert_all_new(&running, &stack.running(), &roll);
    assert_in_sync(stack).await;
    roll
}

/// Every broker is another process than before, with the revision that it shall have.
fn assert_all_new(before: &Running, after: &Running, roll: &Roll) {
    assert_eq!(after.brokers.len(), roll.end.nodes.len());
    for (node, broker) in &after.brokers {
        assert!(broker.revision.starts_with(&roll.end.revision), "{node}: {}", broker.revision);
        assert_ne!(before.brokers[node].run, broker.run, "node {node} was not restarted");
    }
    assert_eq!(before.proxies, after.proxies, "the REST proxy was restarted");
}

/// Kafka itself says that every replica is in sync.
async fn assert_in_sync(stack: &Stack) {
    let admin = stack.admin().await;
    wait_until("every replica is in sync", Duration::from_secs(5), async || {
        let topics = stack.topics_at(&stack.bootstrap(), &admin).await;
        let topics = topics.map_err(|it| it.to_string())?;
        let behind: Vec<_> = topics.iter().filter(|it| it.in_sync < 3).collect();
        if behind.is_empty() { Ok(()) } else { Err(format!("{behind:?}")) }
    })
    .await;
}

async fn assert_way_in(stack: &Stack) {
    let token = Login::Token(stack.token_of("alice").await);
    for broker in &stack.brokers {
        stack.topics_at(broker, &token).await.unwrap_or_else(|it| panic!("{broker}: {it}"));
    }
}

async fn assert_no_way_in(stack: &Stack) {
    let token = Login::Token(stack.token_of("alice").await);
    for broker in &stack.brokers {
        let refusal = stack.topics_at(broker, &token).await.expect_err("OIDC is off");
        assert!(refusal.to_string().contains("nsupported SASL mechanism"), "{broker}: {refusal}");
    }
}

fn assert_unnoticed(report: &Value) {
    for counted in ["failed", "lost", "duplicated", "out_of_order"] {
        assert_eq!(report["totals"][counted], 0, "{counted}: {report}");
    }
    let windows = report["windows"].as_array().unwrap();
    assert_eq!(windows.len(), 5, "{report}");
    for window in windows {
        assert!(window["acked"].as_u64() > Some(0), "{window}");
    }
}

fn note(roll: &Roll) {
    figure("roll_secs", roll.took.as_secs_f64());
    figure("roll_order", roll.order.clone());
    for (node, states) in roll.phases() {
        for (state, took) in states {
            figure(&format!("roll_{node}_{state}_secs"), took.as_secs_f64());
        }
    }
}
