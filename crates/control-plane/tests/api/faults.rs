//! A database that goes away, or refuses, in the middle of a request: the whole change is made, or
//! none of it.

mod kills;
mod operations;
mod outages;
mod proxy;
mod snapshot;
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use sqlx::PgPool;

use self::operations::{Again, OTHERS, Operation, all, of_one_statement};
use self::proxy::{Fault, Seen};
use self::snapshot::{Masked, Snapshot, difference};
use self::world::{World, ask, control_plane};
use crate::harness::{Answer, Api};
use crate::openapi;

/// A full disk, a database that is read-only since it has become a standby, a crash of another
/// connection, and no room for one more.
const REFUSALS: [&str; 4] = ["53100", "25006", "57P02", "53300"];
/// No request has so many flights.
const MOST: usize = 300;

/// A world, and two control planes on it.
struct Bench {
    world: World,
    direct: Api,
    behind: Api,
    /// Of the latter: one connection.
    pool: PgPool,
}

/// What an operation does in a world, with faults and without.
struct Trial<'a> {
    bench: &'a Bench,
    world: &'a World,
    operation: &'a Operation,
    before: Snapshot,
    /// Its hash.
    nothing: String,
    after: Masked,
}

/// What was seen of an operation.
#[derive(Default)]
struct Tally {
    /// Cuts at the commit after which nothing was there, and after which all was.
    none_at_commit: usize,
    whole_at_commit: usize,
    whole: usize,
}

impl Bench {
    async fn on(pool: &PgPool) -> Self {
        let world = World::new(pool).await;
        let (behind, pool) = world.behind_proxy(1, Duration::from_secs(2));
        Self { direct: control_plane(&world.pool), world, behind, pool }
    }
}

impl<'a> Trial<'a> {
    async fn of(bench: &'a Bench, operation: &'a Operation) -> Self {
        let Bench { world, direct: api, .. } = bench;
        world.tables.put_back(&world.start).await;
        for (method, path, body) in &operation.first {
            ask(api, method, path, body.clone()).await.ok();
        }
        let before = world.tables.look().await;
        ask(api, operation.method, &operation.path, operation.body.clone()).await.ok();
        let after = world.tables.look().await;
        assert_ne!(before, after, "{} changes nothing", operation.title());
        world.tables.put_back(&before).await;
        let (nothing, after) = (world.tables.hash().await, after.since(&before));
        let trial = Self { bench, world, operation, before, nothing, after };
        assert_eq!(world.tables.look().await, trial.before, "{}", operation.title());
        trial
    }

    /// Asks the control plane behind the proxy.
    async fn ask(&self, fault: Fault) -> (Answer, Seen) {
        self.world.proxy.set(fault);
        let Operation { method, path, body, .. } = self.operation;
        let answer = ask(&self.bench.behind, method, path, body.clone()).await;
        // The only connection is free when what was begun on it is rolled back. It may be dead.
        drop(self.bench.pool.acquire().await);
        (answer, self.world.proxy.seen())
    }

    /// Whether the change was made. It was made as a whole, or not at all.
    async fn is_made(&self, what: &str) -> bool {
        if self.world.tables.hash().await == self.nothing {
            return false;
        }
        let found = self.world.tables.look().await.since(&self.before);
        assert!(found == self.after, "{what}: half is there\n{}", difference(&self.after, &found));
        true
    }

    /// One request with a fault. Whether the fault has hit it.
    async fn strike(&self, fault: Fault, tally: &mut Tally) -> bool {
        let what = format!("{} with {fault:?}", self.operation.title());
        let (answer, seen) = self.ask(fault).await;
        let made = self.is_made(&what).await;
        if answer.status.is_success() {
            assert!(!seen.struck, "{what}: it says that nothing was wrong");
            assert!(made, "{what}: it says that it was done, and was not");
            self.world.tables.put_back(&self.before).await;
            return false;
        }
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {}", answer.body);
        assert!(answer.headers.contains_key(RETRY_AFTER), "{what}");
        assert!(seen.struck, "{what}: {}", answer.body);
        tally.none_at_commit += usize::from(seen.at_commit && !made);
        tally.whole_at_commit += usize::from(seen.at_commit && made);
        if made {
            tally.whole += 1;
            // Once is enough: the state is the same each time.
            if tally.whole == 1 {
                self.again(&what).await;
            }
            self.world.tables.put_back(&self.before).await;
        }
        true
    }

