//! Who holds a lease, and when it is free again.

use std::time::Duration;

use sqlx::PgPool;
use store::{Lease, Store};
use uuid::Uuid;

const LONG: Duration = Duration::from_mins(1);

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn one_holder_at_a_time_and_each_change_raises_the_epoch(pool: PgPool) {
    let leases = Store::on(pool).leases;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    assert_eq!(leases.hold("x", first, LONG).await.unwrap(), Some(Lease { epoch: 1 }));
    assert_eq!(leases.hold("x", second, LONG).await.unwrap(), None);
    assert_eq!(leases.hold("x", first, LONG).await.unwrap(), Some(Lease { epoch: 1 }));
    leases.release("x", second).await.unwrap();
    assert_eq!(leases.hold("x", second, LONG).await.unwrap(), None, "only its holder gives back");
    leases.release("x", first).await.unwrap();
    assert_eq!(leases.hold("x", second, LONG).await.unwrap(), Some(Lease { epoch: 2 }));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_lease_that_ran_out_is_free(pool: PgPool) {
    let leases = Store::on(pool).leases;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    leases.hold("x", first, Duration::ZERO).await.unwrap();
    assert_eq!(leases.hold("x", second, LONG).await.unwrap(), Some(Lease { epoch: 2 }));
}
