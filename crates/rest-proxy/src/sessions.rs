//! The pool: one session for each caller, opened when needed, bounded, never kept past its token.
//!
//! **Invariant:** a session belongs to one [`Owner`] and only ever holds tokens of that owner. It is
//! found by owner, never by token, so a refreshed token finds the same clients and consumers.

mod session;

use futures::FutureExt;
use futures::future::BoxFuture;
use kafka::KafkaError;
use model::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

pub(crate) use self::session::{Counted, Session, TokenSink};
use crate::clients;
use crate::config::Limits;
use crate::directory::{Directories, Directory};
use crate::error::{ApiError, REPLACED};
use crate::identity::{Caller, Logins};
use crate::metrics::{End, Metrics};
use crate::owner::{Credential, Owner};
use crate::settings::Active;
use crate::shared::Table;

/// The open sessions of all callers.
#[derive(Clone)]
pub(crate) struct Sessions {
    open: Arc<Table<Owner, Session>>,
    tools: Arc<Tools>,
}

/// What all sessions share.
pub(crate) struct Tools {
    pub(crate) limits: Limits,
    pub(crate) directories: Directories,
    pub(crate) logins: Arc<Logins>,
    /// A permit for each client that is being created.
    pub(crate) builds: Semaphore,
    /// Everything that blocks or goes on beside a request, so that stopping can wait for it.
    pub(crate) tracker: TaskTracker,
    pub(crate) metrics: Metrics,
    /// Told whenever something may be over earlier than it was thought.
    pub(crate) wake: Arc<Notify>,
}

impl Tools {
    /// Kafka's metadata for who has `credential`, with connections of its own.
    fn directory(
        &self,
        active: &Active,
        owner: &Owner,
        credential: &Credential,
    ) -> Box<dyn Directory> {
        let timeout = self.limits.request_timeout().mul_f32(0.9).min(Duration::from_secs(10));
        (self.directories)(clients::admin(&active.settings, owner, credential, timeout))
    }
}

impl Sessions {
    pub(crate) fn new(
        limits: Limits,
        directories: Directories,
        logins: Arc<Logins>,
        tracker: TaskTracker,
        wake: Arc<Notify>,
        metrics: Metrics,
    ) -> Self {
        let builds = Semaphore::new(limits.max_client_builds.max(1));
        let tools = Tools { limits, directories, logins, builds, tracker, metrics, wake };
        let tools = Arc::new(tools);
        Self { open: Arc::new(Table::new()), tools }
    }

