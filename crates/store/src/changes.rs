//! Hearing of changes without asking all the time.

use model::ServiceId;
use sqlx::PgPool;
use sqlx::postgres::{PgConnection, PgListener};
use uuid::Uuid;

use crate::StoreError;

/// The channel of `NOTIFY`; the payload is a service's id.
const CHANNEL: &str = "tidegate_service";

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
