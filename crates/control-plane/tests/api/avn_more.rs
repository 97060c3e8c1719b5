//! What Aiven's clients ask for beside the main job: tasks, metrics, alerts, other names of the same.

use http::StatusCode;
use model::{Grants, Metric, NodeId, NodeSample, Role, Scope, Timestamp};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Api, SERVICE, add_token};

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_there_is_none_of_is_an_empty_list(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    for (path, key) in [
        ("/v1/project/dev/alerts".to_owned(), "alerts"),
        (format!("{SERVICE}/alerts"), "alerts"),
        (format!("{SERVICE}/backups"), "backups"),
        (format!("{SERVICE}/kafka/schema-registry/acl"), "acl"),
    ] {
        assert_eq!(api.get(&path).await.ok()[key], json!([]), "{path}");
    }
    let acl = format!("{SERVICE}/kafka/schema-registry/acl");
    let entry =
        json!({ "permission": "schema_registry_read", "resource": "Config:", "username": "a" });
    let refused = api.post(&acl, entry).await;
    assert_eq!(refused.brief(), "409 The service has no schema registry: none is offered");
    let gone = api.delete(&format!("{acl}/default")).await;
    assert_eq!(gone.brief(), "404 Schema registry ACL does not exist");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_upgrade_check_looks_at_the_options_that_are_stored(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let ask = async |body: Value| api.post(&format!("{SERVICE}/task"), body).await;
    let check = |version: &str| json!({ "task_type": "upgrade_check", "target_version": version });
    let good = ask(check("4.3")).await.ok();
    assert_eq!(good["task"]["success"], true, "{good}");
    let id = good["task"]["task_id"].as_str().unwrap();
    let again = api.get(&format!("{SERVICE}/task/{id}")).await.ok();
    assert_eq!(again["task"]["result"], good["task"]["result"]);
    let other = ask(check("4.2")).await.ok();
    assert_eq!(other["task"]["success"], false);
    assert_eq!(other["task"]["result"], "Kafka 4.2 is not offered: only 4.3 is");
    assert_eq!(
        ask(check("new")).await.brief(),
        "400 Invalid 'target_version': it is no version of Kafka, such as 4.3"
    );
    assert_eq!(
        ask(json!({ "task_type": "migration_check" })).await.brief(),
        "400 Invalid 'task_type': only upgrade_check is offered"
    );
    let unknown = api.get(&format!("{SERVICE}/task/t1")).await;
    assert_eq!(unknown.brief(), "404 Service task does not exist");
    // An option from before, which nobody would accept today.
    sqlx::query("update service set user_config = user_config || '{\"kafka\": {\"zk\": 1}}'")
        .execute(&pool)
        .await
        .unwrap();
    let old = ask(check("4.3")).await.ok();
    assert_eq!(old["task"]["success"], false);
    assert!(old["task"]["result"].as_str().unwrap().contains("kafka.zk"), "{old}");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn metrics_have_the_shape_of_a_chart_and_say_so_without_samples(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let path = format!("{SERVICE}/metrics");
    let metrics = api.post(&path, json!({ "period": "day" })).await.ok();
    insta::assert_json_snapshot!(metrics["metrics"]["cpu_usage"], @r#"
    {
      "data": {
        "cols": [
          {
            "label": "time",
            "type": "date"
          },
          {
            "label": "my-kafka-1",
            "type": "number"
          },
          {
            "label": "my-kafka-2",
            "type": "number"
          },
          {
            "label": "my-kafka-3",
            "type": "number"
          }
        ],
        "rows": []
      },
      "hints": {
        "title": "CPU usage %: no samples yet"
      }
    }
    "#);
    assert_eq!(
        api.post(&path, json!({ "period": "minute" })).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn metrics_are_what_nodes_used(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let service = api.service().await.id;
    let used = |node: i32, cpu: f32| NodeSample {
        node: NodeId(node),
        values: [(Metric::CpuUsage, cpu), (Metric::NetSend, 0.0)].into(),
    };
    // Far from the ends of the hour that is asked for.
    let half_an_hour_ago = Timestamp::now().plus_ms(-30 * 60 * 1000);
    for (seconds, samples) in [(0, vec![used(1, 1.5), used(2, 20.0)]), (60, vec![used(1, 3.5)])] {
        let at = half_an_hour_ago.plus_ms(seconds * 1000);
        api.store.metrics.record(service, at, &samples).await.unwrap();
    }
    let path = format!("{SERVICE}/metrics");
    // An hour if nothing is said.
    let metrics = api.post(&path, json!({})).await.ok()["metrics"].clone();
    let rows = metrics["cpu_usage"]["data"]["rows"].as_array().unwrap();
    let begins = Timestamp(half_an_hour_ago.0 - half_an_hour_ago.0.rem_euclid(30_000));
    let time = |steps: i64| begins.plus_ms(steps * 30_000).to_string();
    let expected = json!([
        [time(0), 1.5, 20.0, null],
        [time(1), null, null, null],
        [time(2), 3.5, null, null],
    ]);
    assert_eq!(json!(rows), expected);
    assert_eq!(metrics["cpu_usage"]["hints"]["title"], "CPU usage %");
    assert_eq!(metrics["net_send"]["data"]["rows"][2], json!([time(2), 0.0, null, null]));
    assert_eq!(metrics["mem_usage"]["data"]["rows"], json!([]));
    let all: Vec<_> = metrics.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(all, Metric::ALL.map(Metric::as_str));
    for period in ["hour", "day", "week", "month", "year"] {
        let body = json!({ "period": period });
        let metrics = api.post(&path, body).await.ok()["metrics"].clone();
        let rows = metrics["cpu_usage"]["data"]["rows"].as_array().unwrap();
        assert_eq!(rows[0].as_array().unwrap().len(), 4, "{period}: {rows:?}");
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn users_are_listed_and_reset_by_the_names_of_the_documentation(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let listed = api.get(&format!("{SERVICE}/user")).await.ok();
    let before = listed["users"][0].clone();
    assert_eq!(before["username"], "avnadmin");
    let reset = api.call("POST", &format!("{SERVICE}/user/avnadmin/reset-credentials"), None).await;
    let after = reset.ok()["service"]["users"][0]["password"].clone();
    assert!(after.is_string() && after != before["password"]);
    let path = format!("{SERVICE}/user/nobody/reset-credentials");
    assert_eq!(api.call("POST", &path, None).await.brief(), "404 Service user does not exist");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_project_keeps_what_it_has(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let put = async |body: Value| api.put("/v1/project/dev?limit=999", body).await.brief();
    assert_eq!(put(json!({ "project_name": "dev", "cloud": "self-hosted" })).await, "200 updated");
    assert_eq!(
        put(json!({ "project_name": "new" })).await,
        "400 Invalid 'project_name': a project cannot be renamed, and this one is dev"
    );
    assert_eq!(put(json!({ "vat_id": "FI1" })).await, "400 Invalid input: 'vat_id' is not offered");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn whoever_logs_out_loses_this_token_and_no_other(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let scope = Scope::Project("dev".parse().unwrap());
    for token in ["tidegate_one-and-only", "tidegate_two-of-them"] {
        add_token(&api.store, token, Grants::one(scope.clone(), Role::Admin)).await;
    }
    let log_out =
        async || api.call_as("tidegate_one-and-only", "POST", "/v1/me/logout", None).await;
    assert_eq!(log_out().await.brief(), "200 logged out");
    assert_eq!(log_out().await.status, StatusCode::UNAUTHORIZED);
    api.call_as("tidegate_two-of-them", "GET", "/v1/me", None).await.ok();
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn another_plan_restarts_the_nodes_with_its_memory(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let body = json!({ "plan": "startup-2", "user_config": {} });
    let dry = api.put(&format!("{SERVICE}?dry_run=true"), body.clone()).await.ok();
    assert_eq!(
        dry["tidegate"]["diff"],
        json!([{ "key": "plan", "before": "business-4", "after": "startup-2" }])
    );
    assert_eq!(
        dry["tidegate"]["impact"]["rolling_restart"],
        json!(["-Xms192m", "-Xms256m", "-Xmx384m", "-Xmx512m"])
    );
    assert_eq!(dry["service"]["plan"], "business-4");
    let changed = api.put(SERVICE, body.clone()).await.ok();
    assert_eq!(changed["service"]["plan"], "startup-2");
    assert_eq!(changed["service"]["state"], "REBUILDING");
    assert!(changed["tidegate"]["rollout"].is_object(), "{changed}");
    api.finish_rollout().await;
    let same = api.put(SERVICE, body).await.ok();
    assert_eq!(same["tidegate"]["rollout"], Value::Null);
    assert_eq!(same["service"]["state"], "RUNNING");
    let log = api.get("/v1/project/dev/audit?event_type=service_update").await.ok();
    assert_eq!(log["audit"][0]["before"]["plan"], "business-4");
    assert_eq!(log["audit"][0]["after"]["plan"], "startup-2");
    let unknown = api.put(SERVICE, json!({ "plan": "premium-9" })).await;
    assert_eq!(
        unknown.brief(),
        "400 Invalid 'plan': premium-9: it is none of startup-2, business-4"
    );
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn how_to_connect_is_told_without_secrets(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let password = api.get(&format!("{SERVICE}/user/avnadmin")).await.ok();
    let password = password["user"]["password"].as_str().unwrap().to_owned();
    let told = api.get(&format!("{SERVICE}/connection_info")).await.ok();
    let info = &told["connection_info"];
    assert_eq!(info["sasl_mechanism"], "SCRAM-SHA-512");
    let addresses = info["bootstrap_servers"].as_str().unwrap();
    assert_eq!(addresses.split(',').count(), 3);
    for client in ["librdkafka", "java", "python", "kcat"] {
        let snippet = info["snippets"][client].as_str().unwrap();
        assert!(
            snippet.contains(addresses) && snippet.contains("<PASSWORD>"),
            "{client}: {snippet}"
        );
    }
    assert!(!told.to_string().contains(&password));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn many_topics_are_asked_for_at_once(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let path = "/v2/project/dev/service/my-kafka/topic";
    let ask = async |names: Value| api.post(path, json!({ "topic_names": names })).await;
    assert_eq!(ask(json!([])).await.ok()["topics"], json!([]));
    let many = json!((0..101).map(|it| it.to_string()).collect::<Vec<_>>());
    assert_eq!(ask(many).await.brief(), "400 Invalid 'topic_names': 101 names are more than 100");
    // There is no Kafka here.
    assert_eq!(ask(json!(["orders"])).await.status, StatusCode::SERVICE_UNAVAILABLE);
}