    /// Logs in as `owner` with a connection of its own, and opens nothing else.
    pub(crate) fn probe(
        &self,
        active: &Active,
        owner: &Owner,
        credential: &Credential,
    ) -> BoxFuture<'static, Result<(), KafkaError>> {
        let directory = self.tools.directory(active, owner, credential);
        async move { directory.probe().await }.boxed()
    }

    /// Ends `owner`'s session if it runs on `credential`, which is no good any more.
    pub(crate) fn dismiss(&self, owner: &Owner, credential: &Credential) {
        if let Some(session) = self.open.get(owner).filter(|it| it.runs_on(credential)) {
            session.end(End::Refused);
        }
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.open.values().iter().filter(|it| !it.has_ended()).count()
    }

    /// How many Kafka clients are being made.
    pub(crate) fn builds_in_flight(&self) -> usize {
        let most = self.tools.limits.max_client_builds.max(1);
        most.saturating_sub(self.tools.builds.available_permits())
    }

    /// The caller's session, with the caller's token if that is the newest. Waits for nothing.
    pub(crate) fn session(&self, caller: &Caller) -> Result<Arc<Session>, ApiError> {
        let now = Timestamp::now();
        if let Some(session) = self.open.get(&caller.owner)
            && let Some(session) = usable(session, caller, now)?
        {
            return Ok(session);
        }
        let opened: Result<_, ApiError> = self.open.change(|open| {
            // Another request may have been quicker.
            if let Some(session) = open.get(&caller.owner)
                && let Some(session) = usable(Arc::clone(session), caller, now)?
            {
                return Ok(session);
            }
            self.make_room(open)?;
            let session = Arc::new(Session::new(caller, Arc::clone(&self.tools)));
            self.tools.metrics.session_opened();
            if let Some(stale) = open.insert(caller.owner.clone(), Arc::clone(&session)) {
                stale.end(End::Replaced);
            }
            self.tools.wake.notify_one();
            Ok(session)
        });
        opened
    }

    /// Gives up the least recently used session without consumers if there are too many.
    fn make_room(&self, open: &mut HashMap<Owner, Arc<Session>>) -> Result<(), ApiError> {
        if open.len() < self.tools.limits.max_sessions {
            return Ok(());
        }
        let spare = open
            .values()
            .filter(|it| it.has_ended() || !it.has_consumers())
            .min_by_key(|it| (!it.has_ended(), it.last_used()))
            .cloned();
        let Some(spare) = spare else {
            warn!(sessions = open.len(), "no room for another principal");
            return Err(ApiError::Unavailable("Too many principals are connected"));
        };
        open.remove(spare.owner());
        spare.end(End::Replaced);
        Ok(())
    }

    /// Ends what is over: expired tokens, idle sessions, sessions of replaced settings. Starts a
    /// look into refused logins. Says when to come again, if nothing happens meanwhile.
    pub(crate) fn sweep(&self, now: Timestamp, generation: u64) -> Option<Timestamp> {
        let mut due = None;
        for session in self.open.values() {
            if session.has_ended() {
                // Only its refusal is remembered.
            } else if session.expired(now) {
                session.end(End::Expired);
            } else if session.generation() != generation {
                session.end(End::Replaced);
            } else if session.idle_at().is_some_and(|it| it <= now) {
                session.end(End::Idle);
            } else if session.take_refusal(now) {
                let probed = Arc::clone(&session);
                self.tools.tracker.spawn(async move { look_into_refusal(&probed).await });
            }
            due = due.into_iter().chain(session.due()).min();
        }
        // A refused token is remembered for a while, so that it costs nothing to refuse again.
        self.open.remove_if(|it| it.has_ended() && !it.remembers_refusal(now));
        due
    }

    /// Ends all sessions: the process stops.
    pub(crate) fn close(&self) {
        for session in self.open.change(std::mem::take).into_values() {
            session.end(End::Idle);
        }
    }
}

/// `session`, if `caller` can use it as it is or with its newer token.
fn usable(
    session: Arc<Session>,
    caller: &Caller,
    now: Timestamp,
) -> Result<Option<Arc<Session>>, ApiError> {
    if session.remembers_refusal(now) && session.runs_on(&caller.credential) {
        return Err(session.refusal());
    }
    // A request that began before the settings changed does not undo the change.
    if session.generation() > caller.active.generation {
        return Err(ApiError::Unavailable(REPLACED));
    }
    if session.has_ended() || session.generation() != caller.active.generation {
        return Ok(None);
    }
    match &caller.credential {
        Credential::Token(token) => session.offer(token, now)?,
        // A user has one password, and this one was proven last.
        Credential::Password(_) if !session.runs_on(&caller.credential) => return Ok(None),
        Credential::Own | Credential::Password(_) => {}
    }
    session.touch(now);
    Ok(Some(session))
}

/// A broker refused a login about a second ago. Logs in once more, with a new connection: what
/// comes of it decides. Brokers may have been without a new key, or a single one at fault.
async fn look_into_refusal(session: &Session) {
    match session.fresh_directory().probe().await {
        Err(KafkaError::Authentication { .. }) if !session.has_ended() => session.refused(),
        Err(error) => {
            info!(error = &error as &dyn std::error::Error, "cannot look into a refused login");
        }
        Ok(()) => {}
    }
}

#[cfg(test)]
mod tests;
