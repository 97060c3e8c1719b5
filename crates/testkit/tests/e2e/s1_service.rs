//! Step 1: the service is there.

use serde_json::Value;

use crate::support::{ServiceState, Stack};

#[tokio::test]
async fn avn_lists_the_service_running_with_three_nodes() {
    let stack = Stack::new();
    stack.settled().await;
    let listed = stack.avn_json(&["service", "list"]).await;
    let services = listed.as_array().unwrap();
    let service = services.iter().find(|it| it["service_name"] == stack.service.as_str());
    let service: &Value = service.unwrap_or_else(|| panic!("{listed}"));
    assert_eq!(service["state"], "RUNNING");
    assert_eq!(service["service_type"], "kafka");
    assert_eq!(service["node_count"], 3);
    let state = ServiceState::parse(service);
    assert_eq!(state.nodes.len(), 3);
    assert!(state.is_settled(), "{state:?}");
    assert!(state.active_controller().is_some(), "{state:?}");

    let table = stack.avn(&["service", "list"]).await;
    assert!(table.contains(&stack.service) && table.contains("RUNNING"), "{table}");
}
