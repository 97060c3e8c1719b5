//! Rollouts: the order that was written down, and how each one ended.

use model::{NodeId, RevisionId, RolloutId, ServiceId};
use rolling::{Incarnation, Order, Rollout};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::{StoreError, changes, decode, events, timestamp};

/// Rollouts of services.
#[derive(Clone, Debug)]
pub struct Rollouts {
    pub(crate) pool: PgPool,
}

/// A rollout that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveRollout {
    /// Its id.
    pub id: RolloutId,
    /// What the planner needs of it.
    pub rollout: Rollout,
    /// Raised by each write.
    pub version: i64,
}

/// Why a write to a rollout did not happen.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Somebody else wrote first, or the rollout has ended: look again.
    #[error("the rollout has changed in the meantime")]
    Stale,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RecordError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Rollouts {
    /// The rollout of a service that has not ended, if there is one.
    pub async fn active(&self, service: ServiceId) -> Result<Option<ActiveRollout>, StoreError> {
        let row = sqlx::query!(
            "select rollout_id, target_revision, order_node, order_revision, order_from, order_at,
                    order_attempt, version
             from rollout where service_id = $1 and ended_at is null",
            service.0
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let order = match (row.order_node, row.order_revision, row.order_at, row.order_attempt) {
            (Some(node), Some(revision), Some(at), Some(attempt)) => Some(Order {
                node: NodeId(node),
                revision: RevisionId::try_from(revision).map_err(decode)?,
                from: row.order_from.map(Incarnation),
                at: timestamp(at),
                attempt: u32::try_from(attempt).map_err(decode)?,
            }),
            _ => None,
        };
        Ok(Some(ActiveRollout {
            id: RolloutId(row.rollout_id),
            rollout: Rollout {
                target: RevisionId::try_from(row.target_revision).map_err(decode)?,
                order,
            },
            version: row.version,
        }))
    }

    /// Writes an order down and pins its node to the ordered revision, in one transaction: from
    /// now on the node comes up with that revision, however it is started.
    pub async fn record_order(
        &self,
        service: ServiceId,
        rollout: &ActiveRollout,
        order: &Order,
    ) -> Result<(), RecordError> {
        let mut tx = self.pool.begin().await?;
        let attempt = i32::try_from(order.attempt).map_err(decode)?;
        let written = sqlx::query!(
            "update rollout
             set order_node = $3, order_revision = $4, order_from = $5, order_at = now(),
                 order_attempt = $6, version = version + 1
             where rollout_id = $1 and version = $2 and ended_at is null",
            rollout.id.0,
            rollout.version,
            order.node.0,
            order.revision.as_str(),
            order.from.as_ref().map(|it| it.0.as_str()),
            attempt
        )
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() == 0 {
            return Err(RecordError::Stale);
        }
        sqlx::query!(
            "update node set pinned_revision = $3 where service_id = $1 and node_id = $2",
            service.0,
            order.node.0,
            order.revision.as_str()
        )
        .execute(&mut *tx)
        .await?;
        let text = format!("node {} restarts into revision {}", order.node, order.revision);
        events::record(&mut tx, service, "orchestrator", "node_restart", &text).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends a rollout whose nodes all run its target.
    pub async fn finish(
        &self,
        service: ServiceId,
        rollout: &ActiveRollout,
    ) -> Result<(), RecordError> {
        let mut tx = self.pool.begin().await?;
        let seconds = sqlx::query_scalar!(
            r#"update rollout set ended_at = now(), outcome = 'done', version = version + 1
               where rollout_id = $1 and version = $2 and ended_at is null
               returning extract(epoch from now() - started_at)::float8 as "seconds!""#,
            rollout.id.0,
            rollout.version
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(RecordError::Stale)?;
        let target = &rollout.rollout.target;
        let text = format!("every node runs revision {target} after {seconds:.1} s");
        changes::commit(tx, service, "orchestrator", "rollout_done", &text).await?;
        Ok(())
    }
}

/// Starts a rollout within a transaction that holds the service's row. One that is under way is
/// superseded; its order is handed on, since the ordered node has to come back first.
pub(crate) async fn start(
    connection: &mut PgConnection,
    service: ServiceId,
    target: &RevisionId,
    actor: &str,
) -> Result<(), StoreError> {
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
        "insert into rollout (rollout_id, service_id, target_revision, started_by, order_node,
                              order_revision, order_from, order_at, order_attempt)
         select $1, $2, $3, $4, earlier.order_node, earlier.order_revision, earlier.order_from,
                earlier.order_at, earlier.order_attempt
         from (select 1) as one
         left join rollout as earlier on earlier.rollout_id = $5",
        id,
        service.0,
        target.as_str(),
        actor,
        superseded
    )
    .execute(&mut *connection)
    .await?;
    let text = format!("rolling restart into revision {target}");
    events::record(connection, service, actor, "rollout_started", &text).await
}
