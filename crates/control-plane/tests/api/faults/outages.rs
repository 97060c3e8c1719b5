//! A Postgres that is restarted, away, slow or full for a while, and back.

use std::cell::Cell;
use std::time::Duration;

use control_plane::{Settings, alarm};
use futures::future::join_all;
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::json;
use sqlx::PgPool;
use store::Store;
use tokio_util::sync::CancellationToken;

use super::operations::{Operation, all};
use super::proxy::Fault;
use super::world::{World, ask};
use crate::harness::{Answer, Api, SERVICE, settings};

/// For ever, as far as any test goes.
const EVER: Duration = Duration::from_hours(1);
/// Long enough for a busy machine, and too short for a test that waits for ever.
const AT_LAST: Duration = Duration::from_mins(1);

#[track_caller]
fn is_later(answer: &Answer, what: &str) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {}", answer.body);
    assert!(answer.headers.contains_key(RETRY_AFTER), "{what}");
}

async fn look(api: &Api) -> Answer {
    ask(api, "GET", SERVICE, None).await
}

/// Asks until the database is used again.
async fn is_back(api: &Api) {
    let again = async {
        loop {
            let answer = look(api).await;
            if answer.status.is_success() {
                return;
            }
            is_later(&answer, "until it is back");
        }
    };
    let back = tokio::time::timeout(AT_LAST, again).await;
    assert!(back.is_ok(), "it does not recover");
}

/// What Postgres does to all of them when it is restarted. Returns how many there were.
async fn end_connections(world: &World) -> usize {
    let ended = sqlx::query_scalar::<_, bool>(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where datname = current_database() and usename like 'faults_%'",
    );
    ended.fetch_all(&world.pool).await.unwrap().len()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn idle_connections_that_a_restart_has_ended_fail_no_request(pool: PgPool) {
    let world = World::new(&pool).await;
    let (api, _) = world.behind_proxy(4, AT_LAST);
    for _ in 0..3 {
        for answer in join_all([(); 8].map(|()| look(&api))).await {
            answer.ok();
        }
        assert!(end_connections(&world).await > 0);
        // No restart is over sooner.
        tokio::time::sleep(store::TRUSTED).await;
    }
    look(&api).await.ok();
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_database_that_is_away_is_later_and_used_again_when_it_is_back(pool: PgPool) {
    let mut world = World::new(&pool).await;
    let (api, _) = world.behind_proxy(4, Duration::from_millis(300));
    look(&api).await.ok();
    world.proxy.stop().await;
    is_later(&look(&api).await, "refused");
    world.proxy.listen().await;
    is_back(&api).await;
    // No room for one more connection, it starts up, and it ends.
    for code in ["53300", "57P03", "57P01"] {
        world.proxy.stop().await;
        world.proxy.set(Fault::NoLogin(code));
        world.proxy.listen().await;
        is_later(&look(&api).await, code);
        world.proxy.set(Fault::None);
        is_back(&api).await;
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn requests_during_restarts_are_done_or_later_and_can_be_repeated(pool: PgPool) {
    let mut world = World::new(&pool).await;
    let (api, _) = world.behind_proxy(4, Duration::from_millis(500));
    let create = async |name: &str| {
        let body = Some(json!({ "username": name }));
        ask(&api, "POST", &format!("{SERVICE}/user"), body).await
    };
    let (later, over) = (Cell::new(0), Cell::new(false));
    let requests = async {
        let mut answers = Vec::new();
        while !over.get() {
            let first = answers.len();
            let names = (first..first + 4).map(|it| format!("user{it}"));
            let some = join_all(names.map(async |it| (create(&it).await, it))).await;
            later.set(later.get() + some.iter().filter(|it| !it.0.status.is_success()).count());
            answers.extend(some);
        }
        answers
    };
    let restarts = async {
        for at in 0.. {
            if at >= 5 && later.get() > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            world.proxy.stop().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            world.proxy.listen().await;
        }
        over.set(true);
    };
    let both = async { tokio::join!(requests, restarts).0 };
    let answers = tokio::time::timeout(AT_LAST, both).await.expect("no request is hit");
    let users = look_at_users(&pool).await;
    for (answer, name) in &answers {
        if answer.status.is_success() {
            assert!(users.contains(name), "{name} is lost");
        } else {
            is_later(answer, name);
        }
    }
    for (_, name) in &answers {
        let status = create(name).await.status;
        let expected = if users.contains(name) { StatusCode::CONFLICT } else { StatusCode::OK };
        assert_eq!(status, expected, "{name}");
    }
}

async fn look_at_users(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select username from service_user").fetch_all(pool).await.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_database_that_does_not_answer_is_waited_for_no_longer_than_the_deadline(pool: PgPool) {
    let world = World::new(&pool).await;
    let before = world.tables.hash().await;
    let options = store::pool_options().max_connections(4).acquire_timeout(Duration::from_secs(1));
    let pool = options.connect_lazy_with(world.options.clone());
    let (_, wake) = alarm(CancellationToken::new());
    let hurried = Settings { deadline: Duration::from_millis(500), ..settings() };
    let api = Api::of(crate::harness::store(&pool), hurried, wake, None);
    look(&api).await.ok();
    world.proxy.set(Fault::Slow(EVER));
    // All at once, and more than there are connections.
    let operations = all(&world);
    let requests = operations.iter().map(async |it| {
        let Operation { method, path, body, .. } = it;
        ask(&api, method, path, body.clone()).await
    });
    let answers = tokio::time::timeout(AT_LAST, join_all(requests)).await.expect("they pile up");
    for (operation, answer) in operations.iter().zip(answers) {
        is_later(&answer, &operation.title());
    }
    assert_eq!(world.tables.hash().await, before);
    // The answers to what was asked never come, and others are not kept from asking.
    world.proxy.set(Fault::None);
    is_back(&api).await;
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_statement_that_waits_for_a_lock_ends_by_itself(pool: PgPool) {
    let world = World::new(&pool).await;
    let user = world.options.get_username();
    let database = world.options.get_database().unwrap();
    let url = format!(
        "postgres://{user}:{user}@{}/{database}?sslmode=disable&options[statement_timeout]=200ms",
        world.proxy.address
    );
    let store = Store::connect(&url, store::CONNECTIONS).unwrap();
    store.migrate().await.unwrap();
    let (_, wake) = alarm(CancellationToken::new());
    let api = Api::of(store, settings(), wake, None);
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("select from service for update").execute(&mut *holder).await.unwrap();
    let tags = || Some(json!({ "tags": { "a": "b" } }));
    let path = format!("{SERVICE}/tags");
    is_later(&ask(&api, "PATCH", &path, tags()).await, "locked");
    drop(holder);
    ask(&api, "PATCH", &path, tags()).await.ok();
}
