//! Assignments and positions that the owner decides, with a client or without.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::time::Instant;

use super::{Instance, State};
use crate::consumers::Subscription;
use crate::consumers::shelf::{Place, Positions};
use crate::error::ApiError;
use crate::sessions::Session;
use crate::shared::locked;

impl Instance {
    /// Reads exactly `places`, beside the group; none ends that.
    pub(crate) async fn assign(
        &self,
        session: &Arc<Session>,
        places: Vec<Place>,
    ) -> Result<(), ApiError> {
        let _changing = self.changing.lock().await;
        let live = self.live_of(session);
        {
            let mut state = locked(&self.state);
            if let Subscription::Topics(_) | Subscription::Pattern(_) = state.subscription {
                return Err(ApiError::IllegalState("IllegalStateError".to_owned()));
            }
            let wanted: HashSet<&Place> = places.iter().collect();
            state.kept.retain(|place, _| wanted.contains(place));
            state.subscription = match places.as_slice() {
                [] => Subscription::None,
                _ => Subscription::Assigned(places.clone()),
            };
            state.checked = false;
        }
        match live {
            Some(live) => live.assign(places).await,
            None if places.is_empty() => Ok(()),
            None => self.open(session).await.map(drop),
        }
    }

    /// Reads nothing any more. The client leaves its group: one that comes back, or is assigned
    /// partitions, begins anew.
    pub(crate) async fn unsubscribe(&self) -> Result<(), ApiError> {
        let _changing = self.changing.lock().await;
        let (before, live) = {
            let mut state = locked(&self.state);
            state.kept.clear();
            state.held.clear();
            (std::mem::take(&mut state.subscription), state.live.take())
        };
        let Some(live) = live else { return Ok(()) };
        live.store();
        match before {
            Subscription::Assigned(_) => live.assign(Vec::new()).await,
            _ => live.subscribe(&Subscription::None).await,
        }
    }

    /// What it reads: by its owner's word, or its group's.
    pub(crate) fn assignment(&self) -> Vec<Place> {
        let state = locked(&self.state);
        let mut places = match &state.subscription {
            Subscription::Assigned(places) => places.clone(),
            _ => state.group_gave(),
        };
        places.sort();
        places
    }

    /// The partitions that the owner assigned and nobody has looked for yet.
    pub(crate) fn unchecked(&self) -> Vec<Place> {
        let state = locked(&self.state);
        match &state.subscription {
            Subscription::Assigned(places) if !state.checked => places.clone(),
            _ => Vec::new(),
        }
    }

    /// `places`, which were [unchecked](Self::unchecked), exist.
    pub(crate) fn checked(&self, places: &[Place]) {
        let mut state = locked(&self.state);
        state.checked = matches!(&state.subscription, Subscription::Assigned(it) if it == places);
    }

    /// Goes on at `targets`, which [are assigned](Self::assignment).
    pub(crate) async fn seek(
        &self,
        session: &Arc<Session>,
        targets: Positions,
        deadline: Instant,
    ) -> Result<(), ApiError> {
        let _changing = self.changing.lock().await;
        let live = self.live_of(session);
        match &live {
            Some(live) => live.seek(targets.clone(), deadline).await?,
            None => self.suspend(),
        }
        let mut state = locked(&self.state);
        // Without a client, or with one that was closed meanwhile, the next one starts there.
        let closed = match (&live, &state.live) {
            (Some(sought), Some(current)) => !Arc::ptr_eq(sought, current),
            _ => true,
        };
        if closed {
            state.kept.extend(targets);
        }
        Ok(())
    }
}

impl State {
    /// What the group gave the client, or gave the last one while this one is on its way back.
    fn group_gave(&self) -> Vec<Place> {
        match &self.live {
            Some(live) if live.shelf().has_joined() => live.shelf().assigned(),
            _ => self.held.iter().cloned().collect(),
        }
    }
}

/// A consumer subscribes or is assigned, not both.
pub(super) fn one_way() -> ApiError {
    ApiError::IllegalState(
        "IllegalStateError: You must choose only one way to configure your consumer: (1) subscribe \
         to specific topics by name, (2) subscribe to topics matching a regex pattern, (3) assign \
         itself specific topic-partitions."
            .to_owned(),
    )
}
