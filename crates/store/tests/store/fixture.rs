//! A service to test with.

use model::{Node, NodeId, NodePorts, ProjectName, Revision, RevisionId, Secret, ServiceId};
use serde_json::{Map, Value, json};
use sqlx::PgPool;
use store::{By, MasterKeys, NewService, Service, ServiceChange, ServiceSecrets, Store};
use uuid::Uuid;

pub(crate) fn by() -> By {
    By { actor: "test".into(), request_id: Some("request-1".into()) }
}

pub(crate) fn project() -> ProjectName {
    "dev".parse().unwrap()
}

pub(crate) fn revision(digit: char) -> Revision {
    Revision {
        id: RevisionId::try_from(digit.to_string().repeat(64)).unwrap(),
        server_properties: format!("revision={digit}\n"),
        jvm_options: vec!["-Xmx512m".into()],
    }
}

fn node(id: i32, base: u16) -> Node {
    let first = base + u16::try_from(id).unwrap() * 3;
    let ports = NodePorts { controller: first, internal: first + 1, client: first + 2 };
    Node { id: NodeId(id), host: "127.0.0.1".into(), ports, rack: format!("rack-{id}") }
}

pub(crate) fn new_service(name: &str, base: u16) -> NewService {
    let secret = |text: &str| Secret::new(text.into());
    NewService {
        id: ServiceId(Uuid::now_v7()),
        project: project(),
        name: name.parse().unwrap(),
        plan: "business-4".into(),
        cluster_id: "0123456789abcdefghijkl".into(),
        user_config: object(json!({ "kafka_rest": true })),
        revision: revision('a'),
        dynamic_config: [("min.insync.replicas".to_owned(), "2".to_owned())].into(),
        termination_protection: false,
        nodes: (1..=3).map(|id| node(id, base)).collect(),
        rest: ("127.0.0.1".into(), base),
        secrets: ServiceSecrets {
            broker: secret("b"),
            admin: secret("a"),
            rest_proxy: secret("r"),
        },
        avnadmin_password: secret("avnadmin-password"),
        warnings: Vec::new(),
        by: by(),
    }
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

/// The key that the tests' stores have.
pub(crate) const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// Master keys, one a line.
pub(crate) fn keys(text: &str) -> MasterKeys {
    MasterKeys::parse(&Secret::new(text.into())).unwrap()
}

/// A store with one service, `my-kafka`.
pub(crate) async fn with_service(pool: PgPool) -> (Store, Service) {
    let store = Store::on(pool).with_keys(keys(KEY));
    store.projects.ensure(&project(), &by()).await.unwrap();
    let new = new_service("my-kafka", 20_000);
    store.services.create(&new).await.unwrap();
    let service = store.services.by_id(new.id).await.unwrap().unwrap();
    (store, service)
}

pub(crate) fn change(to: char) -> ServiceChange {
    ServiceChange {
        plan: "business-4".into(),
        user_config: object(json!({ "kafka": { "num_partitions": 3 } })),
        revision: revision(to),
        dynamic_config: [].into(),
        previous_jwks_url: None,
        powered: true,
        termination_protection: true,
        maintenance: None,
        apply_in_window: None,
        warnings: Vec::new(),
        by: by(),
        description: "a change".into(),
    }
}
