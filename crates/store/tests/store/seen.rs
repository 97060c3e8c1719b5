//! Who was seen to use what.

use std::collections::BTreeSet;

use model::{
    AclOperation, Principal, ResourceType, SeenAt, SeenClaims, SeenReport, SeenUse, ServiceId,
    Timestamp,
};
use sqlx::PgPool;
use store::{Seen, Store};
use uuid::Uuid;

use crate::fixture::with_service;

const NOW: Timestamp = Timestamp(1_795_291_200_000);
const DAY: i64 = 24 * 60 * 60 * 1000;

fn a_use(principal: Option<&str>, topic: &str, days_ago: i64) -> SeenUse {
    SeenUse {
        principal: principal.map(|it| Principal(it.into())),
        proven: principal.is_some(),
        resource_type: ResourceType::Topic,
        resource_name: topic.into(),
        operation: AclOperation::Write,
        last: NOW.plus_ms(-days_ago * DAY),
    }
}

fn claims(principal: &str, azp: &str) -> SeenClaims {
    let claims = [("azp".to_owned(), azp.to_owned())].into();
    SeenClaims { principal: Principal(principal.into()), claims, absent: BTreeSet::new() }
}

fn report(uses: &[SeenUse]) -> SeenReport {
    SeenReport { uses: uses.to_vec(), claims: Vec::new() }
}

async fn record(store: &Store, service: ServiceId, at: SeenAt, report: &SeenReport) {
    store.seen.record(service, at, report, NOW).await.unwrap();
}

async fn since(store: &Store, service: ServiceId, days_ago: i64) -> Seen {
    store.seen.of_service(service, NOW.plus_ms(-days_ago * DAY)).await.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_use_is_kept_once_and_only_gets_younger(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let (older, newer) = (a_use(Some("a"), "t", 3), a_use(Some("a"), "t", 2));
    // Twice in one report, too.
    record(&store, service.id, SeenAt::RestProxy, &report(&[older.clone(), newer.clone()])).await;
    record(&store, service.id, SeenAt::RestProxy, &report(std::slice::from_ref(&older))).await;
    let kept = since(&store, service.id, 30).await;
    assert_eq!(kept.uses, [(SeenAt::RestProxy, newer.clone())]);
    assert!(!kept.truncated);

    let nobody = a_use(None, "t", 1);
    let said = SeenUse { proven: false, ..newer.clone() };
    record(&store, service.id, SeenAt::RestProxy, &report(&[nobody.clone(), said.clone()])).await;
    record(&store, service.id, SeenAt::Broker, &report(std::slice::from_ref(&older))).await;
    let expected = [
        (SeenAt::RestProxy, nobody.clone()),
        (SeenAt::RestProxy, said),
        (SeenAt::RestProxy, newer),
        (SeenAt::Broker, older),
    ];
    assert_eq!(since(&store, service.id, 30).await.uses, expected);
    assert_eq!(since(&store, service.id, 1).await.uses, [(SeenAt::RestProxy, nobody)]);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn after_thirty_days_it_is_forgotten_and_nothing_is_from_the_future(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    let uses =
        [a_use(Some("old"), "t", 31), a_use(Some("new"), "t", 30), a_use(Some("z"), "t", -1)];
    let told = SeenReport { uses: uses.to_vec(), claims: vec![claims("new", "n")] };
    record(&store, service.id, SeenAt::Broker, &told).await;
    let now = SeenUse { last: NOW, ..uses[2].clone() };
    let expected = [(SeenAt::Broker, now.clone()), (SeenAt::Broker, uses[1].clone())];
    assert_eq!(since(&store, service.id, 90).await.uses, expected);

    let later = NOW.plus_ms(DAY);
    store.seen.record(service.id, SeenAt::Broker, &SeenReport::default(), later).await.unwrap();
    let kept = since(&store, service.id, 90).await;
    assert_eq!(kept.uses, [(SeenAt::Broker, now)]);
    assert_eq!(kept.claims, [claims("new", "n")]);
    let later = NOW.plus_ms(31 * DAY);
    store.seen.record(service.id, SeenAt::Broker, &SeenReport::default(), later).await.unwrap();
    assert_eq!(since(&store, service.id, 90).await, Seen::default());
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn of_claims_the_latest_count(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let told = |all: &[SeenClaims]| SeenReport { uses: Vec::new(), claims: all.to_vec() };
    let first = told(&[claims("a", "1"), claims("b", "2"), claims("a", "3")]);
    record(&store, service.id, SeenAt::RestProxy, &first).await;
    assert_eq!(since(&store, service.id, 1).await.claims, [claims("a", "3"), claims("b", "2")]);
    record(&store, service.id, SeenAt::RestProxy, &told(&[claims("a", "4")])).await;
    assert_eq!(since(&store, service.id, 1).await.claims, [claims("a", "4"), claims("b", "2")]);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn above_a_bound_only_what_is_known_is_taken(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let many: Vec<SeenUse> = (0..19_999).map(|n| a_use(Some("a"), &format!("t{n}"), 9)).collect();
    record(&store, service.id, SeenAt::Broker, &report(&many)).await;
    assert!(!since(&store, service.id, 30).await.truncated);
    // The latest one is taken, and what is known is still raised.
    let more = [a_use(Some("a"), "x", 5), a_use(Some("a"), "y", 4), a_use(Some("a"), "t7", 3)];
    record(&store, service.id, SeenAt::Broker, &report(&more)).await;
    let kept = since(&store, service.id, 8).await;
    let expected = [&more[2], &more[1]].map(|it| (SeenAt::Broker, it.clone()));
    assert_eq!((kept.uses, kept.truncated), (expected.to_vec(), true));
    assert_eq!(since(&store, service.id, 30).await.uses.len(), 20_000);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn of_a_service_that_is_gone_nothing_is_noted(pool: PgPool) {
    let (store, _service) = with_service(pool).await;
    let gone = ServiceId(Uuid::now_v7());
    let told = SeenReport { uses: vec![a_use(None, "t", 1)], claims: vec![claims("a", "1")] };
    record(&store, gone, SeenAt::RestProxy, &told).await;
    assert_eq!(since(&store, gone, 30).await, Seen::default());
}
