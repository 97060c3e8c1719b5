//! ACL entries that users added, and the bindings in Kafka that are ours.

mod page;

use std::collections::BTreeSet;

use model::{AclBinding, AclEntry, AclId, AclPattern, ServiceId};
use serde_json::json;
use sqlx::types::Json;
use sqlx::{PgExecutor, PgPool};

pub use self::page::AclColumn;
use crate::events::{By, Entry};
use crate::{StoreError, changes, constraint, decode};

/// ACL entries and owned bindings.
#[derive(Clone, Debug)]
pub struct Acls {
    pub(crate) pool: PgPool,
}

/// Why an entry was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddAclError {
    /// There is the same entry, under another id.
    #[error("an identical ACL entry exists")]
    Identical,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for AddAclError {
    fn from(error: sqlx::Error) -> Self {
        match constraint(&error) {
            Some("acl_entry_identical" | "kafka_acl_entry_identical") => Self::Identical,
            _ => Self::Store(error.into()),
        }
    }
}

/// Text in the database that breaks a rule of `model`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreadable(String);

/// An entry as it is kept.
struct Row {
    acl_id: String,
    permission: String,
    topic: String,
    username: String,
}

impl TryFrom<Row> for AclEntry {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unreadable = |error: String| decode(Unreadable(error));
        Ok(Self {
            id: AclId(row.acl_id),
            permission: row.permission.parse().map_err(unreadable)?,
            topic: AclPattern::topic(&row.topic).map_err(unreadable)?,
            username: AclPattern::username(&row.username).map_err(unreadable)?,
        })
    }
}

/// Every entry of a service, oldest first.
pub(crate) async fn entries(
    from: impl PgExecutor<'_>,
    service: ServiceId,
) -> Result<Vec<AclEntry>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "select acl_id, permission, topic, username from acl_entry
         where service_id = $1 order by created_at, acl_id",
        service.0
    )
    .fetch_all(from)
    .await?;
    rows.into_iter().map(AclEntry::try_from).collect()
}

impl Acls {
    /// Every entry of a service, oldest first.
    pub async fn list(&self, service: ServiceId) -> Result<Vec<AclEntry>, StoreError> {
        entries(&self.pool, service).await
    }

    /// Adds an entry.
    pub async fn add(
        &self,
        service: ServiceId,
        entry: &AclEntry,
        by: &By,
    ) -> Result<(), AddAclError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "insert into acl_entry (service_id, acl_id, permission, topic, username)
             values ($1, $2, $3, $4, $5)",
            service.0,
            entry.id.0,
            entry.permission.as_str(),
            entry.topic.as_str(),
            entry.username.as_str()
        )
        .execute(&mut *tx)
        .await?;
        let permission = entry.permission.as_str();
        let text = format!("ACL added: {permission} on {} for {}", entry.topic, entry.username);
        let done = Entry::new("service_acl_add", &text).after(json!(entry));
        changes::commit(tx, service, by, &done).await?;
        Ok(())
    }

    /// Removes an entry. Tells whether there was one of that id.
    pub async fn remove(
        &self,
        service: ServiceId,
        id: &AclId,
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let gone = sqlx::query!(
            "delete from acl_entry where service_id = $1 and acl_id = $2
             returning permission, topic, username",
            service.0,
            id.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(gone) = gone else { return Ok(false) };
        let (permission, topic, username) = (&gone.permission, &gone.topic, &gone.username);
        let text = format!("ACL deleted: {permission} on {topic} for {username}");
        let before = json!({
            "id": id, "permission": permission, "topic": topic, "username": username,
        });
        let done = Entry::new("service_acl_delete", &text).before(before);
        changes::commit(tx, service, by, &done).await?;
        Ok(true)
    }

    /// The bindings in Kafka that are ours to delete.
    pub async fn owned(&self, service: ServiceId) -> Result<BTreeSet<AclBinding>, StoreError> {
        let rows = sqlx::query_scalar!(
            r#"select binding as "binding: Json<AclBinding>" from owned_acl_binding
               where service_id = $1"#,
            service.0
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|it| it.0).collect())
    }

    /// Notes bindings as ours, before they are created in Kafka.
    pub async fn claim(
        &self,
        service: ServiceId,
        bindings: &[AclBinding],
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into owned_acl_binding (service_id, binding)
             select $1, value from jsonb_array_elements($2) on conflict do nothing",
            service.0,
            Json(bindings) as _
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Forgets bindings that are gone from Kafka.
    pub async fn release(
        &self,
        service: ServiceId,
        bindings: &[AclBinding],
    ) -> Result<(), StoreError> {
        if bindings.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "delete from owned_acl_binding where service_id = $1
               and binding in (select value from jsonb_array_elements($2))",
            service.0,
            Json(bindings) as _
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
