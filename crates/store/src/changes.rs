//! Hearing of changes without asking all the time.

use model::ServiceId;
use sqlx::postgres::{PgConnection, PgListener};
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

use crate::events::{By, Entry};
use crate::{StoreError, events};

/// The channel of `NOTIFY`; the payload is a service's id.
pub(crate) const CHANNEL: &str = "tidegate_service";

/// Hears which services have changed. Notifications are a hint: whoever listens also polls.
#[derive(Debug)]
pub struct Changes {
    listener: PgListener,
}

impl Changes {
    pub(crate) async fn subscribe(pool: &PgPool) -> Result<Self, StoreError> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Self { listener })
    }

    /// The next service that has changed; `None` if that is not known (the connection was lost and
    /// made again, so that changes may have been missed). Cancel-safe.
    pub async fn next(&mut self) -> Result<Option<ServiceId>, StoreError> {
        let heard = self.listener.try_recv().await?;
        Ok(heard.and_then(|it| Uuid::parse_str(it.payload()).ok()).map(ServiceId))
    }
}

/// Tells listeners of a change, when and if the transaction commits.
pub(crate) async fn notify(
    connection: &mut PgConnection,
    service: ServiceId,
) -> Result<(), StoreError> {
    sqlx::query!("select pg_notify($1, $2) as done", CHANNEL, service.to_string())
        .fetch_one(connection)
        .await?;
    Ok(())
}

/// Ends a change of a service: writes it down for people, tells listeners, commits.
pub(crate) async fn commit(
    mut tx: Transaction<'_, Postgres>,
    service: ServiceId,
    by: &By,
    entry: &Entry<'_>,
) -> Result<(), StoreError> {
    events::record_change(&mut tx, service, by, entry).await?;
    tx.commit().await?;
    Ok(())
}
