//! The end of a service, and what people write on it.

use std::collections::BTreeMap;

use model::{ProjectName, ServiceId, ServiceName};
use serde_json::json;
use sqlx::types::Json;

use crate::events::{By, Entry, record_of_project};
use crate::{Services, StoreError, changes, decode};

/// Why a service does not go.
#[derive(Debug, thiserror::Error)]
pub enum TerminateError {
    /// Its termination protection is on.
    #[error("the service is protected against termination")]
    Protected,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for TerminateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Services {
    /// Tells a service to go: from now on it is found by its id only, and the orchestrator stops its
    /// nodes and deletes what they have. A rollout under way ends. Telling it again changes nothing.
    pub async fn terminate(&self, service: ServiceId, by: &By) -> Result<(), TerminateError> {
        let mut tx = self.pool.begin().await?;
        let before = sqlx::query!(
            "select plan, user_config, termination_protection, service_name from service
             where service_id = $1 and not terminating for update",
            service.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(before) = before else { return Ok(()) };
        if before.termination_protection {
            return Err(TerminateError::Protected);
        }
        sqlx::query!(
            "update service set terminating = true, powered = false, generation = generation + 1,
                                updated_at = now()
             where service_id = $1",
            service.0
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "update rollout set ended_at = now(), outcome = 'superseded',
                                reason = 'the service is terminated', version = version + 1
             where service_id = $1 and ended_at is null",
            service.0
        )
        .execute(&mut *tx)
        .await?;
        let text = format!("service {} is terminated", before.service_name);
        let told = json!({ "plan": before.plan, "user_config": before.user_config });
        let entry = Entry::new("service_terminate", &text).before(told);
        Ok(changes::commit(tx, service, by, &entry).await?)
    }

    /// Forgets a service of which nothing is left, with everything that belongs to it. What happened
    /// to it stays.
    pub async fn forget(&self, service: ServiceId) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        let gone = sqlx::query!(
            "delete from service where service_id = $1 and terminating
             returning project_name, service_name",
            service.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(gone) = gone else { return Ok(()) };
        let project = gone.project_name.parse().map_err(decode)?;
        let text = format!("nothing is left of service {}", gone.service_name);
        let entry = Entry::new("service_gone", &text);
        record_of_project(&mut tx, Some(&project), &By::orchestrator(), &entry).await?;
        changes::notify(&mut tx, service).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whether a service of that name in the project is about to go.
    pub async fn is_terminating(
        &self,
        project: &ProjectName,
        name: &ServiceName,
    ) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar!(
            r#"select exists (select from service where project_name = $1 and service_name = $2
                                and terminating) as "found!""#,
            project.as_str(),
            name.as_str()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(found)
    }

    /// Writes tags on a service: `None` removes one. With `all`, those that are not named go too.
    pub async fn set_tags(
        &self,
        service: ServiceId,
        change: &BTreeMap<String, Option<String>>,
        all: bool,
        by: &By,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        let before = sqlx::query_scalar!(
            r#"select tags as "tags: Json<BTreeMap<String, String>>" from service
               where service_id = $1 for update"#,
            service.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(Json(before)) = before else { return Ok(()) };
        let mut after = if all { BTreeMap::new() } else { before.clone() };
        for (key, value) in change {
            match value {
                Some(value) => after.insert(key.clone(), value.clone()),
                None => after.remove(key),
            };
        }
        if after == before {
            return Ok(());
        }
        sqlx::query!(
            "update service set tags = $2, updated_at = now() where service_id = $1",
            service.0,
            Json(&after) as _
        )
        .execute(&mut *tx)
        .await?;
        let entry = Entry::new("service_tags_update", "tags of the service changed")
            .before(json!(before))
            .after(json!(after));
        changes::commit(tx, service, by, &entry).await
    }
}
