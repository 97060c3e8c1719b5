//! All consumer instances, each found by its owner only.

use std::sync::Arc;

use model::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::instance::{InUse, Instance, Key, Options};
use crate::config::Limits;
use crate::error::ApiError;
use crate::identity::Owner;
use crate::shared::Table;

/// How often a consumer that nobody asks is served.
const SERVE_EVERY_MS: i64 = 1_000;

/// The consumer instances of all callers.
#[derive(Clone)]
pub(crate) struct Consumers {
    instances: Arc<Table<Key, Instance>>,
    limits: Arc<Limits>,
    tracker: TaskTracker,
}

impl Consumers {
    pub(crate) fn new(limits: Limits, tracker: TaskTracker) -> Self {
        Self { instances: Arc::new(Table::new()), limits: Arc::new(limits), tracker }
    }

    pub(crate) fn create(
        &self,
        owner: Owner,
        group: String,
        name: String,
        options: Options,
    ) -> Result<(), ApiError> {
        let key = Key { owner, group, name };
        self.instances.change(|instances| {
            if instances.contains_key(&key) {
                return Err(ApiError::ConsumerExists(key.name));
            }
            let own = instances.keys().filter(|it| it.owner == key.owner).count();
            // The proxy's own identity is shared by everybody.
            let most = match key.owner {
                Owner::Proxy => self.limits.max_consumers,
                Owner::Oidc { .. } => self.limits.max_consumers_per_principal,
            };
            if own >= most {
                return Err(ApiError::TooManyConsumers(most));
            }
            if instances.len() >= self.limits.max_consumers {
                return Err(ApiError::Unavailable("Too many consumer instances are open"));
            }
            instances.insert(key.clone(), Arc::new(Instance::new(key, options)));
            Ok(())
        })
    }

    /// The instance of that name, if it is `owner`'s.
    pub(crate) fn find(&self, owner: &Owner, group: &str, name: &str) -> Result<InUse, ApiError> {
        let key = Key { owner: owner.clone(), group: group.to_owned(), name: name.to_owned() };
        let found = self.instances.get(&key).map(|it| it.used());
        found.ok_or(ApiError::ConsumerNotFound { group: key.group, instance: key.name })
    }

    /// Ends an instance. Returns what is cancelled when it has left its group.
    pub(crate) fn delete(&self, instance: &Arc<Instance>) -> Option<CancellationToken> {
        self.instances.remove(instance.key(), instance);
        instance.delete()
    }

    /// Suspends instances whose session is over, ends those that nobody asks any more, and lets the
    /// others take part in their groups.
    pub(crate) fn sweep(&self, now: Timestamp) {
        for instance in self.instances.values() {
            instance.suspend_if_over(now);
            let idle_ms = instance.idle_ms(now);
            if self.is_abandoned(&instance, idle_ms) {
                self.delete(&instance);
            } else if instance.is_live() && instance.is_due(now, SERVE_EVERY_MS) {
                self.tracker.spawn(async move { instance.serve(now).await });
            }
        }
    }

    fn is_abandoned(&self, instance: &Instance, idle_ms: i64) -> bool {
        let retention_ms =
            (!instance.is_live()).then(|| i64::from(self.limits.consumer_retention_secs) * 1000);
        instance.options().idle_ms.max(retention_ms).is_some_and(|it| idle_ms >= it)
    }

    /// Ends all instances: the process stops.
    pub(crate) fn close(&self) {
        for instance in self.instances.change(std::mem::take).into_values() {
            instance.delete();
        }
    }
}

#[cfg(test)]
mod tests;
