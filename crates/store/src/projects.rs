//! Projects: what tokens and services belong to.

use model::{ProjectName, Timestamp};
use sqlx::PgPool;

use crate::{StoreError, timestamp};

/// Projects.
#[derive(Clone, Debug)]
pub struct Projects {
    pub(crate) pool: PgPool,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: ProjectName,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Projects {
    /// Makes a project; does nothing if there is one of that name. Tells whether it was made.
    pub async fn ensure(&self, name: &ProjectName) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "insert into project (project_name) values ($1) on conflict do nothing",
            name.as_str()
        )
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The project of that name.
    pub async fn get(&self, name: &ProjectName) -> Result<Option<Project>, StoreError> {
        let row =
            sqlx::query!("select created_at from project where project_name = $1", name.as_str())
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(|row| Project { name: name.clone(), created_at: timestamp(row.created_at) }))
    }
}
