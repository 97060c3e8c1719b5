//! Starting rollouts.

use model::{RevisionId, RolloutId, ServiceId};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::people::Consent;
use super::{Rollouts, note};
use crate::events::{By, Entry};
use crate::{StoreError, changes, constraint, events};

/// A rollout that a person asks for: every node is restarted that does not run the service's
/// target, or every node at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartRollout {
    /// Who asks.
    pub by: By,
    /// Names the request, so that it can be repeated.
    pub idempotency_key: Option<String>,
    /// The service's generation that the caller has seen; any if `None`.
    pub generation: Option<i64>,
    /// How many nodes may be away at once.
    pub max_unavailable: Option<u32>,
    /// In place of the orchestrator's own, in milliseconds.
    pub canary_bake_ms: Option<i64>,
    /// In place of the orchestrator's own, in milliseconds.
    pub soak_ms: Option<i64>,
    /// What may be done about partitions that become unavailable.
    pub consent: Option<Consent>,
    /// Whether it waits for the service's maintenance window.
    pub in_window: bool,
    /// Whether nodes that run the target are restarted too.
    pub all_nodes: bool,
}

/// Why a rollout was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartRolloutError {
    /// One is under way.
    #[error("a rollout is under way")]
    UnderWay,
    /// The service has changed since it was seen, or is gone.
    #[error("the service has changed in the meantime")]
    Stale,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for StartRolloutError {
    fn from(error: sqlx::Error) -> Self {
        match constraint(&error) {
            Some("rollout_one_active") => Self::UnderWay,
            _ => Self::Store(error.into()),
        }
    }
}

/// Why a rollout starts by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A new service comes up.
    Created,
    /// The configuration has changed.
    Changed,
}

impl Rollouts {
    /// Starts the rollout that a person asks for. The same key gives the same rollout again.
    pub async fn start(
        &self,
        service: ServiceId,
        asked: &StartRollout,
    ) -> Result<RolloutId, StartRolloutError> {
        let mut tx = self.pool.begin().await?;
        let before = sqlx::query!(
            "select target_revision, generation from service where service_id = $1 for update",
            service.0
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StartRolloutError::Stale)?;
        if let Some(key) = &asked.idempotency_key {
            let earlier = sqlx::query_scalar!(
                "select rollout_id from rollout where service_id = $1 and idempotency_key = $2",
                service.0,
                key
            )
            .fetch_optional(&mut *tx)
            .await?;
            if let Some(earlier) = earlier {
                return Ok(RolloutId(earlier));
            }
        }
        if asked.generation.is_some_and(|it| it != before.generation) {
            return Err(StartRolloutError::Stale);
        }
        let id = RolloutId(Uuid::now_v7());
        let consent = asked.consent.as_ref();
        sqlx::query!(
            "insert into rollout (rollout_id, service_id, target_revision, started_by,
                                  base_revision, idempotency_key, max_unavailable, canary_bake_ms,
                                  soak_ms, remedy, consent_by, consent_reason, window_dow,
                                  window_time, restart_all)
             select $1, service_id, target_revision, $3, stable_revision, $4, $5, $6, $7, $8, $9,
                    $10, case when $11 then maintenance_dow end,
                    case when $11 then coalesce(maintenance_time, '00:00:00') end, $12
             from service where service_id = $2",
            id.0,
            service.0,
            asked.by.actor,
            asked.idempotency_key,
            asked.max_unavailable.and_then(|it| i32::try_from(it).ok()).unwrap_or(1),
            asked.canary_bake_ms,
            asked.soak_ms,
            consent.map_or("wait", Consent::remedy),
            consent.map(|it| it.by.as_str()),
            consent.map(|it| it.reason.as_str()),
            asked.in_window,
            asked.all_nodes
        )
        .execute(&mut *tx)
        .await?;
        let text = format!("rolling restart into revision {}", &before.target_revision[..12]);
        note(&mut tx, id, None, "started", &text).await?;
        changes::commit(tx, service, &asked.by, &Entry::new("rollout_started", &text)).await?;
        Ok(id)
    }
}

/// Starts a rollout within a transaction that holds the service's row. One that is under way is
/// superseded; its orders are handed on, since the ordered nodes have to come back first.
pub(crate) async fn start(
    connection: &mut PgConnection,
    service: ServiceId,
    target: &RevisionId,
    by: &By,
    reason: Reason,
) -> Result<RolloutId, StoreError> {
    let id = Uuid::now_v7();
    let superseded = sqlx::query_scalar!(
        "update rollout
         set ended_at = now(), outcome = 'superseded', reason = 'a newer configuration',
             version = version + 1
         where service_id = $1 and ended_at is null
         returning rollout_id",
        service.0
    )
    .fetch_optional(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into rollout (rollout_id, service_id, target_revision, started_by, base_revision,
                              window_dow, window_time)
         select $1, service_id, $3, $4, stable_revision,
                case when apply_in_window and $5 then maintenance_dow end,
                case when apply_in_window and $5 then coalesce(maintenance_time, '00:00:00') end
         from service where service_id = $2",
        id,
        service.0,
        target.as_str(),
        by.actor,
        reason == Reason::Changed
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into rollout_node (rollout_id, node_id, revision, order_from, ordered_at, attempt)
         select $1, node_id, revision, order_from, ordered_at, attempt
         from rollout_node where rollout_id = $2",
        id,
        superseded
    )
    .execute(&mut *connection)
    .await?;
    // Whoever asks for a rejected revision again has reason to think that it works now.
    sqlx::query!(
        "update revision set rejected_reason = null where revision_id = $1",
        target.as_str()
    )
    .execute(&mut *connection)
    .await?;
    if let Some(superseded) = superseded {
        let text = format!("superseded by rollout {id}, into revision {target}");
        note(connection, RolloutId(superseded), None, "superseded", &text).await?;
    }
    let text = format!("rolling restart into revision {target}");
    note(connection, RolloutId(id), None, "started", &text).await?;
    events::record(connection, service, by, &Entry::new("rollout_started", &text)).await?;
    Ok(RolloutId(id))
}
