//! Small tools for state that many requests share.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use model::Timestamp;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Locks a mutex whose data stays whole when a holder panics.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A map that is read without a lock and copied when it changes: for few, long-lived entries.
pub(crate) struct Table<K, V> {
    map: ArcSwap<HashMap<K, Arc<V>>>,
    changing: Mutex<()>,
}

impl<K: Clone + Eq + Hash, V> Table<K, V> {
    pub(crate) fn new() -> Self {
        Self { map: ArcSwap::from_pointee(HashMap::new()), changing: Mutex::new(()) }
    }

    pub(crate) fn get(&self, key: &K) -> Option<Arc<V>> {
        self.map.load().get(key).cloned()
    }

    pub(crate) fn values(&self) -> Vec<Arc<V>> {
        self.map.load().values().cloned().collect()
    }

    /// Changes a copy and publishes it. Changes wait for each other, readers never.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut HashMap<K, Arc<V>>) -> R) -> R {
        let _turn = locked(&self.changing);
        let mut map = HashMap::clone(&self.map.load());
        let result = change(&mut map);
        self.map.store(Arc::new(map));
        result
    }

    /// Removes `key` if it still stands for `value`.
    pub(crate) fn remove(&self, key: &K, value: &Arc<V>) -> bool {
        self.change(|map| match map.get(key) {
            Some(found) if Arc::ptr_eq(found, value) => map.remove(key).is_some(),
            _ => false,
        })
    }

    /// Removes every value that is `over`.
    pub(crate) fn remove_if(&self, over: impl Fn(&V) -> bool) {
        if self.map.load().values().any(|it| over(it)) {
            self.change(|map| map.retain(|_, it| !over(it)));
        }
    }
}

/// Lets something through once a second: for warnings about what many requests meet at once.
pub(crate) struct Seldom(AtomicI64);

impl Seldom {
    pub(crate) const fn new() -> Self {
        Self(AtomicI64::new(0))
    }

    /// Whether a second has passed since this was last true.
    pub(crate) fn is_due(&self) -> bool {
        self.is_due_at(Timestamp::now())
    }

    fn is_due_at(&self, now: Timestamp) -> bool {
        let last = self.0.load(Ordering::Relaxed);
        let due = now.ms_since(Timestamp(last)).abs() >= 1_000;
        due && self.0.compare_exchange(last, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// Something whose `drop` blocks: it is dropped on a thread made for that.
pub(crate) struct Disposable<T: Send + 'static> {
    value: Option<T>,
    tracker: TaskTracker,
    gone: CancellationToken,
}

impl<T: Send + 'static> Disposable<T> {
    pub(crate) fn new(value: T, tracker: TaskTracker) -> Self {
        Self { value: Some(value), tracker, gone: CancellationToken::new() }
    }

    /// Cancelled once the value has been dropped.
    pub(crate) fn gone(&self) -> CancellationToken {
        self.gone.clone()
    }
}

impl<T: Send + 'static> Deref for Disposable<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // `value` is taken in `drop` only.
        match &self.value {
            Some(value) => value,
            None => unreachable!("used after drop"),
        }
    }
}

impl<T: Send + 'static> Drop for Disposable<T> {
    fn drop(&mut self) {
        let (value, gone) = (self.value.take(), self.gone.clone());
        let dispose = move || {
            drop(value);
            gone.cancel();
        };
        if Handle::try_current().is_ok() {
            self.tracker.spawn_blocking(dispose);
        } else {
            dispose();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_entry_that_was_seen_is_removed() {
        let table = Table::new();
        let (old, new) = (Arc::new(1), Arc::new(2));
        table.change(|map| map.insert("a", Arc::clone(&old)));
        table.change(|map| map.insert("a", Arc::clone(&new)));
        assert!(!table.remove(&"a", &old));
        assert_eq!(table.get(&"a").as_deref(), Some(&2));
        assert!(table.remove(&"a", &new));
        assert!(table.values().is_empty());
    }

    #[test]
    fn once_a_second_is_enough() {
        let seldom = Seldom::new();
        let now = Timestamp::now();
        assert!(seldom.is_due_at(now) && !seldom.is_due_at(now.plus_ms(999)));
        assert!(seldom.is_due_at(now.plus_ms(1_000)));
    }
}
