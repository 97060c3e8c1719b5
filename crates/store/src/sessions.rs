//! Sessions of the console, by the hash of their cookie, and sign-ins that have not come back.

mod pending;

use model::{Grants, Scope, Timestamp};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::events::{By, Entry};
pub use crate::sessions::pending::PendingSignIn;
use crate::tokens::{Unreadable, grants};
use crate::{StoreError, decode, events, timestamp};

/// Sessions of the console.
#[derive(Clone, Debug)]
pub struct Sessions {
    pub(crate) pool: PgPool,
}

/// How long sessions are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Seconds without a request.
    pub idle_secs: u32,
    /// Seconds since it began, whatever is done in it.
    pub absolute_secs: u32,
}

/// How somebody has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedInBy {
    /// With the API token of this SHA-256: the session may what the token may, and ends with it.
    ApiToken([u8; 32]),
    /// At the identity provider, with these roles.
    Oidc(Grants),
}

/// A session to be kept.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// SHA-256 of what is in the cookie.
    pub hash: [u8; 32],
    /// Whose it is.
    pub owner: String,
    /// How they have signed in.
    pub signed_in_by: SignedInBy,
    /// From where.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
}

/// A session that is good now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub owner: String,
    /// What they may do now.
    pub grants: Grants,
    /// How the API token starts that they have signed in with; `None`: at the identity provider.
    pub token_prefix: Option<String>,
    /// The SHA-256 of that token.
    pub token_hash: Option<[u8; 32]>,
    /// Whether its last use was written down long enough ago to write it again.
    pub note_use: bool,
}

/// A session of somebody, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionListed {
    /// SHA-256 of what is in its cookie.
    pub hash: [u8; 32],
    /// Whether it began with an API token.
    pub by_token: bool,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub last_used_at: Timestamp,
    /// From where it began.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
}

