//! How much is let in at the same time: bytes of request bodies over all, requests of each
//! principal. Nothing here is a lock that two principals' requests wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::config::Limits;
use crate::error::{ApiError, NO_ROOM};
use crate::owner::Owner;
use crate::shared::Table;

/// What is free.
pub(crate) struct Admission {
    /// A permit for each KiB.
    room: Arc<Semaphore>,
    kib: u32,
    wait: Duration,
    requests: Table<Owner, AtomicUsize>,
    most_requests: usize,
    most_owners: usize,
}

/// A request of a principal, for as long as this exists.
pub(crate) struct Slot(Option<Arc<AtomicUsize>>);

#[cfg(test)]
impl Slot {
    pub(crate) const fn none() -> Self {
        Self(None)
    }
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        let kib = limits.max_in_flight_bytes.div_ceil(1024).min(Semaphore::MAX_PERMITS);
        let kib = u32::try_from(kib).unwrap_or(u32::MAX);
        Self {
            room: Arc::new(Semaphore::new(usize::try_from(kib).unwrap_or(usize::MAX))),
            kib,
            wait: Duration::from_millis(limits.in_flight_wait_ms.into()),
            requests: Table::new(),
            most_requests: limits.max_requests_per_principal,
            most_owners: limits.max_sessions * 2,
        }
    }

    /// One more request of `owner`, if it has not too many already.
    pub(crate) fn enter(&self, owner: &Owner) -> Result<Slot, ApiError> {
        if *owner == Owner::Proxy {
            // That is everybody.
            return Ok(Slot(None));
        }
        let count = self.requests.get(owner).unwrap_or_else(|| self.count_of(owner));
        let slot = Slot(Some(Arc::clone(&count)));
        if count.fetch_add(1, Ordering::Relaxed) >= self.most_requests {
            return Err(ApiError::TooManyRequests(self.most_requests));
        }
        Ok(slot)
    }

    /// Bytes of room that request bodies hold now.
    pub(crate) fn taken_bytes(&self) -> usize {
        let all = usize::try_from(self.kib).unwrap_or(usize::MAX);
        all.saturating_sub(self.room.available_permits()).saturating_mul(1024)
    }

    fn count_of(&self, owner: &Owner) -> Arc<AtomicUsize> {
        self.requests.change(|requests| {
            if requests.len() >= self.most_owners {
                requests.retain(|_, it| it.load(Ordering::Relaxed) > 0);
            }
            Arc::clone(requests.entry(owner.clone()).or_default())
        })
    }

    /// Takes `bytes` of room more. Waits for it a while, and then says that there is none.
    pub(crate) async fn take(&self, room: &mut Room, bytes: usize) -> Result<(), ApiError> {
        // A body that is larger than all room there is has it for itself.
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).min(self.kib);
        if let Ok(taken) = Arc::clone(&self.room).try_acquire_many_owned(kib) {
            room.add(taken);
            return Ok(());
        }
        let taking = Arc::clone(&self.room).acquire_many_owned(kib);
        let taken = timeout(self.wait, taking).await.ok().and_then(Result::ok);
        room.add(taken.ok_or(ApiError::Unavailable(NO_ROOM))?);
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(count) = &self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Room that the body of a request takes until this is dropped, which is when it is answered.
#[derive(Default)]
pub(crate) struct Room(Option<OwnedSemaphorePermit>);

impl Room {
    fn add(&mut self, more: OwnedSemaphorePermit) {
        match &mut self.0 {
            Some(held) => held.merge(more),
            None => self.0 = Some(more),
        }
    }

    /// Gives back what is more than `bytes` need.
    pub(crate) fn keep(&mut self, bytes: usize) {
        if let Some(held) = &mut self.0 {
            let spare = held.num_permits().saturating_sub(bytes.div_ceil(1024));
            drop(held.split(spare));
        }
    }
}

#[cfg(test)]
mod tests;
