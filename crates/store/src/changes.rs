//! Hearing of changes without asking all the time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::ServiceId;
use sqlx::postgres::{PgConnection, PgListener};
use sqlx::{PgPool, Postgres, Transaction};
use tokio::task::JoinSet;
use tracing::warn;
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

/// Tells listeners of changes that were committed, of many at once if there are many: Postgres lets only
/// one transaction that notifies commit at a time, each with its own write to the disk.
///
/// A program that is killed between the commit and this tells nobody: whoever listens also polls.
#[derive(Clone, Debug)]
pub(crate) struct Announcer {
    pool: PgPool,
    waiting: Arc<Mutex<Waiting>>,
}

/// What listeners were not told yet.
#[derive(Debug, Default)]
struct Waiting {
    services: BTreeSet<Uuid>,
    /// Whether somebody is at it.
    telling: bool,
    task: JoinSet<()>,
}

/// How long is waited after changes were told, for more of them.
const PAUSE: Duration = Duration::from_millis(50);

impl Announcer {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, waiting: Arc::default() }
    }

    /// Tells of a change soon; the first after a pause at once.
    pub(crate) fn announce(&self, service: ServiceId) {
        let mut waiting = self.waiting();
        waiting.services.insert(service.0);
        if !std::mem::replace(&mut waiting.telling, true) {
            // The one before has ended.
            waiting.task = JoinSet::from_iter([self.clone().tell()]);
        }
    }

    async fn tell(self) {
        loop {
            let services: Vec<Uuid> = {
                let mut waiting = self.waiting();
                waiting.telling = !waiting.services.is_empty();
                std::mem::take(&mut waiting.services).into_iter().collect()
            };
            if services.is_empty() {
                return;
            }
            let told = sqlx::query!(
                "select pg_notify($1, service_id::text) as done from unnest($2::uuid[]) service_id",
                CHANNEL,
                &services
            );
            if let Err(error) = told.execute(&self.pool).await {
                let count = services.len();
                warn!(%error, count, "listeners were not told of changes: they have to look");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // What is in it makes sense whenever somebody panics.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
