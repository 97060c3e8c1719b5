//! What people tell a rollout that is under way.

use model::{RolloutId, ServiceId};
use sqlx::postgres::PgConnection;

use super::failures::turn_back;
use super::{RecordError, Rollouts, note};
use crate::{StoreError, changes};

/// What a person allows to be done about partitions that a restart makes unavailable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who agrees.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
    /// Whether the partitions get more replicas for the time of the rollout, instead of being
    /// unavailable.
    pub raise_replication: bool,
}

impl Consent {
    pub(super) const fn remedy(&self) -> &'static str {
        if self.raise_replication { "raise_replication" } else { "consent" }
    }
}

/// What a person tells a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RolloutCommand {
    /// Touch no further node.
    Pause {
        /// Why, in their words.
        reason: String,
    },
    /// Go on, after a pause or a failed node.
    Resume,
    /// End at the next node, and leave nodes as they are.
    Abort,
    /// Bring every node back to the revision that was good last.
    RollBack,
    /// Go on in spite of what the forecast says.
    Consent(Consent),
    /// Do not wait for the maintenance window.
    StartNow,
}

impl RolloutCommand {
    /// The kind of the event, for programs.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Pause { .. } => "paused",
            Self::Resume => "resumed",
            Self::Abort => "aborting",
            Self::RollBack => "going_back",
            Self::Consent(_) => "consented",
            Self::StartNow => "window_lifted",
        }
    }

    /// What the event says.
    fn text(&self) -> String {
        match self {
            Self::Pause { reason } => format!("rolling restart paused: {reason}"),
            Self::Resume => "rolling restart goes on".into(),
            Self::Abort => "rolling restart ends with the node that is under way".into(),
            Self::RollBack => "rolling restart goes back".into(),
            Self::Consent(Consent { by, reason, raise_replication }) => {
                let to = if *raise_replication { "more replicas" } else { "an outage" };
                format!("{by} agrees to {to} for partitions without a spare replica: {reason}")
            }
            Self::StartNow => "rolling restart waits for no maintenance window".into(),
        }
    }
}

impl Rollouts {
    /// Tells a rollout that has not ended. With `version`, only if it is still that one. Telling it
    /// again what it knows changes nothing. [`RecordError::Stale`] if it has ended, has another
    /// version, or cannot do that: there is nothing to go back to.
    pub async fn tell(
        &self,
        service: ServiceId,
        rollout: RolloutId,
        version: Option<i64>,
        actor: &str,
        command: &RolloutCommand,
    ) -> Result<(), RecordError> {
        let mut tx = self.pool.begin().await?;
        // In the order in which a change of the configuration takes them.
        sqlx::query!("select 1 as one from service where service_id = $1 for update", service.0)
            .fetch_optional(&mut *tx)
            .await?;
        let known = sqlx::query_scalar!(
            "select version from rollout
             where rollout_id = $1 and service_id = $2 and ended_at is null
               and ($3::bigint is null or version = $3) for update",
            rollout.0,
            service.0,
            version
        )
        .fetch_optional(&mut *tx)
        .await?;
        known.ok_or(RecordError::Stale)?;
        if !apply(&mut tx, service, rollout, actor, command).await? {
            return Err(RecordError::Stale);
        }
        if *command != RolloutCommand::RollBack {
            note(&mut tx, rollout, None, command.kind(), &command.text()).await?;
        }
        let event_type = format!("rollout_{}", command.kind());
        Ok(changes::commit(tx, service, actor, &event_type, &command.text()).await?)
    }
}

/// Returns whether it could be done.
async fn apply(
    connection: &mut PgConnection,
    service: ServiceId,
    rollout: RolloutId,
    actor: &str,
    command: &RolloutCommand,
) -> Result<bool, StoreError> {
    let id = rollout.0;
    let query = match command {
        RolloutCommand::RollBack => return turn_back(connection, service, rollout, actor).await,
        RolloutCommand::Pause { reason } => sqlx::query!(
            "update rollout set paused_by = $2, paused_reason = $3, version = version + 1
             where rollout_id = $1",
            id,
            actor,
            reason
        ),
        RolloutCommand::Resume => sqlx::query!(
            "update rollout set paused_by = null, paused_reason = null, halted = null,
                                abort = false, resumed_at = now(), version = version + 1
             where rollout_id = $1",
            id
        ),
        RolloutCommand::Abort => sqlx::query!(
            "update rollout set abort = true, halted = null, paused_by = null,
                                paused_reason = null, resumed_at = now(), version = version + 1
             where rollout_id = $1",
            id
        ),
        RolloutCommand::Consent(consent) => sqlx::query!(
            "update rollout set remedy = $2, consent_by = $3, consent_reason = $4,
                                version = version + 1
             where rollout_id = $1",
            id,
            consent.remedy(),
            consent.by,
            consent.reason
        ),
        RolloutCommand::StartNow => sqlx::query!(
            "update rollout set window_dow = null, window_time = null, version = version + 1
             where rollout_id = $1",
            id
        ),
    };
    query.execute(connection).await?;
    Ok(true)
}
