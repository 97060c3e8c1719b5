//! Nodes that come and go, and a service that is switched off and on.

use std::time::Duration;

use serde_json::json;

use crate::support::{Load, Stack, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_joins_takes_its_share_is_rolled_with_the_others_and_leaves() {
    let stack = Stack::new();
    stack.settled().await;
    let load = Load::start(&stack).await;
    let path = format!("/project/{}/service/{}/nodes", stack.project, stack.service);
    stack.api("POST", &path, Some(&json!({ "count": 1 }))).await.expect(202);
    wait_until("node 4 has its share", Duration::from_mins(5), async || {
        let service = stack.service_object().await;
        let has_joined = service["node_states"].as_array().is_some_and(|it| {
            it.len() == 4 && it.iter().all(|it| it["tidegate"]["life"] == "active")
        });
        if has_joined { Ok(()) } else { Err(service["node_states"].to_string()) }
    })
    .await;
    assert!(stack.replicas_on(4).await > 0, "it has replicas");
    let rollout = stack.restart_all().await;
    assert_eq!(stack.ended(&rollout.id()).await.state(), "done");
    assert_eq!(stack.orders(&rollout.id()).await.len(), 4);

    stack.api("DELETE", &format!("{path}/4"), None).await.expect(202);
    wait_until("node 4 has left", Duration::from_mins(5), async || {
        let running = stack.running().brokers;
        let states = stack.service_object().await["node_states"].clone();
        let is_gone = running.len() == 3 && states.as_array().is_some_and(|it| it.len() == 3);
        if is_gone { Ok(()) } else { Err(format!("{running:?} {states}")) }
    })
    .await;
    assert_eq!(stack.replicas_on(4).await, 0);
    let refused = stack.api("DELETE", &format!("{path}/1"), None).await.expect(409);
    assert!(refused.body.contains("controller"), "{}", refused.body);
    stack.settled().await;
    let report = load.finish().await;
    for counted in ["failed", "lost", "duplicated", "out_of_order"] {
        assert_eq!(report["totals"][counted], 0, "{counted}: {report}");
    }
}

#[tokio::test]
async fn switched_off_nothing_of_it_runs_and_on_again_all_is_there() {
    let stack = Stack::new();
    stack.settled().await;
    let login = stack.admin().await;
    let topic = stack.name("off-and-on");
    stack.topic(&topic, 3).await;
    stack.produce(&login, &topic, "before").await.unwrap();
    stack.avn(&["service", "update", &stack.service, "--power-off"]).await;
    wait_until("nothing runs", Duration::from_mins(2), async || {
        let running = stack.running();
        let is_off = running.brokers.is_empty() && running.proxies.is_empty();
        if is_off { Ok(()) } else { Err(format!("{running:?}")) }
    })
    .await;
    assert_eq!(stack.service_object().await["state"], "POWEROFF");
    stack.avn(&["service", "update", &stack.service, "--power-on"]).await;
    stack.settled().await;
    wait_until("the record is there", Duration::from_secs(30), async || {
        stack
            .find_at(&stack.bootstrap(), &login, &topic, "before")
            .await
            .map_err(|it| it.to_string())
    })
    .await;
    stack.delete_topic(&topic).await;
}
