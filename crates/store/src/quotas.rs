//! Client quotas that services shall have.

use std::collections::BTreeMap;

use model::{ClientQuota, QuotaEntity, QuotaKey, QuotaName, ServiceId};
use sqlx::PgPool;

use crate::events::{By, Entry};
use crate::{StoreError, changes, decode};

/// Client quotas. Each limit that is here is ours to change in Kafka, and nothing else is.
#[derive(Clone, Debug)]
pub struct Quotas {
    pub(crate) pool: PgPool,
}

/// Text in the database that breaks a rule of `model`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreadable(String);

impl Quotas {
    /// Every limit of a service; `None` for one that is to be removed from Kafka and then from here.
    pub async fn list(
        &self,
        service: ServiceId,
    ) -> Result<BTreeMap<ClientQuota, Option<f64>>, StoreError> {
        sqlx::query!(
            "select user_name, client_id, quota_key, quota_value from client_quota
             where service_id = $1",
            service.0
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            let quota = quota(&row.user_name, &row.client_id, &row.quota_key);
            Ok((quota.map_err(|error| decode(Unreadable(error)))?, row.quota_value))
        })
        .collect()
    }

    /// Sets limits of an entity, above zero. Others that it has stay.
    pub async fn put(
        &self,
        service: ServiceId,
        entity: &QuotaEntity,
        limits: &[(QuotaKey, f64)],
        by: &By,
    ) -> Result<(), StoreError> {
        let (keys, values): (Vec<&str>, Vec<f64>) =
            limits.iter().map(|(key, limit)| (key.as_str(), *limit)).unzip();
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "insert into client_quota (service_id, user_name, client_id, quota_key, quota_value)
             select $1, $2, $3, quota_key, quota_value
             from unnest($4::text[], $5::double precision[]) as new (quota_key, quota_value)
             on conflict (service_id, user_name, client_id, quota_key) do update
             set quota_value = excluded.quota_value",
            service.0,
            column(entity.user()),
            column(entity.client_id()),
            &keys as _,
            &values
        )
        .execute(&mut *tx)
        .await?;
        let limits = limits.iter().map(|(key, limit)| format!("{} {limit}", key.as_str()));
        let text = format!("quota of {entity} set: {}", limits.collect::<Vec<_>>().join(", "));
        changes::commit(tx, service, by, &Entry::new("service_quota_create", &text)).await?;
        Ok(())
    }

    /// Marks all limits of an entity as to be removed. Tells whether it had one.
    pub async fn delete(
        &self,
        service: ServiceId,
        entity: &QuotaEntity,
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "update client_quota set quota_value = null
             where service_id = $1 and user_name = $2 and client_id = $3
               and quota_value is not null",
            service.0,
            column(entity.user()),
            column(entity.client_id())
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let text = format!("quota of {entity} deleted");
        changes::commit(tx, service, by, &Entry::new("service_quota_delete", &text)).await?;
        Ok(true)
    }

    /// Forgets limits that are gone from Kafka, unless they are wanted again.
    pub async fn forget(
        &self,
        service: ServiceId,
        quotas: &[ClientQuota],
    ) -> Result<(), StoreError> {
        let each = |column: fn(&ClientQuota) -> String| quotas.iter().map(column).collect();
        let users: Vec<String> = each(|it| column(it.entity.user()).to_owned());
        let clients: Vec<String> = each(|it| column(it.entity.client_id()).to_owned());
        let keys: Vec<String> = each(|it| it.key.as_str().to_owned());
        sqlx::query!(
            "delete from client_quota where service_id = $1 and quota_value is null
               and (user_name, client_id, quota_key) in (
                   select * from unnest($2::text[], $3::text[], $4::text[])
               )",
            service.0,
            &users,
            &clients,
            &keys
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// A name as it is stored: no name can be empty, so that stands for none.
fn column(name: Option<&QuotaName>) -> &str {
    name.map_or("", QuotaName::as_str)
}

fn quota(user: &str, client_id: &str, key: &str) -> Result<ClientQuota, String> {
    let name = |what, text: &str| match text {
        "" => Ok(None),
        text => QuotaName::parse(what, text).map(Some),
    };
    let entity = QuotaEntity::new(name("user", user)?, name("client-id", client_id)?);
    let entity = entity.ok_or("a quota of nobody")?;
    let key = QuotaKey::named(key).ok_or_else(|| format!("unknown quota key {key}"))?;
    Ok(ClientQuota { entity, key })
}
