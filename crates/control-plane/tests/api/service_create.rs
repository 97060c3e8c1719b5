//! Making services.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::task::JoinSet;

use crate::harness::Api;

const SERVICES: &str = "/v1/project/dev/service";

fn kafka(name: &str) -> Value {
    json!({ "service_name": name, "service_type": "kafka", "plan": "business-4", "cloud": null })
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_new_service_is_rebuilding_and_complete(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let made = api.post(SERVICES, kafka("my-kafka")).await;
    assert_eq!(made.brief(), "201 created");
    let service = &made.body["service"];
    assert_eq!(service["state"], "REBUILDING");
    assert_eq!(service["node_states"].as_array().unwrap().len(), 3);
    assert_eq!(service["connection_info"]["kafka"][0], "127.0.0.1:102");
    assert_eq!(service["connection_info"].get("kafka_rest_uri"), None);
    assert_eq!(service["acl"][0]["username"], "avnadmin");
    assert_eq!(service["user_config"]["kafka_connect"], false);
    let racks: BTreeSet<String> = api.service().await.nodes.into_iter().map(|it| it.rack).collect();
    assert_eq!(racks.len(), 3);
    assert_eq!(api.post(SERVICES, kafka("my-kafka")).await.status, 409);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn services_made_at_once_share_no_port(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let mut made = JoinSet::new();
    for at in 0..4 {
        let api = api.clone();
        made.spawn(async move { api.post(SERVICES, kafka(&format!("k{at}"))).await.ok() });
    }
    made.join_all().await;
    let mut ports = Vec::new();
    for service in api.store.services.list(&"dev".parse().unwrap()).await.unwrap() {
        for node in service.nodes {
            ports.extend([node.ports.controller, node.ports.internal, node.ports.client]);
        }
        ports.push(service.rest_address.rsplit(':').next().unwrap().parse().unwrap());
    }
    assert_eq!(ports.len(), 40);
    assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 40);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_cannot_be_made_is_refused(pool: PgPool) {
    let api = Api::empty(&pool).await;
    let bad = [
        kafka("My_Kafka"),
        with(kafka("a"), "service_type", json!("pg")),
        with(kafka("a"), "plan", json!("premium-9")),
        with(kafka("a"), "cloud", json!("aws-eu-west-1")),
        with(kafka("a"), "static_ips", json!(["ip1"])),
        with(kafka("a"), "user_config", json!({ "kafka": { "bogus": 1 } })),
        with(kafka("a"), "user_config", json!({ "kafka": { "default_replication_factor": 4 } })),
        json!({}),
    ];
    let mut answers = Vec::new();
    for body in bad {
        answers.push(api.post(SERVICES, body).await.brief());
    }
    insta::assert_debug_snapshot!(answers);
    assert_eq!(api.get(SERVICES).await.ok()["services"], json!([]));
}
