//! Services, and the changes that are made to them.

use std::time::Duration;

use model::{Secret, ServiceId, ServiceState};
use rolling::{End, Policy};
use sqlx::PgPool;
use store::{
    ApplyError, CreateServiceError, EventFilter, ProbeCredentials, Service, ServiceChange, Store,
    TerminateError, UserType,
};

use crate::fixture::{by, change, new_service, object, project, revision, with_service};

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_new_service_has_its_nodes_its_admin_and_a_rollout(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    assert_eq!(service.state, ServiceState::Rebuilding);
    assert_eq!(service.nodes.len(), 3);
    assert_eq!(service.target, revision('a').id);
    let users = store.users.list(service.id).await.unwrap();
    assert_eq!(users[0].username.as_str(), "avnadmin");
    assert_eq!(users[0].kind, UserType::Primary);
    assert_eq!(store.acls.list(service.id).await.unwrap()[0].id.0, "default");
    let rollout = store.rollouts.active(service.id, Policy::default()).await.unwrap().unwrap();
    assert_eq!(rollout.rollout.target, revision('a').id);
    let stored = store.nodes.revision(&service.target).await.unwrap();
    assert_eq!(stored, Some(revision('a')));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn names_and_ports_are_taken_once(pool: PgPool) {
    let (store, _) = with_service(pool).await;
    let create = async |name: &str, base| store.services.create(&new_service(name, base)).await;
    assert!(matches!(create("my-kafka", 21_000).await, Err(CreateServiceError::Exists)));
    assert!(matches!(create("other", 20_000).await, Err(CreateServiceError::PortTaken)));
    create("other", 21_000).await.unwrap();
    let mut stranger = new_service("third", 22_000);
    stranger.project = "nowhere".parse().unwrap();
    let refused = store.services.create(&stranger).await;
    assert!(matches!(refused, Err(CreateServiceError::NoSuchProject)));
    assert_eq!(store.services.list(&project()).await.unwrap().len(), 2);
}

async fn stored(store: &Store, service: ServiceId) -> Service {
    store.services.by_id(service).await.unwrap().unwrap()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_change_decided_on_an_older_state_is_refused(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let applied = store.services.apply(&service, &change('b')).await.unwrap();
    let stale = store.services.apply(&service, &change('c')).await;
    assert!(matches!(stale, Err(ApplyError::Stale)));
    let now = stored(&store, service.id).await;
    assert_eq!(applied.service, now, "what is answered is what is stored");
    assert_eq!(now.state, ServiceState::Rebuilding);
    assert_eq!(now.generation, service.generation + 1);
    assert_eq!(now.target, revision('b').id);
    assert_eq!(now.user_config, object(serde_json::json!({ "kafka": { "num_partitions": 3 } })));
    assert!(now.termination_protection);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_is_answered_to_a_change_of_everything_is_what_is_stored(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let everything = ServiceChange {
        plan: "premium".into(),
        dynamic_config: [("log.retention.ms".to_owned(), "1".to_owned())].into(),
        previous_jwks_url: Some("https://idp.example.com/jwks".into()),
        powered: !service.powered,
        termination_protection: !service.termination_protection,
        maintenance: Some(("monday".into(), "04:00:00".into())),
        apply_in_window: Some(!service.apply_in_window),
        ..change('b')
    };
    let applied = store.services.apply(&service, &everything).await.unwrap();
    let now = stored(&store, service.id).await;
    assert_eq!(applied.service, now);
    assert_eq!(now.state, ServiceState::PowerOff);
    let on = ServiceChange { powered: true, ..change('b') };
    let applied = store.services.apply(&now, &on).await.unwrap();
    assert_eq!(applied.service.state, ServiceState::Rebuilding, "its rollout goes on");
    assert_eq!(applied.service, stored(&store, service.id).await);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_same_revision_starts_no_rollout(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let first = store.rollouts.active(service.id, Policy::default()).await.unwrap().unwrap();
    store.rollouts.end(service.id, &first, End::Done).await.unwrap();
    let applied = store.services.apply(&service, &change('a')).await.unwrap();
    let now = stored(&store, service.id).await;
    assert_eq!(applied.service, now, "what is answered is what is stored");
    assert_eq!(now.state, ServiceState::Running);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_change_is_heard(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    let mut changes = Store::on(pool).changes().await.unwrap();
    store.services.apply(&service, &change('b')).await.unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(10), changes.next()).await.unwrap();
    assert_eq!(heard.unwrap(), Some(service.id));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_probes_credentials_are_kept_replaced_and_removed(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    assert_eq!(store.services.probe(service.id).await.unwrap(), None);
    let mut credentials = ProbeCredentials {
        token_url: "https://idp.example.com/token".into(),
        client_id: "probe".into(),
        client_secret: Secret::new("hunter2".into()),
        parameters: [("audience".to_owned(), "kafka".to_owned())].into(),
    };
    for secret in ["hunter2", "hunter3"] {
        credentials.client_secret = Secret::new(secret.into());
        store.services.set_probe(service.id, &credentials, &by()).await.unwrap();
        assert_eq!(store.services.probe(service.id).await.unwrap(), Some(credentials.clone()));
    }
    let events = store.events.latest(&EventFilter::default(), 10).await.unwrap();
    assert!(events.iter().all(|it| !it.description.contains("hunter")), "{events:?}");
    assert!(store.services.remove_probe(service.id, &by()).await.unwrap());
    assert!(!store.services.remove_probe(service.id, &by()).await.unwrap());
    assert_eq!(store.services.probe(service.id).await.unwrap(), None);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_change_waits_for_the_window_if_it_is_told_to_in_the_same_change(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let mut asked = change('b');
    asked.maintenance = Some(("sunday".into(), "03:00:00".into()));
    asked.apply_in_window = Some(true);
    let applied = store.services.apply(&service, &asked).await.unwrap();
    assert_eq!(applied.service, stored(&store, service.id).await);
    let started = applied.rollout.unwrap();
    let rollout = store.rollouts.get(service.id, started).await.unwrap().unwrap();
    assert_eq!(rollout.window, Some(("sunday".to_owned(), "03:00:00".to_owned())));
    let again = store.services.apply(&applied.service, &change('b')).await.unwrap();
    assert_eq!(again.rollout, None);
    let now = stored(&store, service.id).await;
    assert_eq!(again.service, now);
    assert!(now.apply_in_window, "a change that says nothing of it leaves it");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_service_that_is_terminated_is_not_found_and_keeps_its_ports_until_it_is_gone(
    pool: PgPool,
) {
    let (store, service) = with_service(pool).await;
    let mut protected = change('b');
    protected.powered = true;
    let service = store.services.apply(&service, &protected).await.unwrap().service;
    let refused = store.services.terminate(service.id, &by()).await;
    assert!(matches!(refused, Err(TerminateError::Protected)), "{refused:?}");
    store.services.forget(service.id).await.unwrap();
    assert!(store.services.by_id(service.id).await.unwrap().is_some(), "it was not told to go");
    let free = ServiceChange { termination_protection: false, ..change('b') };
    store.services.apply(&service, &free).await.unwrap();
    for _ in 0..2 {
        store.services.terminate(service.id, &by()).await.unwrap();
    }
    assert_eq!(store.services.get(&project(), &service.name).await.unwrap(), None);
    assert_eq!(store.services.list(&project()).await.unwrap(), []);
    assert!(store.services.is_terminating(&project(), &service.name).await.unwrap());
    let left = store.services.by_id(service.id).await.unwrap().unwrap();
    assert_eq!((left.terminating, left.state), (true, ServiceState::PowerOff));
    assert!(store.rollouts.active(service.id, Policy::default()).await.unwrap().is_none());
    let again = store.services.create(&new_service("my-kafka", 30_000)).await;
    assert!(matches!(again, Err(CreateServiceError::Exists)), "{again:?}");
    store.services.forget(service.id).await.unwrap();
    assert_eq!(store.services.by_id(service.id).await.unwrap(), None);
    store.services.create(&new_service("my-kafka", 20_000)).await.unwrap();
    let told = EventFilter { service_name: Some("my-kafka".into()), ..EventFilter::default() };
    let told = store.events.latest(&told, 100).await.unwrap();
    let kinds: Vec<&str> = told.iter().map(|it| it.event_type.as_str()).collect();
    assert!(kinds.contains(&"service_terminate"), "what happened stays: {kinds:?}");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn tags_are_changed_one_by_one_or_all_at_once(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let set = async |change: &[(&str, Option<&str>)], all| {
        let owned = |it: &(&str, Option<&str>)| (it.0.to_owned(), it.1.map(str::to_owned));
        let change = change.iter().map(owned).collect();
        store.services.set_tags(service.id, &change, all, &by()).await.unwrap();
        let tags = store.services.by_id(service.id).await.unwrap().unwrap().tags;
        tags.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(set(&[("a", Some("1")), ("b", Some("2"))], false).await, ["a=1", "b=2"]);
    assert_eq!(set(&[("a", None), ("c", Some(""))], false).await, ["b=2", "c="]);
    assert_eq!(set(&[("d", Some("4"))], true).await, ["d=4"]);
}
