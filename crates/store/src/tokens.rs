//! API tokens, by their hash.

mod owned;

use model::{Grants, Role, Scope, ServiceId};
use serde_json::Value;
use sqlx::{PgExecutor, PgPool};

pub use crate::tokens::owned::{ApiToken, NewToken};
use crate::{StoreError, decode};

/// API tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub(crate) pool: PgPool,
}

/// What a token opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenScope {
    /// What its owner may do.
    Person {
        /// Whose it is.
        owner: String,
        /// Where it opens what.
        grants: Grants,
        /// Whether its last use was written down more than a minute ago.
        note_use: bool,
    },
    /// The REST settings of one service, and nothing else.
    RestProxy(ServiceId),
}

/// A role in the database that `model` does not know.
#[derive(Debug, thiserror::Error)]
#[error("grants of a token make no sense: {0}")]
pub(crate) struct Unreadable(pub(crate) String);

impl Tokens {
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
}

/// What the token with this SHA-256 opens; `None` if it opens nothing, or not any more.
pub(crate) async fn scope(
    from: impl PgExecutor<'_>,
    hash: &[u8; 32],
) -> Result<Option<TokenScope>, StoreError> {
    let row = sqlx::query!(
        r#"select role, owner, project_name, service_id,
                  coalesce(last_used_at < now() - interval '1 minute', true) as "note_use!",
                  (select jsonb_agg(jsonb_build_array(coalesce(g.project_name, '*'), g.role))
                   from api_token_grant g
                   where g.token_hash = api_token.token_hash) as grants
           from api_token
           where token_hash = $1 and (expires_at is null or expires_at > now())"#,
        hash
    )
    .fetch_optional(from)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if let Some(id) = row.service_id {
        return Ok(Some(TokenScope::RestProxy(ServiceId(id))));
    }
    let unreadable = |error| decode(Unreadable(error));
    let grants = match (row.role.as_str(), row.project_name) {
        ("admin", Some(project)) => of_the_version_before(&project),
        _ => grants(row.grants),
    };
    let grants = grants.map_err(unreadable)?;
    Ok(Some(TokenScope::Person { owner: row.owner, grants, note_use: row.note_use }))
}

/// Notes the use of a token, which also moves its end if that is how it was made.
pub(crate) async fn note_use(
    to: impl PgExecutor<'_>,
    hash: &[u8; 32],
    ip: Option<&str>,
    user_agent: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update api_token
         set last_used_at = now(), last_ip = $2, last_user_agent = $3,
             expires_at = case when extend_when_used and max_age_secs is not null
                               then now() + make_interval(secs => max_age_secs)
                               else expires_at end
         where token_hash = $1 and (expires_at is null or expires_at > now())",
        hash,
        ip,
        user_agent
    )
    .execute(to)
    .await?;
    Ok(())
}

/// What a token opens that the version before has made.
pub(crate) fn of_the_version_before(project: &str) -> Result<Grants, String> {
    Ok(Grants::one(project.parse()?, Role::Admin))
}

/// `[["dev", "admin"], ["*", "read_only"]]`
pub(crate) fn grants(rows: Option<Value>) -> Result<Grants, String> {
    let Some(rows) = rows else { return Ok(Grants::none()) };
    let rows: Vec<(String, Role)> = serde_json::from_value(rows).map_err(|it| it.to_string())?;
    rows.into_iter().map(|(scope, role)| Ok((scope.parse::<Scope>()?, role))).collect()
}