impl Sessions {
    /// Keeps a new session, and removes those that have ended by `limits`. `false`, and nothing is
    /// kept, if the token has gone in the meantime.
    pub async fn begin(
        &self,
        new: &NewSession,
        limits: SessionLimits,
        by: &By,
    ) -> Result<bool, StoreError> {
        let (sign_in, token, grants) = match &new.signed_in_by {
            SignedInBy::ApiToken(hash) => ("api_token", Some(hash.as_slice()), None),
            SignedInBy::Oidc(grants) => ("oidc", None, Some(written(grants))),
        };
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "delete from console_session
             where last_used_at <= now() - make_interval(secs => $1)
                or created_at <= now() - make_interval(secs => $2)",
            f64::from(limits.idle_secs),
            f64::from(limits.absolute_secs)
        )
        .execute(&mut *tx)
        .await?;
        let kept = sqlx::query!(
            "insert into console_session (session_hash, owner, sign_in, token_hash, grants, ip,
                                          user_agent)
             select $1, $2, $3, $4, $5, $6, $7
             where $4::bytea is null or exists (select from api_token where token_hash = $4)",
            &new.hash,
            new.owner,
            sign_in,
            token,
            grants,
            new.ip,
            new.user_agent
        )
        .execute(&mut *tx)
        .await?;
        if kept.rows_affected() == 0 {
            return Ok(false);
        }
        let text = format!("{} signed in to the console", new.owner);
        let entry =
            Entry::new("console_sign_in", &text).after(json!({ "by": sign_in, "ip": new.ip }));
        events::record_of_project(&mut tx, None, by, &entry).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The session of that hash, if it is good by `limits`, and its token too.
    pub async fn get(
        &self,
        hash: &[u8; 32],
        limits: SessionLimits,
    ) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query!(
            r#"select s.owner, s.grants, s.token_hash,
                      coalesce(t.token_prefix, left(encode(s.token_hash, 'hex'), 16)) as prefix,
                      s.last_used_at < now() - make_interval(secs => least(60, $2::float8 / 4))
                          as "note_use!",
                      t.role as "role?", t.project_name,
                      (select jsonb_agg(jsonb_build_array(coalesce(g.project_name, '*'), g.role))
                       from api_token_grant g where g.token_hash = s.token_hash) as token_grants
               from console_session s left join api_token t on t.token_hash = s.token_hash
               where session_hash = $1
                 and s.last_used_at > now() - make_interval(secs => $2)
                 and s.created_at > now() - make_interval(secs => $3)
                 and (s.token_hash is null or t.expires_at is null or t.expires_at > now())"#,
            hash,
            f64::from(limits.idle_secs),
            f64::from(limits.absolute_secs)
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let unreadable = |error| decode(Unreadable(error));
        let grants = match (row.role.as_deref(), row.project_name) {
            (None, _) => grants(row.grants),
            (Some("admin"), Some(project)) => crate::tokens::of_the_version_before(&project),
            (Some(_), _) => grants(row.token_grants),
        };
        let token_hash = row.token_hash.map(TryInto::try_into).transpose();
        let token_hash = token_hash
            .map_err(|it: Vec<u8>| unreadable(format!("a hash of {} bytes", it.len())))?;
        Ok(Some(Session {
            owner: row.owner,
            grants: grants.map_err(unreadable)?,
            token_prefix: row.prefix,
            token_hash,
            note_use: row.note_use,
        }))
    }

    /// Notes the use of a session.
    pub async fn note_use(&self, hash: &[u8; 32]) -> Result<(), StoreError> {
        sqlx::query!(
            "update console_session set last_used_at = now() where session_hash = $1",
            hash
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The sessions of `owner` that are good by `limits`, the latest first.
    pub async fn list(
        &self,
        owner: &str,
        limits: SessionLimits,
    ) -> Result<Vec<SessionListed>, StoreError> {
        let rows = sqlx::query!(
            r#"select s.session_hash, s.sign_in, s.created_at, s.last_used_at, s.ip, s.user_agent
               from console_session s left join api_token t on t.token_hash = s.token_hash
               where s.owner = $1
                 and s.last_used_at > now() - make_interval(secs => $2)
                 and s.created_at > now() - make_interval(secs => $3)
                 and (s.token_hash is null or t.expires_at is null or t.expires_at > now())
               order by s.created_at desc, s.session_hash"#,
            owner,
            f64::from(limits.idle_secs),
            f64::from(limits.absolute_secs)
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let hash = row.session_hash.try_into().map_err(|it: Vec<u8>| {
                    decode(Unreadable(format!("a hash of {} bytes", it.len())))
                })?;
                Ok(SessionListed {
                    hash,
                    by_token: row.sign_in == "api_token",
                    created_at: timestamp(row.created_at),
                    last_used_at: timestamp(row.last_used_at),
                    ip: row.ip,
                    user_agent: row.user_agent,
                })
            })
            .collect()
    }

    /// Ends the session of that hash, or all of `owner`. Returns how many.
    pub async fn end(
        &self,
        owner: &str,
        hash: Option<&[u8; 32]>,
        by: &By,
    ) -> Result<u64, StoreError> {
        let hash = hash.map(<[u8; 32]>::as_slice);
        let mut tx = self.pool.begin().await?;
        let gone = sqlx::query!(
            "delete from console_session
             where owner = $1 and ($2::bytea is null or session_hash = $2)",
            owner,
            hash
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if gone > 0 {
            let what = if hash.is_some() { "of the console" } else { "everywhere" };
            let text = format!("{owner} signed out {what}");
            let entry = Entry::new("console_sign_out", &text).after(json!({ "sessions": gone }));
            events::record_of_project(&mut tx, None, by, &entry).await?;
            tx.commit().await?;
        }
        Ok(gone)
    }

    /// Writes down that somebody was not let in, and why: words of ours, nothing that was sent.
    pub async fn refused(&self, why: &str, ip: Option<&str>, by: &By) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?;
        let text = format!("Sign-in to the console refused: {why}");
        let entry = Entry::new("console_sign_in_refused", &text).after(json!({ "ip": ip }));
        events::record_of_project(&mut connection, None, by, &entry).await
    }
}

/// As `grants` of [`crate::tokens`] reads it.
fn written(grants: &Grants) -> Value {
    let scope = |it: &Scope| it.to_string();
    grants.iter().map(|(at, role)| json!([scope(at), role])).collect()
}