    /// The request was carried out and its client did not hear so: it asks once more.
    async fn again(&self, what: &str) {
        let made = self.world.tables.look().await;
        let Operation { method, path, body, again, .. } = self.operation;
        let answer = ask(&self.bench.direct, method, path, body.clone()).await;
        let now = self.world.tables.look().await;
        let expected = match again {
            Again::Says(status) => *status,
            _ => answer.status,
        };
        assert_eq!(answer.status, expected, "{what}, once more: {}", answer.body);
        assert_eq!(
            now != made,
            *again == Again::Repeats,
            "{what}, once more\n{}",
            difference(&made.since(&self.before), &now.since(&self.before))
        );
        if !matches!(again, Again::Says(_)) {
            answer.ok();
        }
    }

    /// One fault after the other, at each flight of the request.
    async fn everywhere(&self, fault: impl Fn(usize) -> Fault) -> Tally {
        let mut tally = Tally::default();
        for at in 1..MOST {
            if !self.strike(fault(at), &mut tally).await {
                return tally;
            }
        }
        panic!("{} does not end", self.operation.title());
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn every_operation_that_changes_something_is_tried(pool: PgPool) {
    let world = World::new(&pool).await;
    let tried: BTreeSet<(String, String)> =
        all(&world).into_iter().map(|it| (it.method.to_owned(), it.template)).collect();
    let others = OTHERS.map(|(method, path)| (method.to_owned(), path.to_owned()));
    let known: BTreeSet<_> = tried.iter().cloned().chain(others.clone()).collect();
    assert_eq!(known.len(), tried.len() + others.len());
    let changing: BTreeSet<_> =
        openapi::operations().into_iter().filter(|(method, _)| method != "GET").collect();
    assert_eq!(known, changing);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn killed_before_the_end_of_any_statement_nothing_is_half_done(pool: PgPool) {
    let bench = Bench::on(&pool).await;
    for operation in &all(&bench.world) {
        let trial = Trial::of(&bench, operation).await;
        let tally = trial.everywhere(Fault::KilledBefore).await;
        assert!(tally.none_at_commit > 0, "{}: never before the commit", operation.title());
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn killed_after_any_statement_nothing_is_half_done(pool: PgPool) {
    let bench = Bench::on(&pool).await;
    for operation in &all(&bench.world) {
        let trial = Trial::of(&bench, operation).await;
        let tally = trial.everywhere(Fault::KilledAfter).await;
        assert!(tally.whole_at_commit > 0, "{}: never after the commit", operation.title());
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_change_of_one_statement_is_made_or_not_whenever_it_is_killed(pool: PgPool) {
    let bench = Bench::on(&pool).await;
    let operation = of_one_statement();
    let trial = Trial::of(&bench, &operation).await;
    let (mut none, mut whole) = (0, 0);
    for at in 1..=10 {
        for fault in [Fault::KilledBefore(at), Fault::KilledAfter(at)] {
            let (answer, _) = trial.ask(fault).await;
            let made = trial.is_made(&format!("{fault:?}")).await;
            match (made, answer.status) {
                // What is hit may be the notification, which no answer waits for.
                (true, StatusCode::OK) => {}
                (true, StatusCode::SERVICE_UNAVAILABLE) => whole += 1,
                (false, StatusCode::SERVICE_UNAVAILABLE) => none += 1,
                (made, status) => panic!("{fault:?}: {status}, and made: {made}"),
            }
            bench.world.tables.put_back(&trial.before).await;
        }
    }
    assert!(none > 0 && whole > 0, "{none} times not made, {whole} times made and not told");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn refused_at_any_statement_nothing_is_half_done(pool: PgPool) {
    let bench = Bench::on(&pool).await;
    for operation in &all(&bench.world) {
        let trial = Trial::of(&bench, operation).await;
        let refused = |at: usize| Fault::Refused(at, REFUSALS[at % REFUSALS.len()]);
        let tally = trial.everywhere(refused).await;
        assert!(tally.none_at_commit > 0, "{}: never at the commit", operation.title());
    }
}
