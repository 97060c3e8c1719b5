//! Events are found by a text, from both ends.

use serde_json::json;
use sqlx::PgPool;
use store::{EventFilter, Store};

use crate::fixture::with_service;

async fn told(pool: &PgPool, texts: &[&str]) {
    let insert = "insert into event (project_name, service_name, actor, event_type, description)
                  select 'dev', 'my-kafka', 'ann', 'test', value
                  from jsonb_array_elements_text($1)";
    sqlx::query(insert).bind(json!(texts)).execute(pool).await.unwrap();
}

fn with(text: &str) -> EventFilter {
    EventFilter { text: Some(text.into()), ..EventFilter::default() }
}

async fn found(store: &Store, filter: &EventFilter) -> Vec<String> {
    let events = store.events.latest(filter, 100).await.unwrap();
    events.into_iter().map(|it| it.description).collect()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn each_character_of_a_text_is_itself(pool: PgPool) {
    let (store, _) = with_service(pool.clone()).await;
    let texts = ["Topic a_b", "Topic axb", "100% of it", "back\\slash", "o'clock", "ORDERS.1"];
    told(&pool, &texts).await;
    for (text, wanted) in [
        ("a_b", vec!["Topic a_b"]),
        ("0%", vec!["100% of it"]),
        ("k\\s", vec!["back\\slash"]),
        ("'", vec!["o'clock"]),
        ("orders.", vec!["ORDERS.1"]),
        ("TOPIC A", vec!["Topic axb", "Topic a_b"]),
        ("\\", vec!["back\\slash"]),
        ("\0", vec![]),
        ("none of them", vec![]),
    ] {
        assert_eq!(found(&store, &with(text)).await, wanted, "{text}");
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn they_are_read_from_both_ends(pool: PgPool) {
    let (store, _) = with_service(pool.clone()).await;
    told(&pool, &["x 1", "x 2", "y", "x 3"]).await;
    for filter in [with("x "), EventFilter { actor: Some("ann".into()), ..EventFilter::default() }]
    {
        let mut latest = store.events.latest(&filter, 100).await.unwrap();
        let earliest = store.events.earliest(&filter, 100).await.unwrap();
        assert_eq!(store.events.earliest(&filter, 1).await.unwrap(), earliest[..1]);
        let newer = EventFilter { after_id: Some(earliest[0].id), ..filter.clone() };
        assert_eq!(store.events.earliest(&newer, 1).await.unwrap(), earliest[1..2]);
        assert_eq!(store.events.latest(&newer, 100).await.unwrap().len(), latest.len() - 1);
        latest.reverse();
        assert_eq!(latest, earliest);
    }
}

/// What Postgres means to do for a text that few of many events have.
#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_text_that_few_have_is_found_by_its_index(pool: PgPool) {
    let (_store, _) = with_service(pool.clone()).await;
    let many = "insert into event (project_name, service_name, actor, event_type, description)
                select 'dev', 'my-kafka', 'ann', 'test', 'Topic t-' || n || ' is there'
                from generate_series(1, 20000) n";
    sqlx::query(many).execute(&pool).await.unwrap();
    sqlx::query("vacuum analyze event").execute(&pool).await.unwrap();
    let explain = "explain select event_id from event
                   where project_name = 'dev' and description ilike '%t-19999%'
                   order by event_id desc limit 51";
    let plan: Vec<String> = sqlx::query_scalar(explain).fetch_all(&pool).await.unwrap();
    assert!(plan.iter().any(|it| it.contains("event_by_description")), "{plan:#?}");
}
