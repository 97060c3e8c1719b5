//! What Kafka refuses.

use std::collections::BTreeMap;

use sqlx::PgPool;
use store::{Aggregate, EventFilter, Store};

use crate::fixture::with_service;

async fn told(store: &Store) -> Vec<String> {
    let filter = EventFilter { event_type: Some("kafka_refused".into()), ..EventFilter::default() };
    let events = store.events.latest(&filter, 100).await.unwrap();
    events.into_iter().map(|it| it.description).collect()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_refusal_stays_until_it_is_none_and_is_an_event_once(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    let replace = async |aggregate, refused: &[(&str, &str)]| {
        let refused: BTreeMap<String, String> =
            refused.iter().map(|(name, why)| ((*name).to_owned(), (*why).to_owned())).collect();
        store.refusals.replace(service.id, aggregate, &refused).await.unwrap();
        store.services.by_id(service.id).await.unwrap().unwrap().refusals
    };
    let first = replace(Aggregate::Quota, &[("user alice", "no"), ("user bob", "no")]).await;
    assert_eq!(first.len(), 2);
    assert_eq!((first[0].aggregate, first[0].name.as_str()), (Aggregate::Quota, "user alice"));
    let other = replace(Aggregate::Topic, &[("orders", "never")]).await;
    assert_eq!(other.len(), 3, "one kind says nothing of another");
    let again = replace(Aggregate::Quota, &[("user alice", "never")]).await;
    let alice = again.iter().find(|it| it.aggregate == Aggregate::Quota).unwrap();
    assert_eq!((again.len(), alice.message.as_str()), (2, "never"));
    assert_eq!(alice.since, first[0].since, "it was refused all the time");
    let mut told = told(&store).await;
    told.sort();
    let expected = [
        "Kafka refuses quota user alice: no",
        "Kafka refuses quota user bob: no",
        "Kafka refuses topic orders: never",
    ];
    assert_eq!(told, expected);
    replace(Aggregate::Topic, &[]).await;
    assert_eq!(replace(Aggregate::Quota, &[]).await, []);
}
