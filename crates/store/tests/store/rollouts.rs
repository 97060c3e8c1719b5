//! Orders, and what two orchestrators do to each other.

use std::collections::BTreeMap;

use model::{NodeId, ServiceId, Timestamp};
use rolling::{
    Direction, End, Failure, FailureKind, Incarnation, Order, PartitionId, Paused, Policy, Raised,
    Remedy,
};
use sqlx::PgPool;
use store::{
    ActiveRollout, Consent, RecordError, RolloutCommand, StartRollout, StartRolloutError, Store,
};

use crate::fixture::{by, change, revision, with_service};

fn order(node: i32, to: char) -> BTreeMap<NodeId, Order> {
    let order = Order {
        revision: revision(to).id,
        from: Some(Incarnation("100@200".into())),
        at: Timestamp(0),
        attempt: 1,
    };
    BTreeMap::from([(NodeId(node), order)])
}

async fn active(store: &Store, service: ServiceId) -> Option<ActiveRollout> {
    store.rollouts.active(service, Policy::default()).await.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_order_pins_its_node_and_no_other(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    store.services.apply(&service, &change('b')).await.unwrap();
    let rollout = active(&store, service.id).await.unwrap();
    store.rollouts.record_orders(service.id, &rollout, &order(2, 'b')).await.unwrap();
    let pins = store.nodes.list(service.id).await.unwrap();
    let pinned: Vec<_> = pins.into_iter().map(|it| it.revision).collect();
    assert_eq!(pinned, [revision('a').id, revision('b').id, revision('a').id]);
    let written = active(&store, service.id).await.unwrap();
    let from = &written.rollout.orders[&NodeId(2)].from;
    assert_eq!(*from, Some(Incarnation("100@200".into())));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn of_two_orchestrators_only_one_writes_an_order(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    store.services.apply(&service, &change('b')).await.unwrap();
    let seen_by_both = active(&store, service.id).await.unwrap();
    let orders = [order(1, 'b'), order(2, 'b')];
    let (first, second) = tokio::join!(
        store.rollouts.record_orders(service.id, &seen_by_both, &orders[0]),
        store.rollouts.record_orders(service.id, &seen_by_both, &orders[1]),
    );
    let lost = [&first, &second].map(|it| matches!(it, Err(RecordError::Stale)));
    assert_ne!(lost[0], lost[1], "{first:?} {second:?}");
    let pins = store.nodes.list(service.id).await.unwrap();
    assert_eq!(pins.iter().filter(|it| it.revision == revision('b').id).count(), 1);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_newer_rollout_supersedes_and_keeps_the_order(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let after = store.services.apply(&service, &change('b')).await.unwrap().service;
    let older = active(&store, service.id).await.unwrap();
    store.rollouts.record_orders(service.id, &older, &order(2, 'b')).await.unwrap();
    store.services.apply(&after, &change('c')).await.unwrap();
    let newer = active(&store, service.id).await.unwrap();
    assert_ne!(newer.id, older.id);
    assert_eq!(newer.rollout.target, revision('c').id);
    assert_eq!(newer.rollout.orders[&NodeId(2)].revision, revision('b').id);
    let late = store.rollouts.end(service.id, &older, End::Done).await;
    assert!(matches!(late, Err(RecordError::Stale)));
}

fn failure() -> Failure {
    Failure { node: NodeId(2), kind: FailureKind::KeepsExiting, why: "it ended".into() }
}

/// A service that is good with `a` and on its way to `b`.
async fn rolling(pool: PgPool) -> (Store, store::Service, ActiveRollout) {
    let (store, service) = with_service(pool).await;
    let first = active(&store, service.id).await.unwrap();
    store.rollouts.end(service.id, &first, End::Done).await.unwrap();
    store.services.apply(&service, &change('b')).await.unwrap();
    let rollout = active(&store, service.id).await.unwrap();
    (store, service, rollout)
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_failed_first_node_leaves_the_service_with_what_it_had(pool: PgPool) {
    let (store, service, rollout) = rolling(pool).await;
    assert_eq!(rollout.rollout.base, Some(revision('a').id));
    store.rollouts.go_back(service.id, &rollout, &failure(), "the log").await.unwrap();
    let back = active(&store, service.id).await.unwrap();
    assert_eq!(back.rollout.direction, Direction::Back);
    assert_eq!(*back.rollout.goal(), revision('a').id);
    let now = store.services.by_id(service.id).await.unwrap().unwrap();
    assert_eq!((&now.target, &now.user_config), (&revision('a').id, &service.user_config));
    assert!(now.generation > service.generation + 1, "who read it before has to read it again");
    store.rollouts.end(service.id, &back, End::RolledBack).await.unwrap();
    let record = store.rollouts.get(service.id, back.id).await.unwrap().unwrap();
    assert_eq!(record.outcome.as_deref(), Some("rolled_back"));
    assert_eq!(record.failure, Some((failure(), "the log".into())));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_halted_rollout_goes_on_when_a_person_says_so(pool: PgPool) {
    let (store, service, rollout) = rolling(pool).await;
    store.rollouts.halt(service.id, &rollout, &failure(), "").await.unwrap();
    let halted = active(&store, service.id).await.unwrap();
    assert_eq!(halted.rollout.halted, Some(failure()));
    let tell = async |version, command| {
        store.rollouts.tell(service.id, rollout.id, version, &by(), &command).await
    };
    let late = tell(Some(rollout.version), RolloutCommand::Resume).await;
    assert!(matches!(late, Err(RecordError::Stale)), "{late:?}");
    tell(Some(halted.version), RolloutCommand::Resume).await.unwrap();
    let resumed = active(&store, service.id).await.unwrap();
    assert_eq!(resumed.rollout.halted, None);
    assert!(resumed.rollout.since > rollout.rollout.since, "no limit counts from before");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_people_say_is_kept(pool: PgPool) {
    let (store, service, rollout) = rolling(pool).await;
    let tell = async |command: RolloutCommand| {
        store.rollouts.tell(service.id, rollout.id, None, &by(), &command).await.unwrap();
        active(&store, service.id).await.unwrap().rollout
    };
    let paused =
        tell(RolloutCommand::Pause { name: "me".into(), reason: "lunch".into() }).await.paused;
    assert_eq!(paused, Some(Paused { by: "me".into(), reason: "lunch".into() }));
    assert!(tell(RolloutCommand::Abort).await.abort);
    let consent =
        Consent { by: "ann".into(), reason: "it is night".into(), raise_replication: false };
    assert_eq!(tell(RolloutCommand::Consent(consent)).await.remedy, Remedy::Consent);
    let back = tell(RolloutCommand::RollBack).await;
    assert_eq!((back.direction, back.abort), (Direction::Back, false));
    let again =
        store.rollouts.tell(service.id, rollout.id, None, &by(), &RolloutCommand::RollBack).await;
    assert!(matches!(again, Err(RecordError::Stale)), "{again:?}");
    let events = store.rollouts.events_after(rollout.id, 0, 100).await.unwrap();
    let kinds: Vec<&str> = events.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(kinds, ["started", "paused", "aborting", "consented", "going_back"]);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_rollout_is_started_once_for_each_key_and_not_beside_another(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let ask = |key: &str, generation| StartRollout {
        by: by(),
        idempotency_key: Some(key.into()),
        generation,
        all_nodes: true,
        ..StartRollout::default()
    };
    let under_way = store.rollouts.start(service.id, &ask("one", None)).await;
    assert!(matches!(under_way, Err(StartRolloutError::UnderWay)), "{under_way:?}");
    let first = active(&store, service.id).await.unwrap();
    store.rollouts.end(service.id, &first, End::Done).await.unwrap();
    let stale = store.rollouts.start(service.id, &ask("one", Some(99))).await;
    assert!(matches!(stale, Err(StartRolloutError::Stale)), "{stale:?}");
    let generation = Some(service.generation);
    let id = store.rollouts.start(service.id, &ask("one", generation)).await.unwrap();
    assert_eq!(store.rollouts.start(service.id, &ask("one", generation)).await.unwrap(), id);
    let started = active(&store, service.id).await.unwrap();
    assert_eq!(started.id, id);
    assert!(started.rollout.restart_all);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_replicas_that_partitions_shall_have_again_are_written_once(pool: PgPool) {
    let (store, service, rollout) = rolling(pool).await;
    let partition = PartitionId { topic: "single".into(), index: 0 };
    let raised = |original: &[i32]| Raised {
        partition: partition.clone(),
        original: original.iter().copied().map(NodeId).collect(),
    };
    store.rollouts.record_raised(service.id, &rollout, &[raised(&[1])]).await.unwrap();
    let rollout = active(&store, service.id).await.unwrap();
    store.rollouts.record_raised(service.id, &rollout, &[raised(&[1, 2, 3])]).await.unwrap();
    assert_eq!(store.rollouts.raised(service.id).await.unwrap(), [raised(&[1])]);
    store.rollouts.forget_raised(service.id, &[partition]).await.unwrap();
    assert_eq!(store.rollouts.raised(service.id).await.unwrap(), []);
}
