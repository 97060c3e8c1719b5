//! Who did what, for good.

use model::{AclEntry, AclId, AclPattern, AclPermission, Secret};
use serde_json::json;
use sqlx::PgPool;
use store::{Event, EventFilter};

use crate::fixture::{by, change, project, with_service};

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_change_is_there_with_who_which_request_before_and_after(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    store.services.apply(&service, &change('a')).await.unwrap();
    let entry = AclEntry {
        id: AclId("acl1".into()),
        permission: AclPermission::Read,
        topic: AclPattern::topic("orders").unwrap(),
        username: AclPattern::username("alice").unwrap(),
    };
    store.acls.add(service.id, &entry, &by()).await.unwrap();
    store.acls.remove(service.id, &entry.id, &by()).await.unwrap();
    let latest = async |filter: EventFilter| store.events.latest(&filter, 100).await.unwrap();
    let one = async |event_type: &str| -> Event {
        let filter = EventFilter { event_type: Some(event_type.into()), ..EventFilter::default() };
        let mut found = latest(filter).await;
        assert_eq!(found.len(), 1, "{event_type}: {found:?}");
        found.remove(0)
    };
    let update = one("service_update").await;
    assert_eq!((update.actor.as_str(), update.request_id.as_deref()), ("test", Some("request-1")));
    assert_eq!(update.project.as_deref(), Some("dev"));
    assert_eq!(update.before.unwrap()["user_config"], json!({ "kafka_rest": true }));
    let after = update.after.unwrap();
    assert_eq!(after["user_config"], json!({ "kafka": { "num_partitions": 3 } }));
    assert_eq!(after["termination_protection"], true);
    let acl = json!({ "id": "acl1", "permission": "read", "topic": "orders", "username": "alice" });
    assert_eq!(one("service_acl_add").await.after, Some(acl.clone()));
    assert_eq!(one("service_acl_delete").await.before, Some(acl));
    assert_eq!(one("project_create").await.service_name, None);
    let of_service =
        EventFilter { service_name: Some("my-kafka".into()), ..EventFilter::default() };
    let of_service = latest(of_service).await;
    assert!(of_service.iter().all(|it| it.service_name.as_deref() == Some("my-kafka")));
    let older = EventFilter { before_id: Some(of_service[1].id), ..EventFilter::default() };
    assert!(latest(older).await.iter().all(|it| it.id < of_service[1].id));
    let others = EventFilter { actor: Some("nobody".into()), ..EventFilter::default() };
    assert_eq!(latest(others).await, []);
    let of_project = EventFilter { project: Some(project()), ..EventFilter::default() };
    assert_eq!(latest(of_project).await.len(), of_service.len() + 1);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn nothing_of_it_can_be_changed_or_deleted(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    let before = store.events.latest(&EventFilter::default(), 100).await.unwrap();
    for statement in ["update event set actor = 'x'", "delete from event", "truncate event"] {
        let error = sqlx::query(statement).execute(&pool).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{statement}: {error}");
    }
    assert_eq!(store.events.latest(&EventFilter::default(), 100).await.unwrap(), before);
    assert!(before.iter().any(|it| it.service_name.as_deref() == Some(service.name.as_str())));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn no_password_is_in_it(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let alice = "alice".parse().unwrap();
    let password = Secret::new("hunter2-hunter2".into());
    store.users.create(service.id, &alice, &password, &by()).await.unwrap();
    store.users.set_password(service.id, &alice, &password, &by()).await.unwrap();
    let events = store.events.latest(&EventFilter::default(), 100).await.unwrap();
    let text = format!("{events:?}");
    assert!(!text.contains("hunter2") && !text.contains("avnadmin-password"), "{text}");
}
