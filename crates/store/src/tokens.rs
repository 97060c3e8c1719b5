//! API tokens, by their hash.

use model::{ProjectName, ServiceId};
use sqlx::PgPool;

use crate::{StoreError, decode};

/// API tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub(crate) pool: PgPool,
}

/// What a token opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenScope {
    /// Everything in one project.
    Project(ProjectName),
    /// The REST settings of one service, and nothing else.
    RestProxy(ServiceId),
}

impl Tokens {
    /// Keeps the SHA-256 of a new token for a project.
    pub async fn add(
        &self,
        hash: &[u8; 32],
        project: &ProjectName,
        description: &str,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into api_token (token_hash, project_name, role, description)
             values ($1, $2, 'admin', $3)",
            hash,
            project.as_str(),
            description
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps the SHA-256 of a new token for the REST proxy of a service. Its earlier tokens stop
    /// to work.
    pub async fn replace_rest_proxy(
        &self,
        hash: &[u8; 32],
        service: ServiceId,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "delete from api_token where role = 'rest_proxy' and service_id = $1",
            service.0
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into api_token (token_hash, project_name, role, service_id, description)
             select $1, project_name, 'rest_proxy', service_id, 'REST proxy'
             from service where service_id = $2",
            hash,
            service.0
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// What the token with this SHA-256 opens; `None` if it opens nothing.
    pub async fn scope(&self, hash: &[u8; 32]) -> Result<Option<TokenScope>, StoreError> {
        let row = sqlx::query!(
            "select project_name, service_id from api_token where token_hash = $1",
            hash
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| match row.service_id {
            Some(id) => Ok(TokenScope::RestProxy(ServiceId(id))),
            None => {
                Ok(TokenScope::Project(ProjectName::try_from(row.project_name).map_err(decode)?))
            }
        })
        .transpose()
    }
}
