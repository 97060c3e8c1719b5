//! A second service beside the first, from nothing to nothing.

use std::time::Duration;

use crate::support::{Stack, figure, wait_until};

/// Three processes start beside three that run.
const UP: Duration = Duration::from_mins(3);
const GONE: Duration = Duration::from_mins(2);

#[tokio::test]
async fn a_service_is_created_comes_up_and_is_terminated_with_all_it_had() {
    let stack = Stack::new();
    stack.settled().await;
    let (first, name) = (stack.running(), stack.name("second"));
    let create = ["service", "create", &name, "--service-type", "kafka", "--plan", "startup-2"];
    stack.avn(&create).await;
    let mut second = Stack::new();
    second.service.clone_from(&name);
    let ((), took) = wait_until("the second service is RUNNING", UP, async || {
        let service = second.service_object().await;
        if service["state"] == "RUNNING" { Ok(()) } else { Err(service["node_states"].to_string()) }
    })
    .await;
    figure("second_service_up_secs", took.as_secs_f64());
    assert_eq!(second.running().brokers.len(), 3);
    let folder = stack.dir.join("nodes").join(&stack.project).join(&name);
    assert!(folder.is_dir(), "{}", folder.display());

    stack.avn(&["service", "update", &name, "--enable-termination-protection"]).await;
    let refused = stack.avn_refused(&["service", "terminate", &name, "--force"]).await;
    assert!(refused.contains("protected against termination"), "{refused}");
    stack.avn(&["service", "update", &name, "--disable-termination-protection"]).await;
    stack.avn(&["service", "terminate", &name, "--force"]).await;
    let listed = stack.avn(&["service", "list"]).await;
    assert!(!listed.contains(&name) && listed.contains(&stack.service), "{listed}");
    let ((), took) = wait_until("nothing is left of it", GONE, async || {
        match (second.running().brokers.len(), folder.exists()) {
            (0, false) => Ok(()),
            left => Err(format!("{left:?}")),
        }
    })
    .await;
    figure("second_service_gone_secs", took.as_secs_f64());
    assert_eq!(stack.running(), first, "the first service did not notice");
}
