//! Tokens of people, as their owners see them.

use model::{Grants, Scope, Timestamp};
use serde_json::json;
use sqlx::postgres::PgConnection;
use time::{Duration, OffsetDateTime};

use super::Tokens;
use crate::events::{By, Entry};
use crate::{StoreError, events, timestamp};

/// A token to be kept.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// How the token starts, to tell it from others: unique, and too short to be of use.
    pub prefix: String,
    /// Whose it is.
    pub owner: String,
    /// Where it opens what.
    pub grants: Grants,
    /// What it is for.
    pub description: String,
    /// For how many seconds; `None` for ever.
    pub max_age_secs: Option<i64>,
    /// Whether these seconds begin anew with each use.
    pub extend_when_used: bool,
}

/// A token of somebody, without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// How it starts.
    pub prefix: String,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Option<Timestamp>,
    /// For how many seconds it was made.
    pub max_age_secs: Option<i64>,
    /// Whether these seconds begin anew with each use.
    pub extend_when_used: bool,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// From where.
    pub last_ip: Option<String>,
    /// With what.
    pub last_user_agent: Option<String>,
}

struct Row {
    prefix: String,
    description: String,
    created_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    max_age_secs: Option<i64>,
    extend_when_used: bool,
    last_used_at: Option<OffsetDateTime>,
    last_ip: Option<String>,
    last_user_agent: Option<String>,
}

impl From<Row> for ApiToken {
    fn from(row: Row) -> Self {
        Self {
            prefix: row.prefix,
            description: row.description,
            created_at: timestamp(row.created_at),
            expires_at: row.expires_at.map(timestamp),
            max_age_secs: row.max_age_secs,
            extend_when_used: row.extend_when_used,
            last_used_at: row.last_used_at.map(timestamp),
            last_ip: row.last_ip,
            last_user_agent: row.last_user_agent,
        }
    }
}

impl Tokens {
    /// Keeps a new token.
    pub async fn add(&self, new: &NewToken, by: &By) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        insert(&mut tx, new, by).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Keeps the first token of an installation. `false`, and nothing is kept, if there has been
    /// one already.
    pub async fn add_first(&self, new: &NewToken, by: &By) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        // Of two programs that start at the same time one finds the other's.
        sqlx::query!("lock table api_token in share row exclusive mode").execute(&mut *tx).await?;
        let one = sqlx::query_scalar!(
            r#"select exists (select from api_token where role <> 'rest_proxy') as "one!""#
        )
        .fetch_one(&mut *tx)
        .await?;
        if one {
            return Ok(false);
        }
        insert(&mut tx, new, by).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The tokens of `owner` that have not ended, newest first.
    pub async fn list(&self, owner: &str) -> Result<Vec<ApiToken>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select coalesce(token_prefix, left(encode(token_hash, 'hex'), 16)) as "prefix!",
                      description, created_at, expires_at, max_age_secs, extend_when_used,
                      last_used_at, last_ip, last_user_agent
               from api_token
               where owner = $1 and role <> 'rest_proxy'
                 and (expires_at is null or expires_at > now())
               order by created_at desc, token_hash"#,
            owner
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(ApiToken::from).collect())
    }

    /// Gives a token of `owner` another description, and returns it as it is then.
    pub async fn describe(
        &self,
        owner: &str,
        prefix: &str,
        description: &str,
        by: &By,
    ) -> Result<Option<ApiToken>, StoreError> {
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query_as!(
            Row,
            r#"update api_token set description = $3
               where owner = $1 and role <> 'rest_proxy'
                 and coalesce(token_prefix, left(encode(token_hash, 'hex'), 16)) = $2
               returning coalesce(token_prefix, left(encode(token_hash, 'hex'), 16)) as "prefix!",
                         description, created_at, expires_at, max_age_secs, extend_when_used,
                         last_used_at, last_ip, last_user_agent"#,
            owner,
            prefix,
            description
        )
        .fetch_optional(&mut *tx)
        .await?;
        if row.is_some() {
            let text = format!("API token {prefix} described anew");
            let entry = Entry::new("access_token_update", &text)
                .after(json!({ "description": description }));
            events::record_of_project(&mut tx, None, by, &entry).await?;
            tx.commit().await?;
        }
        Ok(row.map(ApiToken::from))
    }

    /// Revokes the token of `owner` that starts with `prefix`, or all of them. Returns how many.
    pub async fn revoke(
        &self,
        owner: &str,
        prefix: Option<&str>,
        by: &By,
    ) -> Result<u64, StoreError> {
        let mut tx = self.pool.begin().await?;
        let gone = sqlx::query_scalar!(
            r#"delete from api_token
               where owner = $1 and role <> 'rest_proxy'
                 and ($2::text is null
                      or coalesce(token_prefix, left(encode(token_hash, 'hex'), 16)) = $2)
               returning coalesce(token_prefix, left(encode(token_hash, 'hex'), 16)) as "prefix!""#,
            owner,
            prefix
        )
        .fetch_all(&mut *tx)
        .await?;
        for prefix in &gone {
            let text = format!("API token {prefix} of {owner} revoked");
            let entry = Entry::new("access_token_revoke", &text);
            events::record_of_project(&mut tx, None, by, &entry).await?;
        }
        tx.commit().await?;
        Ok(gone.len() as u64)
    }
}

async fn insert(connection: &mut PgConnection, new: &NewToken, by: &By) -> Result<(), StoreError> {
    let expires_at = new.max_age_secs.map(|it| OffsetDateTime::now_utc() + Duration::seconds(it));
    sqlx::query!(
        "insert into api_token (token_hash, token_prefix, owner, role, description, expires_at,
                                max_age_secs, extend_when_used)
         values ($1, $2, $3, 'person', $4, $5, $6, $7)",
        &new.hash,
        new.prefix,
        new.owner,
        new.description,
        expires_at,
        new.max_age_secs,
        new.extend_when_used
    )
    .execute(&mut *connection)
    .await?;
    for (scope, role) in new.grants.iter() {
        let project = match scope {
            Scope::Everywhere => None,
            Scope::Project(name) => Some(name.as_str()),
        };
        sqlx::query!(
            "insert into api_token_grant (token_hash, project_name, role) values ($1, $2, $3)",
            &new.hash,
            project,
            role.as_str()
        )
        .execute(&mut *connection)
        .await?;
    }
    let grants: Vec<String> =
        new.grants.iter().map(|(at, role)| format!("{role} in {at}")).collect();
    let text = format!("API token {} created for {}", new.prefix, new.owner);
    let after = json!({
        "description": new.description,
        "grants": grants,
        "max_age_seconds": new.max_age_secs,
        "extend_when_used": new.extend_when_used,
    });
    let entry = Entry::new("access_token_create", &text).after(after);
    events::record_of_project(connection, None, by, &entry).await
}
