//! Connections, and how it is known that one still works.

use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::PgPoolOptions;

/// How long a connection is waited for, and how long for one that is given back while it still waits
/// for Postgres.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection that was used within this time is taken as one that works, since it did when it was
/// given back. Shorter than any restart of Postgres, after which no connection of before works.
pub const TRUSTED: Duration = Duration::from_millis(100);

/// As many connections as a program has that is not told otherwise.
pub const CONNECTIONS: u32 = 16;

/// The pool of [`crate::Store::connect`]: [`CONNECTIONS`], and 5 seconds until it is known that none is
/// free or can be made.
///
/// A statement is one trip to Postgres and back, and sqlx makes another one for each connection that
/// is given back. Ours only come on top where they tell something:
///
/// - Before a connection is used, it is asked whether it works, unless it did within [`TRUSTED`].
/// - Whoever gives up in the middle of a statement leaves its answer to the pool, which waits for it
///   before anybody gets the connection. Of a machine that is gone it never comes, and TCP gives up
///   after a quarter of an hour: all would wait until then. So that is given up too, with the
///   connection. Where nothing is left to wait for, nothing is sent.
pub fn pool_options() -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, seen| {
            // Bounded by the time that a connection is waited for.
            Box::pin(async move { Ok(seen.idle_for < TRUSTED || connection.ping().await.is_ok()) })
        })
        .after_release(|connection, _| {
            Box::pin(async move {
                // Sends what is left to send (`ROLLBACK`), and reads what was asked for.
                tokio::time::timeout(PATIENCE, connection.flush())
                    .await
                    .map_err(|_| sqlx::Error::PoolTimedOut)??;
                Ok(true)
            })
        })
}
