//! Client quotas, as `kafka.admin.ConfigCommand` names them.

use std::collections::BTreeMap;

use kafka::{ErrorCode, KafkaError};
use model::{ClientQuota, QuotaEntity, QuotaKey, QuotaName};

use crate::stage::Stage;

const TOOL: &str = "kafka.admin.ConfigCommand";

fn entity(user: Option<&str>, client_id: Option<&str>) -> QuotaEntity {
    let name = |key, it: Option<&str>| it.map(|it| QuotaName::parse(key, it).unwrap());
    QuotaEntity::new(name("user", user), name("client-id", client_id)).unwrap()
}

/// The limits of entities of this test. The default entities are nobody's, and left alone.
async fn described(stage: &Stage) -> BTreeMap<ClientQuota, f64> {
    let mut all = stage.admin.describe_quotas().await.unwrap();
    all.retain(|it, _| it.entity.to_string().contains(&stage.prefix));
    all
}

#[tokio::test]
async fn every_kind_of_entity_and_key_is_what_java_describes() {
    let stage = Stage::new("quota");
    let name = stage.prefix.as_str();
    // Named as the platform's own principals are.
    let own = format!(" {name}");
    let entities = [
        (QuotaEntity::of_user(&own), vec!["--entity-type", "users", "--entity-name", own.as_str()]),
        (entity(Some(name), None), vec!["--entity-type", "users", "--entity-name", name]),
        (entity(None, Some(name)), vec!["--entity-type", "clients", "--entity-name", name]),
        (
            entity(Some(name), Some("default")),
            vec![
                "--entity-type",
                "users",
                "--entity-name",
                name,
                "--entity-type",
                "clients",
                "--entity-default",
            ],
        ),
        (
            entity(Some("default"), Some(name)),
            vec![
                "--entity-type",
                "users",
                "--entity-default",
                "--entity-type",
                "clients",
                "--entity-name",
                name,
            ],
        ),
    ];
    let mut wanted = BTreeMap::new();
    for (at, (entity, _)) in (1_u8..).zip(&entities) {
        for (key, times) in QuotaKey::ALL.into_iter().zip([1.0, 10.0, 0.25]) {
            wanted.insert(ClientQuota { entity: entity.clone(), key }, f64::from(at) * times);
        }
    }
    let changes = wanted.iter().map(|(quota, limit)| (quota.clone(), Some(*limit))).collect();
    stage.admin.alter_quotas(&changes).await.unwrap();
    stage.admin.alter_quotas(&changes).await.expect("a second time changes nothing");
    stage.until("all are described", async || described(&stage).await == wanted).await;
    for (at, (_, arguments)) in (1_u8..).zip(&entities) {
        let java = stage.tool(TOOL, &[&["--describe"], &arguments[..]].concat()).await;
        let at = f64::from(at);
        for (key, limit) in QuotaKey::ALL.into_iter().zip([at, at * 10.0, at * 0.25]) {
            assert!(java.contains(&format!("{}={limit:?}", key.as_str())), "{key:?}: {java}");
        }
    }

    let fraction = ClientQuota { entity: entities[1].0.clone(), key: QuotaKey::ConsumerByteRate };
    let refused = stage.admin.alter_quotas(&[(fraction, Some(1.5))].into()).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::InvalidRequest), "{refused}");
    assert!(matches!(refused, KafkaError::Items { .. }) && refused.to_string().contains(name));

    let gone: BTreeMap<_, _> = wanted.keys().map(|it| (it.clone(), None)).collect();
    stage.admin.alter_quotas(&gone).await.unwrap();
    stage.admin.alter_quotas(&gone).await.expect("gone is fine");
    stage.until("none is described", async || described(&stage).await.is_empty()).await;
}
