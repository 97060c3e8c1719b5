//! Projects: what tokens and services belong to.

use model::{Grants, ProjectName, Scope, Timestamp};
use sqlx::PgPool;

use crate::events::{By, Entry, record_of_project};
use crate::{StoreError, decode, timestamp};

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
    pub async fn ensure(&self, name: &ProjectName, by: &By) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "insert into project (project_name) values ($1) on conflict do nothing",
            name.as_str()
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let text = format!("project {name} created");
        let entry = Entry::new("project_create", &text);
        record_of_project(&mut tx, Some(name), by, &entry).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Every project in which `grants` have a role, by name.
    pub async fn list(&self, grants: &Grants) -> Result<Vec<Project>, StoreError> {
        let named: Vec<String> = grants
            .iter()
            .filter_map(|(scope, _)| match scope {
                Scope::Project(name) => Some(name.as_str().to_owned()),
                Scope::Everywhere => None,
            })
            .collect();
        let rows = sqlx::query!(
            "select project_name, created_at from project
             where $1 or project_name = any($2) order by project_name",
            grants.role_everywhere().is_some(),
            &named
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let name = ProjectName::try_from(row.project_name).map_err(decode)?;
                Ok(Project { name, created_at: timestamp(row.created_at) })
            })
            .collect()
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
