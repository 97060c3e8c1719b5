//! Kafka clients, and the tasks that drive them.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::clients::LoadError;

/// Kafka clients, and the tasks that drive them.
pub(super) struct Crew<C> {
    pub(super) clients: Vec<Arc<C>>,
    pub(super) tasks: JoinSet<()>,
    pub(super) stop: CancellationToken,
}

impl<C> Crew<C> {
    pub(super) fn new() -> Self {
        Self { clients: Vec::new(), tasks: JoinSet::new(), stop: CancellationToken::new() }
    }

    /// Stops the tasks. The clients go on with what they were given.
    pub(super) async fn dismiss(&mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    }
}

/// Runs what blocks where it blocks nobody.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
