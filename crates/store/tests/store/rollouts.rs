//! Orders, and what two orchestrators do to each other.

use model::{NodeId, Timestamp};
use rolling::{Incarnation, Order};
use sqlx::PgPool;
use store::RecordError;

use crate::fixture::{change, revision, with_service};

fn order(node: i32, to: char) -> Order {
    Order {
        node: NodeId(node),
        revision: revision(to).id,
        from: Some(Incarnation("100@200".into())),
        at: Timestamp(0),
        attempt: 1,
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_order_pins_its_node_and_no_other(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    store.services.apply(service.id, service.generation, &change('b')).await.unwrap();
    let rollout = store.rollouts.active(service.id).await.unwrap().unwrap();
    store.rollouts.record_order(service.id, &rollout, &order(2, 'b')).await.unwrap();
    let pins = store.nodes.list(service.id).await.unwrap();
    let pinned: Vec<_> = pins.into_iter().map(|it| it.revision).collect();
    assert_eq!(pinned, [revision('a').id, revision('b').id, revision('a').id]);
    let written = store.rollouts.active(service.id).await.unwrap().unwrap();
    let written = written.rollout.order.unwrap();
    assert_eq!((written.node, written.from), (NodeId(2), Some(Incarnation("100@200".into()))));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn of_two_orchestrators_only_one_writes_an_order(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    store.services.apply(service.id, service.generation, &change('b')).await.unwrap();
    let seen_by_both = store.rollouts.active(service.id).await.unwrap().unwrap();
    let orders = [order(1, 'b'), order(2, 'b')];
    let (first, second) = tokio::join!(
        store.rollouts.record_order(service.id, &seen_by_both, &orders[0]),
        store.rollouts.record_order(service.id, &seen_by_both, &orders[1]),
    );
    let lost = [&first, &second].map(|it| matches!(it, Err(RecordError::Stale)));
    assert_ne!(lost[0], lost[1], "{first:?} {second:?}");
    let pins = store.nodes.list(service.id).await.unwrap();
    assert_eq!(pins.iter().filter(|it| it.revision == revision('b').id).count(), 1);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_newer_rollout_supersedes_and_keeps_the_order(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    store.services.apply(service.id, 1, &change('b')).await.unwrap();
    let older = store.rollouts.active(service.id).await.unwrap().unwrap();
    store.rollouts.record_order(service.id, &older, &order(2, 'b')).await.unwrap();
    store.services.apply(service.id, 2, &change('c')).await.unwrap();
    let newer = store.rollouts.active(service.id).await.unwrap().unwrap();
    assert_ne!(newer.id, older.id);
    assert_eq!(newer.rollout.target, revision('c').id);
    assert_eq!(newer.rollout.order.as_ref().unwrap().revision, revision('b').id);
    let late = store.rollouts.finish(service.id, &older).await;
    assert!(matches!(late, Err(RecordError::Stale)));
}
