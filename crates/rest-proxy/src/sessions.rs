//! The pool: one session for each caller, opened when needed, bounded, never kept past its token.
//!
//! **Invariant:** a session belongs to one [`Owner`] and only ever holds tokens of that owner. It is
//! found by owner, never by token, so a refreshed token finds the same clients and consumers.

mod session;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kafka::KafkaError;
use model::Timestamp;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

pub(crate) use self::session::{Counted, End, Session, TokenSink};
use crate::config::Limits;
use crate::directory::Directories;
use crate::error::{ApiError, REPLACED};
use crate::identity::{Caller, Owner};
use crate::shared::Table;

/// How long brokers get to learn of a new key before a refused token counts as refused.
pub(crate) const REFUSAL_GRACE: Duration = Duration::from_secs(1);
/// How long a refused token is refused without asking again.
const REFUSAL_KEPT_MS: i64 = 10_000;

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
    /// A permit for each client that is being created.
    pub(crate) builds: Semaphore,
    /// Everything that blocks or goes on beside a request, so that stopping can wait for it.
    pub(crate) tracker: TaskTracker,
}

impl Sessions {
    pub(crate) fn new(limits: Limits, directories: Directories, tracker: TaskTracker) -> Self {
        let builds = Semaphore::new(limits.max_client_builds.max(1));
        let tools = Arc::new(Tools { limits, directories, builds, tracker });
        Self { open: Arc::new(Table::new()), tools }
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
            if let Some(stale) = open.insert(caller.owner.clone(), Arc::clone(&session)) {
                stale.end(End::Replaced);
            }
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
    /// look into refused logins.
    pub(crate) fn sweep(&self, now: Timestamp, generation: u64) {
        let idle_ms = i64::from(self.tools.limits.session_idle_secs) * 1000;
        for session in self.open.values() {
            if session.expired(now) {
                session.end(End::Expired);
            } else if session.generation() != generation {
                session.end(End::Replaced);
            } else if now.ms_since(session.last_used()) >= idle_ms && !session.has_consumers() {
                session.end(End::Idle);
            } else if session.take_refusal(now) {
                let probed = Arc::clone(&session);
                self.tools.tracker.spawn(async move { look_into_refusal(&probed).await });
            }
        }
        // A refused token is remembered for a while, so that it costs nothing to refuse again.
        self.open.remove_if(|it| it.has_ended() && !it.remembers_refusal(now));
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
    let same_token = || session.holds(caller.token.as_deref());
    if session.remembers_refusal(now) && same_token() {
        return Err(session.refusal());
    }
    // A request that began before the settings changed does not undo the change.
    if session.generation() > caller.active.generation {
        return Err(ApiError::Unavailable(REPLACED));
    }
    if session.has_ended() || session.generation() != caller.active.generation {
        return Ok(None);
    }
    if let Some(token) = &caller.token {
        session.offer(token, now)?;
    }
    session.touch(now);
    Ok(Some(session))
}

/// A broker refused a login about a second ago. Logs in once more, with a new connection: what
/// comes of it decides. Brokers may have been without a new key, or a single one at fault.
async fn look_into_refusal(session: &Session) {
    match session.fresh_directory().probe().await {
        Err(KafkaError::Authentication { .. }) => session.refused(),
        Err(error) => {
            info!(error = &error as &dyn std::error::Error, "cannot look into a refused login");
        }
        Ok(()) => {}
    }
}

#[cfg(test)]
mod tests;
