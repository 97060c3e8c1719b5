//! What brokers refused.

use model::{Denial, DenialRule, Denied, NodeId, ServiceId, ShownText, Timestamp};
use sqlx::PgPool;
use store::{DenialRecord, Store};
use uuid::Uuid;

use crate::fixture::with_service;

const NOW: Timestamp = Timestamp(1_795_291_200_000);
const DAY: i64 = 24 * 60 * 60 * 1000;

fn denial(node: i32, topic: &str, days_ago: i64) -> Denial {
    let denied = Denied {
        principal: ShownText::of("alice"),
        host: ShownText::of("127.0.0.1"),
        operation: ShownText::of("Write"),
        resource_type: ShownText::of("Topic"),
        resource_name: ShownText::of(topic),
        request: ShownText::of("Produce"),
        rule: Some(DenialRule::NoEntry),
    };
    Denial {
        node: NodeId(node),
        denied: Some(denied),
        times: 3,
        last: NOW.plus_ms(-days_ago * DAY),
    }
}

fn denials(records: &[DenialRecord]) -> Vec<Denial> {
    records.iter().map(|it| it.denial.clone()).collect()
}

async fn all(store: &Store, service: ServiceId) -> Vec<DenialRecord> {
    store.denials.earliest(service, 0, 1_000_000).await.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn denials_are_read_both_ways_in_the_order_in_which_they_were_written(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let mut deny = denial(2, "a\nb\0", 1);
    if let Some(denied) = &mut deny.denied {
        denied.rule = Some(DenialRule::DenyEntry);
    }
    let mut unknown = denial(2, "c", 3);
    if let Some(denied) = &mut unknown.denied {
        denied.rule = None;
    }
    let others = Denial { denied: None, ..denial(9, "", 2) };
    let told = [deny, unknown, others, denial(1, "d", 5)];
    for part in told.chunks(2) {
        store.denials.record(service.id, part, NOW).await.unwrap();
    }
    let written = all(&store, service.id).await;
    assert_eq!(denials(&written), told);
    assert!(written.is_sorted_by(|a, b| a.id < b.id), "{written:?}");

    let mut backwards = written.clone();
    backwards.reverse();
    assert_eq!(store.denials.latest(service.id, None, 10).await.unwrap(), backwards);
    let before = store.denials.latest(service.id, Some(written[2].id), 1).await.unwrap();
    assert_eq!(before, [written[1].clone()]);
    let after = store.denials.earliest(service.id, written[0].id, 2).await.unwrap();
    assert_eq!(after, written[1..3]);
    assert_eq!(store.denials.earliest(service.id, written[3].id, 2).await.unwrap(), []);

    let last = store.denials.last(service.id).await.unwrap();
    let expected = [(1, 5), (2, 1), (9, 2)];
    let expected = expected.map(|(node, days)| (NodeId(node), NOW.plus_ms(-days * DAY)));
    assert_eq!(last, expected.into());
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn after_thirty_days_they_are_deleted_and_none_is_from_the_future(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let told = [denial(1, "old", 31), denial(1, "kept", 30), denial(1, "future", -1)];
    store.denials.record(service.id, &told, NOW).await.unwrap();
    let future = Denial { last: NOW, ..told[2].clone() };
    assert_eq!(denials(&all(&store, service.id).await), [told[1].clone(), future.clone()]);
    store.denials.record(service.id, &[], NOW.plus_ms(1)).await.unwrap();
    assert_eq!(denials(&all(&store, service.id).await), [future]);
    store.denials.record(service.id, &[], NOW.plus_ms(31 * DAY)).await.unwrap();
    assert_eq!(all(&store, service.id).await, []);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn of_a_service_the_newest_are_kept(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let many: Vec<Denial> = (0..10_000).map(|it| denial(1, &format!("t{it}"), 1)).collect();
    store.denials.record(service.id, &many, NOW).await.unwrap();
    assert_eq!(all(&store, service.id).await.len(), 10_000);
    store.denials.record(service.id, &[denial(2, "x", 1), denial(2, "y", 1)], NOW).await.unwrap();
    let kept = denials(&all(&store, service.id).await);
    assert_eq!(kept.len(), 10_000);
    assert_eq!((&kept[0], &kept[9_999]), (&many[2], &denial(2, "y", 1)));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn they_stay_without_their_node_and_go_with_their_service(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    store.denials.record(service.id, &[denial(3, "t", 1)], NOW).await.unwrap();
    let delete = "delete from node where node_id = 3";
    sqlx::query(delete).execute(&pool).await.unwrap();
    assert_eq!(denials(&all(&store, service.id).await), [denial(3, "t", 1)]);

    let gone = ServiceId(Uuid::now_v7());
    store.denials.record(gone, &[denial(3, "t", 1)], NOW).await.unwrap();
    assert_eq!(all(&store, gone).await, []);
    sqlx::query("delete from service").execute(&pool).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from denial").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0);
}
