//! Nodes that failed, and rollouts that go back because of it.

use model::{NodeId, RevisionId, RolloutId, ServiceId};
use rolling::{Failure, FailureKind};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::{ActiveRollout, RecordError, Rollouts, note, raise_version};
use crate::{StoreError, changes, decode, events};

/// A failure as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FailureRow {
    node: NodeId,
    kind: String,
    why: String,
    log: String,
}

impl FailureRow {
    /// What the planner needs of it; `None` if a newer version wrote it.
    pub(super) fn failure(&self) -> Option<Failure> {
        let kind = FailureKind::ALL.into_iter().find(|it| it.as_str() == self.kind)?;
        Some(Failure { node: self.node, kind, why: self.why.clone() })
    }

    /// The end of the node's log.
    pub(super) fn log(&self) -> &str {
        &self.log
    }

    fn of(failure: &Failure, log: &str) -> Self {
        Self {
            node: failure.node,
            kind: failure.kind.as_str().to_owned(),
            why: failure.why.clone(),
            // Text of Postgres cannot hold it.
            log: log.replace('\0', ""),
        }
    }
}

impl Rollouts {
    /// Writes down that the first node of a rollout failed: its target is rejected, and it and the
    /// service go back to the revision and the configuration that were good last.
    pub async fn go_back(
        &self,
        service: ServiceId,
        rollout: &ActiveRollout,
        failure: &Failure,
        log: &str,
    ) -> Result<(), RecordError> {
        let mut tx = self.pool.begin().await?;
        raise_version(&mut tx, rollout).await?;
        sqlx::query!(
            "update rollout set direction = 'back', failure = $2 where rollout_id = $1",
            rollout.id.0,
            Json(FailureRow::of(failure, log)) as _
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "update revision set rejected_reason = $2 where revision_id = $1",
            rollout.rollout.target.as_str(),
            failure.to_string()
        )
        .execute(&mut *tx)
        .await?;
        restore_configuration(&mut tx, service, &rollout.rollout.target).await?;
        let text = format!(
            "revision {} is rejected, and the service goes back to what it had: {failure}",
            rollout.rollout.target
        );
        note(&mut tx, rollout.id, Some(failure.node), "failed", &failure.to_string()).await?;
        Ok(changes::commit(tx, service, "orchestrator", "rollout_failed", &text).await?)
    }

    /// Writes down that a node failed: the rollout stands until a person lets it go on.
    pub async fn halt(
        &self,
        service: ServiceId,
        rollout: &ActiveRollout,
        failure: &Failure,
        log: &str,
    ) -> Result<(), RecordError> {
        let mut tx = self.pool.begin().await?;
        raise_version(&mut tx, rollout).await?;
        sqlx::query!(
            "update rollout set halted = $2, failure = coalesce(failure, $2) where rollout_id = $1",
            rollout.id.0,
            Json(FailureRow::of(failure, log)) as _
        )
        .execute(&mut *tx)
        .await?;
        note(&mut tx, rollout.id, Some(failure.node), "halted", &failure.to_string()).await?;
        let text = format!("rolling restart halted: {failure}");
        Ok(changes::commit(tx, service, "orchestrator", "rollout_halted", &text).await?)
    }
}

/// Gives a service back what it was good with, unless users have changed it further since.
pub(super) async fn restore_configuration(
    connection: &mut PgConnection,
    service: ServiceId,
    rejected: &RevisionId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update service
         set target_revision = stable_revision, user_config = stable_user_config,
             dynamic_config = stable_dynamic_config, generation = generation + 1,
             updated_at = now()
         where service_id = $1 and target_revision = $2 and stable_revision is not null",
        service.0,
        rejected.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Turns a rollout round on a person's behalf. The service's row is locked first, as a change of
/// the configuration does.
pub(super) async fn turn_back(
    connection: &mut PgConnection,
    service: ServiceId,
    rollout: RolloutId,
    actor: &str,
) -> Result<bool, StoreError> {
    let target = sqlx::query_scalar!(
        "update rollout set direction = 'back', halted = null, paused_by = null,
                            paused_reason = null, abort = false, resumed_at = now(),
                            version = version + 1
         where rollout_id = $1 and ended_at is null and base_revision is not null
           and base_revision <> target_revision and direction = 'forward'
         returning target_revision",
        rollout.0
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(target) = target else { return Ok(false) };
    let target = RevisionId::try_from(target).map_err(decode)?;
    restore_configuration(connection, service, &target).await?;
    note(connection, rollout, None, "going_back", &format!("asked for by {actor}")).await?;
    let text = format!("rolling restart into {target} goes back");
    events::record(connection, service, actor, "rollout_going_back", &text).await?;
    Ok(true)
}
