//! Kafka-native ACL entries, and client quotas.

use std::collections::BTreeMap;

use model::{
    AclBinding, AclId, ClientQuota, KafkaAcl, KafkaAclEntry, KafkaAclText, Principal, QuotaEntity,
    QuotaKey, QuotaName,
};
use serde_json::json;
use sqlx::PgPool;
use store::AddAclError;

use crate::fixture::{by, with_service};

fn entry(id: &str, host: &str) -> KafkaAclEntry {
    let text = KafkaAclText {
        principal: "User:auth0|1".into(),
        host: host.into(),
        resource_type: "Topic".into(),
        resource_name: "orders".into(),
        pattern_type: "PREFIXED".into(),
        operation: "Read".into(),
        permission_type: "DENY".into(),
    };
    KafkaAclEntry { id: AclId(id.into()), acl: KafkaAcl::parse(&text).unwrap() }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn identical_native_entries_exist_once(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let (one, other) = (entry("acl1", "2001:db8::1"), entry("acl3", "*"));
    store.kafka_acls.add(service.id, &one, &by()).await.unwrap();
    // Another way to write the same address.
    let again = store.kafka_acls.add(service.id, &entry("acl2", "2001:db8:0::1"), &by()).await;
    assert!(matches!(again, Err(AddAclError::Identical)));
    store.kafka_acls.add(service.id, &other, &by()).await.unwrap();
    assert_eq!(store.kafka_acls.list(service.id).await.unwrap(), [one.clone(), other.clone()]);
    assert!(store.kafka_acls.remove(service.id, &one.id, &by()).await.unwrap());
    assert!(!store.kafka_acls.remove(service.id, &one.id, &by()).await.unwrap());
    assert_eq!(store.kafka_acls.list(service.id).await.unwrap(), [other]);
}

/// As versions before hosts wrote them.
#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_binding_that_was_owned_before_there_were_hosts_is_the_same_one(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    let stored = json!({
        "principal": "alice", "resource_type": "Topic", "resource_name": "orders",
        "pattern_type": "Prefixed", "operation": "Read", "permission_type": "Deny",
    });
    let insert = "insert into owned_acl_binding (service_id, binding) values ($1, $2)";
    sqlx::query(insert).bind(service.id.0).bind(stored).execute(&pool).await.unwrap();
    let anywhere = entry("acl1", "*").acl.binding(Principal("alice".into()));
    let here = AclBinding { host: "10.0.0.1".parse().unwrap(), ..anywhere.clone() };
    assert_eq!(store.acls.owned(service.id).await.unwrap(), [anywhere.clone()].into());
    store.acls.claim(service.id, &[anywhere.clone(), here.clone()]).await.unwrap();
    assert_eq!(
        store.acls.owned(service.id).await.unwrap(),
        [anywhere.clone(), here.clone()].into()
    );
    store.acls.release(service.id, &[anywhere]).await.unwrap();
    assert_eq!(store.acls.owned(service.id).await.unwrap(), [here].into());
}

fn entity(user: Option<&str>, client_id: Option<&str>) -> QuotaEntity {
    let name = |key, it: Option<&str>| it.map(|it| QuotaName::parse(key, it).unwrap());
    QuotaEntity::new(name("user", user), name("client-id", client_id)).unwrap()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_quota_is_forgotten_only_when_it_is_to_be_removed(pool: PgPool) {
    use QuotaKey::{ConsumerByteRate, ProducerByteRate, RequestPercentage};

    let (store, service) = with_service(pool).await;
    let (user, both) = (entity(Some("default"), None), entity(Some("default"), Some("app")));
    let quota = |entity: &QuotaEntity, key| ClientQuota { entity: entity.clone(), key };
    let list = async || store.quotas.list(service.id).await.unwrap();
    let put = async |entity: &QuotaEntity, limits: &[(QuotaKey, f64)]| {
        store.quotas.put(service.id, entity, limits, &by()).await.unwrap();
    };
    put(&user, &[(ConsumerByteRate, 1.0), (RequestPercentage, 0.5)]).await;
    put(&user, &[(ConsumerByteRate, 2.0)]).await;
    put(&both, &[(ProducerByteRate, 3.0)]).await;
    let mut expected: BTreeMap<ClientQuota, Option<f64>> = [
        (quota(&user, ConsumerByteRate), Some(2.0)),
        (quota(&user, RequestPercentage), Some(0.5)),
        (quota(&both, ProducerByteRate), Some(3.0)),
    ]
    .into();
    assert_eq!(list().await, expected);

    assert!(store.quotas.delete(service.id, &user, &by()).await.unwrap());
    assert!(!store.quotas.delete(service.id, &user, &by()).await.unwrap());
    // One of the two comes back before Kafka has lost it.
    put(&user, &[(ConsumerByteRate, 4.0)]).await;
    expected.insert(quota(&user, ConsumerByteRate), Some(4.0));
    expected.insert(quota(&user, RequestPercentage), None);
    assert_eq!(list().await, expected);
    let all: Vec<ClientQuota> = expected.keys().cloned().collect();
    store.quotas.forget(service.id, &all).await.unwrap();
    expected.remove(&quota(&user, RequestPercentage));
    assert_eq!(list().await, expected);
}
