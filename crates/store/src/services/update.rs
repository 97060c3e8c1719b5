//! Changing a service: everything that follows from a change, in one transaction.

use std::collections::BTreeMap;

use model::{Revision, RolloutId};
use serde_json::{Map, Value, json};
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection, PgExecutor};
use time::OffsetDateTime;

use super::create::insert_revision;
use super::{Service, service_state};
use crate::events::{By, Entry};
use crate::rollouts::Reason;
use crate::{Contents, Services, StoreError, changes, events, rollouts, timestamp};

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

/// A change that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The service as it is since. What no change changes is as it was read before.
    pub service: Service,
    /// What is in it.
    pub contents: Contents,
    /// The rollout that was started.
    pub rollout: Option<RolloutId>,
}

impl Services {
    /// Makes a change that was decided on `before`, of which all that a change can change is still the
    /// same as long as its generation is. A revision other than the present target starts a rollout, so
    /// that the service is `REBUILDING` at once; the same one starts nothing.
    pub async fn apply(
        &self,
        before: &Service,
        change: &ServiceChange,
    ) -> Result<Applied, ApplyError> {
        let told = told(before);
        let done = Entry::new("service_update", &change.description)
            .after(change.told(&told))
            .before(told);
        let restarts = before.target != change.revision.id;
        // One connection for all: each that is taken is a trip to Postgres.
        let mut connection = self.pool.acquire().await?;
        let (written, rollout) = if restarts || !change.warnings.is_empty() {
            apply_all(&mut connection, before, change, (&done, restarts)).await?
        } else {
            // One statement is a transaction of its own, with three trips less.
            let written = write(&mut *connection, before, change, &done).await?;
            self.announcer.announce(before.id);
            (written, None)
        };
        let contents = self.contents.on(connection, before.id).await?;
        Ok(Applied { service: changed(before, change, &written), contents, rollout })
    }
}

/// What the database says of a change that it has taken.
struct Written {
    generation: i64,
    updated_at: OffsetDateTime,
    rolling: bool,
}

/// The service that `before` has become.
fn changed(before: &Service, change: &ServiceChange, written: &Written) -> Service {
    let (dow, time) = match &change.maintenance {
        Some((dow, time)) => (Some(dow), Some(time)),
        None => (before.maintenance_dow.as_ref(), before.maintenance_time.as_ref()),
    };
    Service {
        plan: change.plan.clone(),
        user_config: change.user_config.clone(),
        target: change.revision.id.clone(),
        dynamic_config: change.dynamic_config.clone(),
        previous_jwks_url: change.previous_jwks_url.clone(),
        termination_protection: change.termination_protection,
        maintenance_dow: dow.cloned(),
        maintenance_time: time.cloned(),
        apply_in_window: change.apply_in_window.unwrap_or(before.apply_in_window),
        state: service_state(change.powered, written.rolling),
        powered: change.powered,
        generation: written.generation,
        updated_at: timestamp(written.updated_at),
        ..before.clone()
    }
}

/// A change with what follows from it, in a transaction; a rollout if nodes have to be restarted.
async fn apply_all(
    connection: &mut PgConnection,
    before: &Service,
    change: &ServiceChange,
    (done, restarts): (&Entry<'_>, bool),
) -> Result<(Written, Option<RolloutId>), ApplyError> {
    let by = &change.by;
    let target = &change.revision.id;
    let mut tx = connection.begin().await?;
    if restarts {
        insert_revision(&mut tx, &change.revision).await?;
    }
    let written = write(&mut *tx, before, change, done).await?;
    let mut rollout = None;
    if restarts {
        rollout = Some(rollouts::start(&mut tx, before.id, target, by, Reason::Changed).await?);
    }
    events::warn(&mut tx, before.id, by, &change.warnings).await?;
    changes::notify(&mut tx, before.id).await?;
    tx.commit().await?;
    Ok((Written { rolling: written.rolling || restarts, ..written }, rollout))
}

/// The change and its event. Nothing is written if the service is not the one that was decided on.
async fn write(
    to: impl PgExecutor<'_>,
    before: &Service,
    change: &ServiceChange,
    done: &Entry<'_>,
) -> Result<Written, ApplyError> {
    let rows = sqlx::query_as!(
        Written,
        r#"with service as (
             update service
             set user_config = $3, target_revision = $4, dynamic_config = $5,
                 previous_jwks_url = $6, termination_protection = $7,
                 maintenance_dow = coalesce($8, maintenance_dow),
                 maintenance_time = coalesce($9, maintenance_time),
                 apply_in_window = coalesce($10, apply_in_window), powered = $11, plan = $12,
                 generation = generation + 1, updated_at = now()
             where service_id = $1 and generation = $2
             returning service_id, project_name, service_name, generation, updated_at
         ), recorded as (
             insert into event (project_name, service_name, actor, request_id, event_type,
                                description, before, after)
             select project_name, service_name, $13, $14, $15, $16, $17, $18 from service
         )
         select generation as "generation!", updated_at as "updated_at!",
                exists (select from rollout
                        where rollout.service_id = service.service_id
                          and ended_at is null) as "rolling!"
         from service"#,
        before.id.0,
        before.generation,
        Json(&change.user_config) as _,
        change.revision.id.as_str(),
        Json(&change.dynamic_config) as _,
        change.previous_jwks_url,
        change.termination_protection,
        change.maintenance.as_ref().map(|it| it.0.as_str()),
        change.maintenance.as_ref().map(|it| it.1.as_str()),
        change.apply_in_window,
        change.powered,
        change.plan,
        change.by.actor,
        change.by.request_id,
        done.event_type,
        done.description,
        done.before,
        done.after
    );
    // All of the answer, not its first row: a commit that fails says so behind the rows.
    rows.fetch_all(to).await?.pop().ok_or(ApplyError::Stale)
}

/// What the audit log says of a service as it was.
fn told(before: &Service) -> Value {
    json!({
        "plan": before.plan,
        "user_config": before.user_config,
        "termination_protection": before.termination_protection,
        "powered": before.powered,
        "maintenance": { "dow": before.maintenance_dow, "time": before.maintenance_time },
        "apply_in_window": before.apply_in_window,
    })
}
