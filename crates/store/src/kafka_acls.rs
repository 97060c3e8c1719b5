//! Kafka-native ACL entries that users added.

mod page;

use model::{AclId, KafkaAcl, KafkaAclEntry, KafkaAclText, ServiceId};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgPool;

pub use self::page::KafkaAclColumn;
use crate::events::{By, Entry};
use crate::{AddAclError, StoreError, changes, decode};

/// Kafka-native ACL entries. The bindings that they become are in [`crate::Acls`].
#[derive(Clone, Debug)]
pub struct KafkaAcls {
    pub(crate) pool: PgPool,
}

/// Text in the database that breaks a rule of `model`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreadable(String);

/// An entry as it is kept.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    acl_id: String,
    principal: String,
    host: String,
    resource_type: String,
    resource_name: String,
    pattern_type: String,
    operation: String,
    permission_type: String,
}

impl TryFrom<Row> for KafkaAclEntry {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let text = KafkaAclText {
            principal: row.principal,
            host: row.host,
            resource_type: row.resource_type,
            resource_name: row.resource_name,
            pattern_type: row.pattern_type,
            operation: row.operation,
            permission_type: row.permission_type,
        };
        let acl = KafkaAcl::parse(&text).map_err(|error| decode(Unreadable(error)))?;
        Ok(Self { id: AclId(row.acl_id), acl })
    }
}

impl KafkaAcls {
    /// Every entry of a service, oldest first.
    pub async fn list(&self, service: ServiceId) -> Result<Vec<KafkaAclEntry>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "select acl_id, principal, host, resource_type, resource_name, pattern_type, operation,
                    permission_type
             from kafka_acl_entry where service_id = $1 order by created_at, acl_id",
            service.0
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(KafkaAclEntry::try_from).collect()
    }

    /// Adds an entry.
    pub async fn add(
        &self,
        service: ServiceId,
        entry: &KafkaAclEntry,
        by: &By,
    ) -> Result<(), AddAclError> {
        let text = entry.acl.text();
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "insert into kafka_acl_entry (service_id, acl_id, principal, host, resource_type,
                                          resource_name, pattern_type, operation, permission_type)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            service.0,
            entry.id.0,
            text.principal,
            text.host,
            text.resource_type,
            text.resource_name,
            text.pattern_type,
            text.operation,
            text.permission_type
        )
        .execute(&mut *tx)
        .await?;
        let words = format!("Kafka ACL added: {}", sentence(&text));
        let done = Entry::new("service_kafka_acl_add", &words).after(told(&entry.id, &text));
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
        let removed = sqlx::query_as!(
            KafkaAclText,
            "delete from kafka_acl_entry where service_id = $1 and acl_id = $2
             returning principal, host, resource_type, resource_name, pattern_type, operation,
                       permission_type",
            service.0,
            id.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(text) = removed else {
            return Ok(false);
        };
        let words = format!("Kafka ACL deleted: {}", sentence(&text));
        let done = Entry::new("service_kafka_acl_delete", &words).before(told(id, &text));
        changes::commit(tx, service, by, &done).await?;
        Ok(true)
    }
}

/// What the audit log says of an entry.
fn told(id: &AclId, it: &KafkaAclText) -> Value {
    json!({
        "id": id, "principal": it.principal, "host": it.host, "resource_type": it.resource_type,
        "resource_name": it.resource_name, "pattern_type": it.pattern_type,
        "operation": it.operation, "permission_type": it.permission_type,
    })
}

/// An entry in one line, for people.
fn sentence(it: &KafkaAclText) -> String {
    format!(
        "{} {} from {} {} on {} {} {}",
        it.permission_type,
        it.principal,
        it.host,
        it.operation,
        it.pattern_type,
        it.resource_type,
        it.resource_name
    )
}
