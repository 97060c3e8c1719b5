//! Who waits for a change of a service is woken here.

use std::time::Duration;

use store::{Store, StoreError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use web::chain;

/// How long it is waited before the database is asked for notifications again.
const RETRY: Duration = Duration::from_secs(2);

/// Gives the alarm. Lives in one task, see [`Alarm::run`].
#[derive(Debug)]
pub struct Alarm {
    changes: watch::Sender<()>,
}

/// Hears the alarm. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Wake {
    changes: watch::Receiver<()>,
    stop: CancellationToken,
}

/// An alarm, and its hearing. When `stop` is cancelled, nobody waits any longer.
pub fn alarm(stop: CancellationToken) -> (Alarm, Wake) {
    let (sender, changes) = watch::channel(());
    (Alarm { changes: sender }, Wake { changes, stop })
}

impl Alarm {
    /// Passes on what the database notifies of, until `stop`. Whoever
    /// waits also looks from time to time, so a lost notification costs time and nothing else.
    pub async fn run(self, store: Store, stop: CancellationToken) {
        let listening = async {
            loop {
                if let Err(error) = self.listen(&store).await {
                    warn!(error = %chain(&error), "hearing of no changes, looking for them instead");
                }
                tokio::time::sleep(RETRY).await;
            }
        };
        stop.run_until_cancelled(listening).await;
    }

    async fn listen(&self, store: &Store) -> Result<(), StoreError> {
        let mut changes = store.changes().await?;
        loop {
            // Something may have changed before we listened.
            self.changes.send_replace(());
            changes.next().await?;
        }
    }
}

impl Wake {
    /// Starts to hear: changes from now on count.
    pub(crate) fn hear(&mut self) {
        self.changes.mark_unchanged();
    }

    /// Waits for a change of some service, or for `most`.
    pub(crate) async fn wait(&mut self, most: Duration) {
        let change = tokio::time::timeout(most, self.changes.changed());
        // Without an alarm there is only the time.
        if let Some(Ok(Err(_))) = self.stop.run_until_cancelled(change).await {
            self.stop.run_until_cancelled(tokio::time::sleep(most)).await;
        }
    }

    /// Whether waiting is over for good.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.is_cancelled()
    }
}
