//! Step 4, for whoever does it: API tokens, projects, tags and the audit log, by real `avn`.

use serde_json::json;

use crate::support::Stack;

/// The same stack for whoever has another token.
fn with_token(token: &str) -> Stack {
    let mut stack = Stack::new();
    token.clone_into(&mut stack.token);
    stack
}

#[tokio::test]
async fn a_token_is_made_used_described_and_revoked() {
    let stack = Stack::new();
    let what = stack.name("token");
    let create = ["user", "access-token", "create", "--description", &what];
    let made = stack.avn_json(&[&create[..], &["--max-age-seconds", "3600"]].concat()).await;
    // avn prints a list of one, or the object.
    let made = made.get(0).unwrap_or(&made).clone();
    let token = made["full_token"].as_str().expect("the token is shown once").to_owned();
    let prefix = token.chars().take(17).collect::<String>();
    let other = with_token(&token);
    let me = other.avn(&["user", "info"]).await;
    assert!(me.contains(&stack.project), "{me}");
    other.avn(&["service", "get", &stack.service]).await;

    let listed = stack.avn_json(&["user", "access-token", "list"]).await;
    let mine = listed.as_array().unwrap().iter().find(|it| it["token_prefix"] == prefix);
    let mine = mine.unwrap_or_else(|| panic!("{prefix} is not in {listed}"));
    assert_eq!(mine["description"], what);
    assert!(mine["last_used_time"].is_string(), "{mine}");
    assert!(!listed.to_string().contains(&token));
    let update = ["user", "access-token", "update", &prefix, "--description", "another"];
    stack.avn(&update).await;

    other.avn(&["user", "access-token", "revoke", &prefix]).await;
    let refused = other.avn_refused(&["service", "list"]).await;
    assert!(refused.contains("Invalid token"), "{refused}");
}

#[tokio::test]
async fn what_a_project_admin_may_not_do_is_said() {
    let stack = Stack::new();
    let refused = stack
        .avn_refused(&["project", "create", "--parent-id", "a1", &stack.name("project")])
        .await;
    assert!(refused.contains("needs the role admin in every project"), "{refused}");
}

#[tokio::test]
async fn tags_are_written_and_the_audit_log_says_by_whom() {
    let stack = Stack::new();
    let tags = ["service", "tags", "update", &stack.service];
    stack.avn(&[&tags[..], &["--add-tag", "team=shop"]].concat()).await;
    let listed = stack.avn(&["service", "tags", "list", &stack.service]).await;
    assert!(listed.contains("shop"), "{listed}");
    stack.avn(&[&tags[..], &["--remove-tag", "team"]].concat()).await;
    let path = format!("/project/{}/audit?event_type=service_tags_update&limit=2", stack.project);
    let log = stack.api("GET", &path, None).await.expect(200).json();
    let [removed, added] = log["audit"].as_array().unwrap().as_slice() else { panic!("{log}") };
    assert_eq!(added["after"], json!({ "team": "shop" }));
    assert_eq!(removed["before"], json!({ "team": "shop" }));
    assert!(removed["request_id"].is_string() && removed["actor"].is_string(), "{removed}");
    let me = stack.avn(&["user", "info"]).await;
    assert!(me.contains(removed["actor"].as_str().unwrap()), "{me}");
}

/// A dry run restarts nobody and says what would be.
#[tokio::test]
async fn a_dry_run_forecasts_the_restarts_of_a_change() {
    let stack = Stack::new();
    stack.settled().await;
    let before = stack.running();
    let path = format!("/project/{}/service/{}?dry_run=true", stack.project, stack.service);
    let body = json!({ "user_config": { "kafka": { "connections_max_idle_ms": 333_333 } } });
    let told = stack.api("PUT", &path, Some(&body)).await.expect(200).json()["tidegate"].take();
    assert_eq!(told["impact"]["rolling_restart"], json!(["connections.max.idle.ms"]));
    let nodes = told["forecast"]["nodes"].as_array().unwrap_or_else(|| panic!("{told}"));
    assert_eq!(nodes.len(), 3);
    assert_eq!(told["forecast"]["needs_consent"], false, "{told}");
    assert_eq!(stack.running(), before);
    assert_eq!(stack.service_object().await["state"], "RUNNING");
}
