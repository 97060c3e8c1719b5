//! Service users, and which of their passwords Kafka has been given.

mod page;

use std::collections::BTreeSet;

use model::{Secret, ServiceId, Timestamp, Username};
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;

pub use self::page::{Said, UserBrief, UserColumn};
use crate::events::{By, Entry};
use crate::vault::{Place, Vault, VaultError, reread};
use crate::{StoreError, changes, constraint, decode, timestamp};

/// Service users.
#[derive(Clone, Debug)]
pub struct Users {
    pub(crate) pool: PgPool,
    pub(crate) vault: Vault,
}

/// Whether a user came with its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserType {
    /// `avnadmin`.
    Primary,
    /// Anybody else.
    Normal,
}

impl UserType {
    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Normal => "normal",
        }
    }
}

/// A service user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUser {
    /// Its name, which is also its Kafka principal.
    pub username: Username,
    /// Whether it came with the service.
    pub kind: UserType,
    /// Its password. Kafka is only ever given it salted and hashed (KIP-554): the text is needed
    /// because the API shows it, as Aiven's does, to hash it anew, and for trial logins.
    pub password: Secret,
    /// Grows with each new password.
    pub password_version: i64,
    /// The version that Kafka was given last.
    pub applied_version: Option<i64>,
    /// Whether it is to be removed from Kafka and then from here.
    pub deleting: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Why a user was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// There is one of that name.
    #[error("a service user of that name exists")]
    Exists,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<VaultError> for CreateUserError {
    fn from(error: VaultError) -> Self {
        Self::Store(error.into())
    }
}

impl From<sqlx::Error> for CreateUserError {
    fn from(error: sqlx::Error) -> Self {
        match constraint(&error) {
            Some("service_user_pkey") => Self::Exists,
            _ => Self::Store(error.into()),
        }
    }
}

/// A user whose password was not opened yet.
pub(crate) struct UserRow {
    username: String,
    kind: String,
    password: String,
    password_version: i64,
    applied_version: Option<i64>,
    deleting: bool,
    created_at: OffsetDateTime,
}

fn kind(text: &str) -> UserType {
    if text == "primary" { UserType::Primary } else { UserType::Normal }
}

/// The users of a service, by name.
pub(crate) async fn rows(
    from: impl PgExecutor<'_>,
    service: ServiceId,
) -> Result<Vec<UserRow>, StoreError> {
    let rows = sqlx::query_as!(
        UserRow,
        "select username, type as kind, password, password_version, applied_version, deleting,
                created_at
         from service_user where service_id = $1 order by username",
        service.0
    )
    .fetch_all(from)
    .await?;
    Ok(rows)
}

impl Users {
    /// Every user of a service, those to be removed included, by name.
    pub async fn list(&self, service: ServiceId) -> Result<Vec<ServiceUser>, StoreError> {
        reread(|| self.list_once(service)).await
    }

    /// The names of a service's users without those to be removed. No password is opened for that.
    pub async fn names(&self, service: ServiceId) -> Result<BTreeSet<Username>, StoreError> {
        let names = sqlx::query_scalar!(
            "select username from service_user where service_id = $1 and not deleting",
            service.0
        )
        .fetch_all(&self.pool)
        .await?;
        names.into_iter().map(|it| Username::try_from(it).map_err(decode)).collect()
    }

    async fn list_once(&self, service: ServiceId) -> Result<Vec<ServiceUser>, StoreError> {
        let rows = rows(&self.pool, service).await?;
        self.opened(service, rows).await
    }

    /// The users in these rows. Needs a connection if there is a data key that was not seen yet.
    pub(crate) async fn opened(
        &self,
        service: ServiceId,
        rows: Vec<UserRow>,
    ) -> Result<Vec<ServiceUser>, StoreError> {
        let mut users = Vec::with_capacity(rows.len());
        for row in rows {
            let place = Place::user(service, &row.username);
            let password = self.vault.open(place, &row.password).await?;
            users.push(ServiceUser {
                username: Username::try_from(row.username).map_err(decode)?,
                kind: kind(&row.kind),
                password,
                password_version: row.password_version,
                applied_version: row.applied_version,
                deleting: row.deleting,
                created_at: timestamp(row.created_at),
            });
        }
        Ok(users)
    }

    /// Makes a user. One that is just being removed comes back with the new password.
    pub async fn create(
        &self,
        service: ServiceId,
        username: &Username,
        password: &Secret,
        by: &By,
    ) -> Result<(), CreateUserError> {
        let mut tx = self.pool.begin().await?;
        let key = self.vault.sealer(&mut tx).await?;
        let sealed = key.seal(Place::user(service, username.as_str()), password)?;
        let revived = sqlx::query!(
            "update service_user
             set deleting = false, password = $3, password_version = password_version + 1
             where service_id = $1 and username = $2 and deleting",
            service.0,
            username.as_str(),
            sealed
        )
        .execute(&mut *tx)
        .await?;
        if revived.rows_affected() == 0 {
            sqlx::query!(
                "insert into service_user (service_id, username, type, password)
                 values ($1, $2, 'normal', $3)",
                service.0,
                username.as_str(),
                sealed
            )
            .execute(&mut *tx)
            .await?;
        }
        let text = format!("service user {username} created");
        let done = Entry::new("service_user_create", &text);
        changes::commit(tx, service, by, &done).await?;
        Ok(())
    }

    /// Gives a user a new password. Tells whether there is such a user.
    pub async fn set_password(
        &self,
        service: ServiceId,
        username: &Username,
        password: &Secret,
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let key = self.vault.sealer(&mut tx).await?;
        let sealed = key.seal(Place::user(service, username.as_str()), password)?;
        let done = sqlx::query!(
            "update service_user set password = $3, password_version = password_version + 1
             where service_id = $1 and username = $2 and not deleting",
            service.0,
            username.as_str(),
            sealed
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let text = format!("password of service user {username} reset");
        let done = Entry::new("service_user_password_reset", &text);
        changes::commit(tx, service, by, &done).await?;
        Ok(true)
    }

    /// Marks a user as to be removed; its ACL bindings go with it. Tells whether there was such a
    /// user.
    pub async fn delete(
        &self,
        service: ServiceId,
        username: &Username,
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "update service_user set deleting = true
             where service_id = $1 and username = $2 and not deleting",
            service.0,
            username.as_str()
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let text = format!("service user {username} deleted");
        let done = Entry::new("service_user_delete", &text);
        changes::commit(tx, service, by, &done).await?;
        Ok(true)
    }

    /// Notes that Kafka was given version `version` of a user's password.
    pub async fn mark_applied(
        &self,
        service: ServiceId,
        username: &Username,
        version: i64,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update service_user set applied_version = $3
             where service_id = $1 and username = $2
               and coalesce(applied_version, 0) < $3 and password_version >= $3",
            service.0,
            username.as_str(),
            version
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Forgets a user whose credentials are gone from Kafka.
    pub async fn forget(&self, service: ServiceId, username: &Username) -> Result<(), StoreError> {
        sqlx::query!(
            "delete from service_user where service_id = $1 and username = $2 and deleting",
            service.0,
            username.as_str()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
