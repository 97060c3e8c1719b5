//! Which process looks after a service, so that only one does.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use crate::StoreError;

/// Leases.
#[derive(Clone, Debug)]
pub struct Leases {
    pub(crate) pool: PgPool,
}

/// A lease that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Grows each time the lease changes hands.
    pub epoch: i64,
}

impl Leases {
    /// Takes or renews the lease `name` for `ttl`; `None` if somebody else holds it. The database's
    /// clock decides.
    pub async fn hold(
        &self,
        name: &str,
        holder: Uuid,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let epoch = sqlx::query_scalar!(
            "insert into lease as held (name, holder, expires_at)
             values ($1, $2, now() + make_interval(secs => $3))
             on conflict (name) do update
             set expires_at = excluded.expires_at,
                 epoch = held.epoch + case when held.holder = excluded.holder then 0 else 1 end,
                 holder = excluded.holder
             where held.holder = excluded.holder or held.expires_at < now()
             returning epoch",
            name,
            holder,
            ttl.as_secs_f64()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(epoch.map(|epoch| Lease { epoch }))
    }

    /// Gives the lease back, so that the next one need not wait for its end.
    pub async fn release(&self, name: &str, holder: Uuid) -> Result<(), StoreError> {
        sqlx::query!(
            "update lease set expires_at = '-infinity' where name = $1 and holder = $2",
            name,
            holder
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
