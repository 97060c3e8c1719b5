//! Users, ACLs and topics.

use model::{
    AclBinding, AclEntry, AclHost, AclId, AclOperation, AclPattern, AclPermission,
    AclPermissionType, PatternType, Principal, ResourceType, Secret, TopicName, Username,
};
use sqlx::PgPool;
use store::{AddAclError, CreateTopicError, CreateUserError, DesiredTopic};

use crate::fixture::{by, with_service};

fn alice() -> Username {
    "alice".parse().unwrap()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_removed_user_that_is_made_again_gets_the_new_password(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let password = |text: &str| Secret::new(text.into());
    store.users.create(service.id, &alice(), &password("one"), &by()).await.unwrap();
    let again = store.users.create(service.id, &alice(), &password("two"), &by()).await;
    assert!(matches!(again, Err(CreateUserError::Exists)));
    store.users.mark_applied(service.id, &alice(), 1).await.unwrap();
    assert!(store.users.delete(service.id, &alice(), &by()).await.unwrap());
    store.users.create(service.id, &alice(), &password("three"), &by()).await.unwrap();
    let users = store.users.list(service.id).await.unwrap();
    let user = users.iter().find(|it| it.username == alice()).unwrap();
    assert!(!user.deleting);
    assert_eq!(user.password, password("three"));
    assert_ne!(user.applied_version, Some(user.password_version), "Kafka has to get it");
    store.users.forget(service.id, &alice()).await.unwrap();
    assert_eq!(store.users.list(service.id).await.unwrap().len(), 2, "it is not being removed");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn identical_acl_entries_exist_once(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let entry = |id: &str| AclEntry {
        id: AclId(id.into()),
        permission: AclPermission::Readwrite,
        topic: AclPattern::topic("orders*").unwrap(),
        username: AclPattern::username("alice").unwrap(),
    };
    store.acls.add(service.id, &entry("acl1"), &by()).await.unwrap();
    let again = store.acls.add(service.id, &entry("acl2"), &by()).await;
    assert!(matches!(again, Err(AddAclError::Identical)));
    assert!(store.acls.remove(service.id, &AclId("acl1".into()), &by()).await.unwrap());
    assert!(!store.acls.remove(service.id, &AclId("acl1".into()), &by()).await.unwrap());
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn owned_bindings_are_claimed_and_released(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let binding = AclBinding {
        principal: Principal("alice".into()),
        host: AclHost::ANY,
        resource_type: ResourceType::Topic,
        resource_name: "orders".into(),
        pattern_type: PatternType::Prefixed,
        operation: AclOperation::Read,
        permission_type: AclPermissionType::Allow,
    };
    let bindings = [binding.clone()];
    store.acls.claim(service.id, &bindings).await.unwrap();
    store.acls.claim(service.id, &bindings).await.unwrap();
    assert_eq!(store.acls.owned(service.id).await.unwrap(), [binding].into());
    store.acls.release(service.id, &bindings).await.unwrap();
    assert!(store.acls.owned(service.id).await.unwrap().is_empty());
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_topic_is_forgotten_only_when_it_is_to_be_removed(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let name: TopicName = "orders".parse().unwrap();
    let mut topic = DesiredTopic {
        name: name.clone(),
        partitions: 3,
        replication: 3,
        config: [("retention.ms".to_owned(), "1000".to_owned())].into(),
        tags: vec![("team".into(), "a".into())],
        deleting: false,
        problem: None,
    };
    store.topics.create(service.id, &topic, &by()).await.unwrap();
    let again = store.topics.create(service.id, &topic, &by()).await;
    assert!(matches!(again, Err(CreateTopicError::Exists)));
    store.topics.forget(service.id, &name).await.unwrap();
    assert_eq!(store.topics.list(service.id).await.unwrap(), [topic.clone()]);
    topic.deleting = true;
    store.topics.put(service.id, &topic, &by()).await.unwrap();
    store.topics.forget(service.id, &name).await.unwrap();
    assert!(store.topics.list(service.id).await.unwrap().is_empty());
}
