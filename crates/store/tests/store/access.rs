//! Users, ACLs, topics and tokens.

use model::{
    AclBinding, AclEntry, AclHost, AclId, AclOperation, AclPattern, AclPermission,
    AclPermissionType, PatternType, Principal, ResourceType, Secret, TopicName, Username,
};
use sqlx::PgPool;
use store::{AddAclError, CreateTopicError, CreateUserError, DesiredTopic, TokenScope};

use crate::fixture::{project, with_service};

fn alice() -> Username {
    "alice".parse().unwrap()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_removed_user_that_is_made_again_gets_the_new_password(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let password = |text: &str| Secret::new(text.into());
    store.users.create(service.id, &alice(), &password("one")).await.unwrap();
    let again = store.users.create(service.id, &alice(), &password("two")).await;
    assert!(matches!(again, Err(CreateUserError::Exists)));
    store.users.mark_applied(service.id, &alice(), 1).await.unwrap();
    assert!(store.users.delete(service.id, &alice()).await.unwrap());
    store.users.create(service.id, &alice(), &password("three")).await.unwrap();
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
    store.acls.add(service.id, &entry("acl1")).await.unwrap();
    let again = store.acls.add(service.id, &entry("acl2")).await;
    assert!(matches!(again, Err(AddAclError::Identical)));
    assert!(store.acls.remove(service.id, &AclId("acl1".into())).await.unwrap());
    assert!(!store.acls.remove(service.id, &AclId("acl1".into())).await.unwrap());
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
    store.topics.create(service.id, &topic).await.unwrap();
    let again = store.topics.create(service.id, &topic).await;
    assert!(matches!(again, Err(CreateTopicError::Exists)));
    store.topics.forget(service.id, &name).await.unwrap();
    assert_eq!(store.topics.list(service.id).await.unwrap(), [topic.clone()]);
    topic.deleting = true;
    store.topics.put(service.id, &topic).await.unwrap();
    store.topics.forget(service.id, &name).await.unwrap();
    assert!(store.topics.list(service.id).await.unwrap().is_empty());
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_proxys_new_token_replaces_the_old_one(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    store.tokens.add(&[0; 32], &project(), "mine").await.unwrap();
    store.tokens.replace_rest_proxy(&[1; 32], service.id).await.unwrap();
    store.tokens.replace_rest_proxy(&[2; 32], service.id).await.unwrap();
    let scope = async |hash: [u8; 32]| store.tokens.scope(&hash).await.unwrap();
    assert_eq!(scope([0; 32]).await, Some(TokenScope::Project(project())));
    assert_eq!(scope([1; 32]).await, None);
    assert_eq!(scope([2; 32]).await, Some(TokenScope::RestProxy(service.id)));
}
