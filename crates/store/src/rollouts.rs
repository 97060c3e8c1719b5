//! Rollouts: what was asked for, the orders that were written down, and how each one ended.

mod failures;
mod people;
mod records;
mod start;

use std::collections::BTreeMap;

use model::{NodeId, RevisionId, RolloutId, RolloutStatus, ServiceId};
use rolling::{
    Direction, End, Incarnation, Order, PartitionId, Paused, Policy, Raised, Remedy, Rollout,
    Window,
};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

pub use self::people::{Consent, RolloutCommand};
pub use self::records::{RolloutEvent, RolloutRecord};
pub(crate) use self::start::{Reason, start};
pub use self::start::{StartRollout, StartRolloutError};
use crate::events::{By, Entry};
use crate::rollouts::failures::FailureRow;
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
    /// The rollout of a service that has not ended, if there is one. What it does not say of its
    /// policy is taken from `policy`.
    pub async fn active(
        &self,
        service: ServiceId,
        policy: Policy,
    ) -> Result<Option<ActiveRollout>, StoreError> {
        let row = sqlx::query!(
            r#"select rollout_id, target_revision, base_revision, direction, paused_by,
                      paused_reason, restart_all, halted as "halted: Json<FailureRow>", abort, remedy,
                      window_dow, window_time, max_unavailable, canary_bake_ms, soak_ms,
                      greatest(started_at, resumed_at) as "since!", version
               from rollout where service_id = $1 and ended_at is null"#,
            service.0
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let id = RolloutId(row.rollout_id);
        let revision = |it: String| RevisionId::try_from(it).map_err(decode);
        let window = row.window_dow.zip(row.window_time);
        let policy = Policy {
            max_unavailable: usize::try_from(row.max_unavailable).map_err(decode)?,
            canary_bake_ms: row.canary_bake_ms.unwrap_or(policy.canary_bake_ms),
            soak_ms: row.soak_ms.unwrap_or(policy.soak_ms),
            ..policy
        };
        let rollout = Rollout {
            target: revision(row.target_revision)?,
            base: row.base_revision.map(revision).transpose()?,
            direction: direction(&row.direction),
            orders: self.orders(id).await?,
            restart_all: row.restart_all,
            paused: row.paused_by.zip(row.paused_reason).map(|(by, reason)| Paused { by, reason }),
            halted: row.halted.and_then(|it| it.0.failure()),
            abort: row.abort,
            remedy: remedy(&row.remedy),
            window: window.and_then(|(dow, time)| Window::parse(&dow, &time)),
            policy,
            since: timestamp(row.since),
        };
        Ok(Some(ActiveRollout { id, rollout, version: row.version }))
    }

    async fn orders(&self, rollout: RolloutId) -> Result<BTreeMap<NodeId, Order>, StoreError> {
        let rows = sqlx::query!(
            "select node_id, revision, order_from, ordered_at, attempt
             from rollout_node where rollout_id = $1",
            rollout.0
        )
        .fetch_all(&self.pool)
        .await?;
        let orders = rows.into_iter().map(|row| {
            let order = Order {
                revision: RevisionId::try_from(row.revision).map_err(decode)?,
                from: row.order_from.map(Incarnation),
                at: timestamp(row.ordered_at),
                attempt: u32::try_from(row.attempt).map_err(decode)?,
            };
            Ok((NodeId(row.node_id), order))
        });
        orders.collect()
    }

    /// Writes orders down and pins their nodes to the ordered revisions, in one transaction: from
    /// now on the nodes come up with them, however they are started.
    pub async fn record_orders(
        &self,
        service: ServiceId,
        rollout: &ActiveRollout,
        orders: &BTreeMap<NodeId, Order>,
    ) -> Result<(), RecordError> {
        let mut tx = self.pool.begin().await?;
        raise_version(&mut tx, rollout).await?;
        for (node, order) in orders {
            let attempt = i32::try_from(order.attempt).map_err(decode)?;
            sqlx::query!(
                "insert into rollout_node (rollout_id, node_id, revision, order_from, attempt)
                 values ($1, $2, $3, $4, $5)
                 on conflict (rollout_id, node_id) do update
                 set revision = excluded.revision, order_from = excluded.order_from,
                     attempt = excluded.attempt, ordered_at = now()",
                rollout.id.0,
                node.0,
                order.revision.as_str(),
                order.from.as_ref().map(|it| it.0.as_str()),
                attempt
            )
            .execute(&mut *tx)
            .await?;
            sqlx::query!(
                "update node set pinned_revision = $3 where service_id = $1 and node_id = $2",
                service.0,
                node.0,
                order.revision.as_str()
            )
            .execute(&mut *tx)
            .await?;
            let text = format!("node {node} restarts into revision {}", order.revision);
            note(&mut tx, rollout.id, Some(*node), "ordered", &text).await?;
            let done = Entry::new("node_restart", &text);
            events::record(&mut tx, service, &By::orchestrator(), &done).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Stops a rollout until a person lets it go on.
    pub async fn pause(
        &self,
        service: ServiceId,
        rollout: &ActiveRollout,
        paused: &Paused,
    ) -> Result<(), RecordError> {
        let mut tx = self.pool.begin().await?;
        raise_version(&mut tx, rollout).await?;
        sqlx::query!(
            "update rollout set paused_by = $2, paused_reason = $3 where rollout_id = $1",
            rollout.id.0,
            paused.by,
            paused.reason
        )
        .execute(&mut *tx)
        .await?;
        note(&mut tx, rollout.id, None, "paused", &paused.reason).await?;
        let text = format!("rolling restart paused: {}", paused.reason);
        Ok(changes::commit(
            tx,
            service,
            &paused.by.as_str().into(),
            &Entry::new("rollout_paused", &text),
        )
        .await?)
    }

    /// Ends a rollout whose cluster is whole. One that is done makes its target the revision to go
    /// back to from now on; one that was rolled back leaves the service with what it had before.
    pub async fn end(
        &self,
        service: ServiceId,
        rollout: &ActiveRollout,
        end: End,
    ) -> Result<(), RecordError> {
        let mut tx = self.pool.begin().await?;
        let outcome = outcome(end);
        let seconds = sqlx::query_scalar!(
            r#"update rollout set ended_at = now(), outcome = $3, version = version + 1
               where rollout_id = $1 and version = $2 and ended_at is null
               returning extract(epoch from now() - started_at)::float8 as "seconds!""#,
            rollout.id.0,
            rollout.version,
            outcome
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(RecordError::Stale)?;
        let goal = rollout.rollout.goal();
        let text = match end {
            End::Done => format!("every node runs revision {goal} after {seconds:.1} s"),
            End::RolledBack => {
                format!("every node runs revision {goal} again after {seconds:.1} s")
            }
            End::Aborted => format!("ended by request after {seconds:.1} s: nodes may differ"),
        };
        if end == End::Done {
            make_stable(&mut tx, service, &rollout.rollout.target).await?;
        }
        note(&mut tx, rollout.id, None, outcome, &text).await?;
        let kind = format!("rollout_{outcome}");
        changes::commit(tx, service, &By::orchestrator(), &Entry::new(&kind, &text)).await?;
        Ok(())
    }

    /// Writes down which replicas partitions shall have again, before they get others. What is
    /// written down already stays.
    pub async fn record_raised(
        &self,
        service: ServiceId,
        rollout: &ActiveRollout,
        raised: &[Raised],
    ) -> Result<(), RecordError> {
        let mut tx = self.pool.begin().await?;
        raise_version(&mut tx, rollout).await?;
        for it in raised {
            let original: Vec<i32> = it.original.iter().map(|node| node.0).collect();
            sqlx::query!(
                "insert into raised_partition (service_id, topic, partition, original)
                 values ($1, $2, $3, $4) on conflict do nothing",
                service.0,
                &*it.partition.topic,
                it.partition.index,
                &original
            )
            .execute(&mut *tx)
            .await?;
        }
        let text = format!("{} partitions get more replicas", raised.len());
        note(&mut tx, rollout.id, None, "replication_raised", &text).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Partitions of a service with other replicas than they shall have.
    pub async fn raised(&self, service: ServiceId) -> Result<Vec<Raised>, StoreError> {
        let rows = sqlx::query!(
            "select topic, partition, original from raised_partition where service_id = $1
             order by topic, partition",
            service.0
        )
        .fetch_all(&self.pool)
        .await?;
        let raised = rows.into_iter().map(|row| Raised {
            partition: PartitionId { topic: row.topic.into(), index: row.partition },
            original: row.original.into_iter().map(NodeId).collect(),
        });
        Ok(raised.collect())
    }

    /// Forgets partitions that have their own replicas again.
    pub async fn forget_raised(
        &self,
        service: ServiceId,
        partitions: &[PartitionId],
    ) -> Result<(), StoreError> {
        let topics: Vec<String> = partitions.iter().map(|it| it.topic.to_string()).collect();
        let indexes: Vec<i32> = partitions.iter().map(|it| it.index).collect();
        sqlx::query!(
            "delete from raised_partition
             using unnest($2::text[], $3::integer[]) as gone(topic, partition)
             where service_id = $1 and raised_partition.topic = gone.topic
               and raised_partition.partition = gone.partition",
            service.0,
            &topics,
            &indexes
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Shows what was seen of a rollout, and what happened. For display only.
    pub async fn publish(
        &self,
        rollout: RolloutId,
        status: &RolloutStatus,
        happened: &[(Option<NodeId>, &str, &str)],
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "update rollout set status = $2, status_at = now() where rollout_id = $1",
            rollout.0,
            Json(status) as _
        )
        .execute(&mut *tx)
        .await?;
        for (node, kind, detail) in happened {
            note(&mut tx, rollout, *node, kind, detail).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Raises the version of a rollout, if it is still the one that was read.
async fn raise_version(
    connection: &mut PgConnection,
    rollout: &ActiveRollout,
) -> Result<(), RecordError> {
    let written = sqlx::query!(
        "update rollout set version = version + 1
         where rollout_id = $1 and version = $2 and ended_at is null",
        rollout.id.0,
        rollout.version
    )
    .execute(connection)
    .await?;
    if written.rows_affected() == 0 { Err(RecordError::Stale) } else { Ok(()) }
}

/// Adds an event to a rollout.
async fn note(
    connection: &mut PgConnection,
    rollout: RolloutId,
    node: Option<NodeId>,
    kind: &str,
    detail: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into rollout_event (rollout_id, node_id, kind, detail) values ($1, $2, $3, $4)",
        rollout.0,
        node.map(|it| it.0),
        kind,
        detail
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes `target` what a rollback goes to, with what users have set now.
async fn make_stable(
    connection: &mut PgConnection,
    service: ServiceId,
    target: &RevisionId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update service
         set stable_revision = $2, stable_user_config = user_config,
             stable_dynamic_config = dynamic_config
         where service_id = $1 and target_revision = $2",
        service.0,
        target.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}

const fn outcome(end: End) -> &'static str {
    match end {
        End::Done => "done",
        End::RolledBack => "rolled_back",
        End::Aborted => "aborted",
    }
}

fn direction(word: &str) -> Direction {
    if word == "back" { Direction::Back } else { Direction::Forward }
}

fn remedy(word: &str) -> Remedy {
    match word {
        "consent" => Remedy::Consent,
        "raise_replication" => Remedy::RaiseReplication,
        _ => Remedy::Wait,
    }
}
