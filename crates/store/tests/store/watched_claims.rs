//! Claims that are watched, and what is kept of them.

use std::collections::{BTreeMap, BTreeSet};

use model::{Principal, SeenAt, SeenClaims, SeenReport, ServiceId, Timestamp};
use sqlx::PgPool;
use store::{EventFilter, Store, Watched};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::fixture::{by, with_service};

const NOW: Timestamp = Timestamp(1_795_291_200_000);
const DAY: i64 = 24 * 60 * 60 * 1000;

const fn day(after: i64) -> Timestamp {
    NOW.plus_ms(after * DAY)
}

async fn watch(store: &Store, service: ServiceId, claim: &str, at: Timestamp) -> Watched {
    store.watched_claims.watch(service, claim, &by(), at).await.unwrap()
}

async fn watched(store: &Store, service: ServiceId, at: Timestamp) -> Vec<String> {
    store.watched_claims.of_service(service, at).await.unwrap().into_iter().collect()
}

/// `name=text`, or only the name of a claim that is absent.
fn told(principal: &str, claims: &[&str]) -> SeenClaims {
    let (mut texts, mut absent) = (BTreeMap::new(), BTreeSet::new());
    for it in claims {
        match it.split_once('=') {
            Some((name, text)) => _ = texts.insert(name.to_owned(), text.to_owned()),
            None => _ = absent.insert((*it).to_owned()),
        }
    }
    SeenClaims { principal: Principal(principal.into()), claims: texts, absent }
}

async fn tell(store: &Store, service: ServiceId, claims: &[SeenClaims], at: Timestamp) {
    let report = SeenReport { uses: Vec::new(), claims: claims.to_vec() };
    store.seen.record(service, SeenAt::RestProxy, &report, at).await.unwrap();
}

async fn kept(store: &Store, service: ServiceId) -> Vec<SeenClaims> {
    store.seen.of_service(service, day(-30)).await.unwrap().claims
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_claim_is_watched_for_thirty_days_and_longer_when_asked_for_again(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let first = watch(&store, service.id, "badge", NOW).await;
    assert_eq!(first, Watched { since: NOW, is_new: true });
    assert_eq!(watched(&store, service.id, day(29)).await, ["badge"]);
    let again = watch(&store, service.id, "badge", day(20)).await;
    assert_eq!(again, Watched { since: NOW, is_new: false });
    assert_eq!(watched(&store, service.id, day(49)).await, ["badge"]);
    assert!(watched(&store, service.id, day(50)).await.is_empty());
    let anew = watch(&store, service.id, "badge", day(50)).await;
    assert_eq!(anew, Watched { since: day(50), is_new: true });
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_is_new_is_an_event_and_listeners_hear_of_it(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let mut changes = store.changes().await.unwrap();
    for _ in 0..2 {
        watch(&store, service.id, "badge", NOW).await;
    }
    assert_eq!(changes.next().await.unwrap(), Some(service.id));
    let filter = EventFilter { event_type: Some("claim_watched".into()), ..EventFilter::default() };
    let events = store.events.latest(&filter, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].actor, "test");
    assert!(events[0].description.contains("'badge'"), "{}", events[0].description);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn of_many_the_one_asked_for_longest_ago_goes_with_its_values(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    for it in 0..10_i64 {
        watch(&store, service.id, &format!("c{it}"), NOW.plus_ms(it)).await;
    }
    watch(&store, service.id, "c0", NOW.plus_ms(10)).await;
    let alice = told("alice", &["azp=shop", "c0=0", "c1=1", "c2"]);
    let bob = told("bob", &["c0=0", "c1"]);
    tell(&store, service.id, &[alice.clone(), bob], NOW).await;
    assert_eq!(kept(&store, service.id).await[0], alice);

    watch(&store, service.id, "new", NOW.plus_ms(11)).await;
    let names = watched(&store, service.id, NOW.plus_ms(11)).await;
    assert_eq!(names, ["c0", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "new"]);
    let expected = [told("alice", &["azp=shop", "c0=0", "c2"]), told("bob", &["c0=0"])];
    assert_eq!(kept(&store, service.id).await, expected);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn many_who_ask_at_once_get_no_more_than_the_most(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let mut asking = JoinSet::new();
    for it in 0..20 {
        let (store, id) = (store.clone(), service.id);
        asking.spawn(async move { watch(&store, id, &format!("c{it}"), NOW).await });
    }
    assert!(asking.join_all().await.into_iter().all(|it| it.is_new));
    assert_eq!(watched(&store, service.id, NOW).await.len(), 10);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn values_are_kept_as_long_as_their_claim_is_watched(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    watch(&store, service.id, "badge", NOW).await;
    let alice = told("alice", &["azp=shop", "badge=7", "ssn=1", "tax"]);
    tell(&store, service.id, std::slice::from_ref(&alice), day(29)).await;
    assert_eq!(kept(&store, service.id).await, [told("alice", &["azp=shop", "badge=7"])]);
    // The next report, whatever is in it.
    tell(&store, service.id, &[], day(30)).await;
    assert_eq!(kept(&store, service.id).await, [told("alice", &["azp=shop"])]);
    // A proxy that has not heard of it loses nothing else.
    tell(&store, service.id, &[alice], day(30)).await;
    assert_eq!(kept(&store, service.id).await, [told("alice", &["azp=shop"])]);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn of_a_service_that_is_gone_nothing_is_watched(pool: PgPool) {
    let (store, _service) = with_service(pool).await;
    let gone = ServiceId(Uuid::now_v7());
    watch(&store, gone, "badge", NOW).await;
    assert!(watched(&store, gone, NOW).await.is_empty());
}
