//! Changing a service: everything that follows from a change, in one transaction.

use std::collections::BTreeMap;

use model::{Revision, RolloutId, ServiceId};
use serde_json::{Map, Value, json};
use sqlx::types::Json;

use super::create::insert_revision;
use crate::events::{By, Entry};
use crate::rollouts::Reason;
use crate::{Services, StoreError, changes, events, rollouts};

/// A service as it shall be after a change.
#[derive(Clone, Debug)]
pub struct ServiceChange {
    /// The plan.
    pub plan: String,
    /// What users set, merged.
    pub user_config: Map<String, Value>,
    /// What follows from it for each node.
    pub revision: Revision,
    /// What follows from it for the cluster.
    pub dynamic_config: BTreeMap<String, String>,
    /// The JWKS URL before the present one.
    pub previous_jwks_url: Option<String>,
    /// Whether its nodes shall run.
    pub powered: bool,
    /// Whether it may be terminated.
    pub termination_protection: bool,
    /// The maintenance window: day of the week and start, `HH:MM:SS` in UTC.
    pub maintenance: Option<(String, String)>,
    /// Whether changes wait for the window from now on, this one included; `None` for as before.
    pub apply_in_window: Option<bool>,
    /// What whoever asked should know: an event beside the change, in its transaction.
    pub warnings: Vec<String>,
    /// Who asked for it.
    pub by: By,
    /// What changed, in words and without values that may be secret.
    pub description: String,
}

impl ServiceChange {
    /// What the audit log says is there since, given what was there before.
    fn told(&self, before: &Value) -> Value {
        let maintenance = self.maintenance.as_ref().map_or_else(
            || before["maintenance"].clone(),
            |(dow, time)| json!({ "dow": dow, "time": time }),
        );
        json!({
            "plan": self.plan,
            "user_config": self.user_config,
            "termination_protection": self.termination_protection,
            "powered": self.powered,
            "maintenance": maintenance,
            "apply_in_window": self.apply_in_window.map_or_else(
                || before["apply_in_window"].clone(), Value::from
            ),
        })
    }
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The service has changed since it was read, or is gone: read it again and decide anew.
    #[error("the service has changed in the meantime")]
    Stale,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ApplyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Services {
    /// Makes a change that was decided on generation `generation` of the service. A revision other
    /// than the present target starts a rollout, so that the service is `REBUILDING` at once; the
    /// same one starts nothing. Returns the rollout that was started.
    pub async fn apply(
        &self,
        service: ServiceId,
        generation: i64,
        change: &ServiceChange,
    ) -> Result<Option<RolloutId>, ApplyError> {
        let mut tx = self.pool.begin().await?;
        let before = sqlx::query!(
            r#"select plan, target_revision, user_config, termination_protection, powered,
                      maintenance_dow, maintenance_time, apply_in_window
               from service where service_id = $1 and generation = $2 for update"#,
            service.0,
            generation
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(ApplyError::Stale)?;
        insert_revision(&mut tx, &change.revision).await?;
        sqlx::query!(
            "update service
             set user_config = $2, target_revision = $3, dynamic_config = $4,
                 previous_jwks_url = $5, termination_protection = $6,
                 maintenance_dow = coalesce($7, maintenance_dow),
                 maintenance_time = coalesce($8, maintenance_time),
                 apply_in_window = coalesce($9, apply_in_window), powered = $10, plan = $11,
                 generation = generation + 1, updated_at = now()
             where service_id = $1",
            service.0,
            Json(&change.user_config) as _,
            change.revision.id.as_str(),
            Json(&change.dynamic_config) as _,
            change.previous_jwks_url,
            change.termination_protection,
            change.maintenance.as_ref().map(|it| it.0.as_str()),
            change.maintenance.as_ref().map(|it| it.1.as_str()),
            change.apply_in_window,
            change.powered,
            change.plan
        )
        .execute(&mut *tx)
        .await?;
        let told = json!({
            "plan": before.plan,
            "user_config": before.user_config,
            "termination_protection": before.termination_protection,
            "powered": before.powered,
            "maintenance": { "dow": before.maintenance_dow, "time": before.maintenance_time },
            "apply_in_window": before.apply_in_window,
        });
        let done = Entry::new("service_update", &change.description)
            .after(change.told(&told))
            .before(told);
        events::record(&mut tx, service, &change.by, &done).await?;
        let mut started = None;
        if before.target_revision != change.revision.id.as_str() {
            let (target, by) = (&change.revision.id, &change.by);
            let reason = Reason::Changed;
            started = Some(rollouts::start(&mut tx, service, target, by, reason).await?);
        }
        events::warn(&mut tx, service, &change.by, &change.warnings).await?;
        changes::notify(&mut tx, service).await?;
        tx.commit().await?;
        Ok(started)
    }
}
