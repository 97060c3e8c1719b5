//! All consumer instances, each found by its owner only.

use std::sync::Arc;

use model::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::instance::{InUse, Instance, Key, Options};
use crate::config::Limits;
use crate::error::ApiError;
use crate::owner::Owner;
use crate::shared::Table;

/// The consumer instances of all callers.
#[derive(Clone)]
pub(crate) struct Consumers {
    instances: Arc<Table<Key, Instance>>,
    limits: Arc<Limits>,
    /// Told of a new instance.
    wake: Arc<Notify>,
}

impl Consumers {
    pub(crate) fn new(limits: Limits, wake: Arc<Notify>) -> Self {
        Self { instances: Arc::new(Table::new()), limits: Arc::new(limits), wake }
    }

    /// How many have a Kafka client open, and how many wait for their owner.
    pub(crate) fn count(&self) -> (usize, usize) {
        let instances = self.instances.values();
        let live = instances.iter().filter(|it| it.is_live()).count();
        (live, instances.len() - live)
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
                Owner::Oidc { .. } | Owner::User { .. } => self.limits.max_consumers_per_principal,
            };
            if own >= most {
                return Err(ApiError::TooManyConsumers(most));
            }
            if instances.len() >= self.limits.max_consumers {
                return Err(ApiError::Unavailable("Too many consumer instances are open"));
            }
            instances.insert(key.clone(), Arc::new(Instance::new(key, options)));
            self.wake.notify_one();
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

    /// Suspends instances that are idle or whose session is over, and ends those that nobody asks
    /// any more. Says when to come again, if nothing happens meanwhile.
    pub(crate) fn sweep(&self, now: Timestamp) -> Option<Timestamp> {
        let mut due = None;
        for instance in self.instances.values() {
            if instance.rest_at(self.limits.consumer_idle_secs).is_some_and(|it| it <= now) {
                instance.suspend();
            }
            if self.ends_at(&instance).is_some_and(|it| it <= now) {
                self.delete(&instance);
                continue;
            }
            let next = [instance.rest_at(self.limits.consumer_idle_secs), self.ends_at(&instance)];
            due = due.into_iter().chain(next.into_iter().flatten()).min();
        }
        due
    }

    /// When an instance is forgotten: as the service says, or when it was gone long enough.
    fn ends_at(&self, instance: &Instance) -> Option<Timestamp> {
        let retention_ms = i64::from(self.limits.consumer_retention_secs) * 1000;
        let kept = instance.options().idle_ms;
        let kept = kept.or_else(|| (!instance.is_live()).then_some(retention_ms))?;
        Some(instance.last_used().plus_ms(kept))
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
