//! Rollouts as people look at them, whether or not they have ended.

use std::collections::BTreeMap;

use model::{NodeId, RolloutId, RolloutStatus, ServiceId, Timestamp};
use rolling::Failure;
use sqlx::types::Json;
use uuid::Uuid;

use super::Rollouts;
use super::failures::FailureRow;
use crate::{StoreError, timestamp};

/// A rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutRecord {
    /// Its id.
    pub id: RolloutId,
    /// The revision that every node shall run.
    pub target: String,
    /// Where it goes back to.
    pub base: Option<String>,
    /// `forward` or `back`.
    pub direction: String,
    /// Who started it.
    pub started_by: String,
    /// When.
    pub started_at: Timestamp,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// How: `done`, `superseded`, `rolled_back`, `aborted`.
    pub outcome: Option<String>,
    /// Who has stopped it, and why.
    pub paused: Option<(String, String)>,
    /// Whether it stands because a node failed.
    pub is_halted: bool,
    /// Whether it ends at the next node.
    pub is_aborting: bool,
    /// The node that failed first, and the end of its log.
    pub failure: Option<(Failure, String)>,
    /// `wait`, `consent` or `raise_replication`.
    pub remedy: String,
    /// Who agreed, and why.
    pub consent: Option<(String, String)>,
    /// Day and time of the maintenance window that it waits for.
    pub window: Option<(String, String)>,
    /// How many nodes may be away at once.
    pub max_unavailable: i32,
    /// Whether nodes that run the target are restarted too.
    pub all_nodes: bool,
    /// In place of the orchestrator's own, in milliseconds.
    pub canary_bake_ms: Option<i64>,
    /// In place of the orchestrator's own, in milliseconds.
    pub soak_ms: Option<i64>,
    /// Raised by each write: the entity tag.
    pub version: i64,
    /// What was seen last.
    pub status: Option<RolloutStatus>,
    /// When that was.
    pub status_at: Option<Timestamp>,
}

/// Something that happened in a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutEvent {
    /// Grows with time.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// To which node, if to one.
    pub node: Option<NodeId>,
    /// A stable name, such as `phase`.
    pub kind: String,
    /// In words.
    pub detail: String,
}

impl Rollouts {
    /// The latest `limit` of a service, newest first.
    pub async fn latest(
        &self,
        service: ServiceId,
        limit: u32,
    ) -> Result<Vec<RolloutRecord>, StoreError> {
        self.records(service, None, limit).await
    }

    /// Those that have not ended, of many services at once: one each at most.
    pub async fn under_way(
        &self,
        services: &[ServiceId],
    ) -> Result<BTreeMap<ServiceId, RolloutRecord>, StoreError> {
        let ids: Vec<Uuid> = services.iter().map(|it| it.0).collect();
        let active = sqlx::query!(
            "select service_id, rollout_id from rollout
             where service_id = any($1) and ended_at is null",
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        let mut found = BTreeMap::new();
        for row in active {
            let (service, rollout) = (ServiceId(row.service_id), RolloutId(row.rollout_id));
            // Few have one. One that has just ended is none.
            let record = self.get(service, rollout).await?.filter(|it| it.ended_at.is_none());
            found.extend(record.map(|it| (service, it)));
        }
        Ok(found)
    }

    /// One of a service.
    pub async fn get(
        &self,
        service: ServiceId,
        rollout: RolloutId,
    ) -> Result<Option<RolloutRecord>, StoreError> {
        Ok(self.records(service, Some(rollout), 1).await?.pop())
    }

    /// The rollout of a service that was started by the request of that key.
    pub async fn by_key(
        &self,
        service: ServiceId,
        key: &str,
    ) -> Result<Option<RolloutId>, StoreError> {
        let id = sqlx::query_scalar!(
            "select rollout_id from rollout where service_id = $1 and idempotency_key = $2",
            service.0,
            key
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(id.map(RolloutId))
    }

    async fn records(
        &self,
        service: ServiceId,
        rollout: Option<RolloutId>,
        limit: u32,
    ) -> Result<Vec<RolloutRecord>, StoreError> {
        let rows = sqlx::query!(
            r#"select rollout_id, target_revision, base_revision, direction, started_by, started_at,
                      ended_at, outcome, paused_by, paused_reason, halted is not null as "halted!",
                      abort, failure as "failure: Json<FailureRow>", remedy, consent_by,
                      consent_reason, window_dow, window_time, max_unavailable, restart_all,
                      canary_bake_ms, soak_ms, version,
                      status as "status: Json<RolloutStatus>", status_at
               from rollout
               where service_id = $1 and ($2::uuid is null or rollout_id = $2)
               order by started_at desc, rollout_id desc limit $3"#,
            service.0,
            rollout.map(|it| it.0),
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        let records = rows.into_iter().map(|row| RolloutRecord {
            id: RolloutId(row.rollout_id),
            target: row.target_revision,
            base: row.base_revision,
            direction: row.direction,
            started_by: row.started_by,
            started_at: timestamp(row.started_at),
            ended_at: row.ended_at.map(timestamp),
            outcome: row.outcome,
            paused: row.paused_by.zip(row.paused_reason),
            is_halted: row.halted,
            is_aborting: row.abort,
            failure: row.failure.and_then(|it| Some((it.0.failure()?, it.0.log().to_owned()))),
            remedy: row.remedy,
            consent: row.consent_by.zip(row.consent_reason),
            window: row.window_dow.zip(row.window_time),
            max_unavailable: row.max_unavailable,
            all_nodes: row.restart_all,
            canary_bake_ms: row.canary_bake_ms,
            soak_ms: row.soak_ms,
            version: row.version,
            status: row.status.map(|it| it.0),
            status_at: row.status_at.map(timestamp),
        });
        Ok(records.collect())
    }

    /// What happened in a rollout after event `after`, oldest first, at most `limit`.
    pub async fn events_after(
        &self,
        rollout: RolloutId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<RolloutEvent>, StoreError> {
        let rows = sqlx::query!(
            "select rollout_event_id, at, node_id, kind, detail from rollout_event
             where rollout_id = $1 and rollout_event_id > $2
             order by rollout_event_id limit $3",
            rollout.0,
            after,
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        let events = rows.into_iter().map(|row| RolloutEvent {
            id: row.rollout_event_id,
            at: timestamp(row.at),
            node: row.node_id.map(NodeId),
            kind: row.kind,
            detail: row.detail,
        });
        Ok(events.collect())
    }
}
