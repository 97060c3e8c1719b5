//! Every secret that is stored, one by one.

use model::{Secret, ServiceId};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use crate::vault::{Column, DataKey, Place};
use crate::{StoreError, decode};

/// How many are read at once, and replaced in one transaction.
const PAGE: i64 = 200;

/// A secret as it lies there: plain text, or sealed by an older key.
pub(super) struct Old {
    column: Column,
    service: ServiceId,
    username: String,
    /// Plain text may be among it.
    pub(super) text: Secret,
}

impl Old {
    pub(super) fn place(&self) -> Place<'_> {
        Place { column: self.column, service: self.service, username: &self.username }
    }
}

/// Those of a column behind `after` that no key of `generation` or newer has sealed: a page of them,
/// in order. Of one column, so that Postgres walks its index: of all at once it would sort them all
/// for each page.
pub(super) async fn older_than(
    pool: &PgPool,
    generation: i64,
    column: Column,
    after: Option<&Old>,
) -> Result<Vec<Old>, StoreError> {
    // No service has the lowest id.
    let (service, username) = after.map_or((Uuid::nil(), ""), |it| (it.service.0, &it.username));
    let rows = sqlx::query!(
        r#"select service_id as "service!", username as "username!", value as "value!"
           from secret_value left join data_key using (data_key_id)
           where column_name = $2 and (generation is null or generation < $1)
             and (service_id, username) > ($3, $4)
           order by service_id, username limit $5"#,
        generation,
        column.as_str(),
        service,
        username,
        PAGE
    )
    .fetch_all(pool)
    .await?;
    let old = |(service, username, value): (Uuid, String, String)| Old {
        column,
        service: ServiceId(service),
        username,
        text: value.into(),
    };
    Ok(rows.into_iter().map(|it| old((it.service, it.username, it.value))).collect())
}

/// How many secrets no key of `generation` or newer has sealed. An error if the view has a column
/// that this program does not know.
pub(super) async fn count_older_than(pool: &PgPool, generation: i64) -> Result<i64, StoreError> {
    let counts = sqlx::query!(
        r#"select column_name as "column!", count(*) as "count!"
           from secret_value left join data_key using (data_key_id)
           where generation is null or generation < $1 group by column_name"#,
        generation
    )
    .fetch_all(pool)
    .await?;
    match counts.iter().find(|it| Column::named(&it.column).is_none()) {
        Some(unknown) => Err(decode(UnknownColumn(unknown.column.clone()))),
        None => Ok(counts.iter().map(|it| it.count).sum()),
    }
}

/// Writes `new`, which `key` has sealed, in place of `old`: in one statement, which holds the key's
/// row as every writer does. `false` if it is not `old` any more, or if the key is gone.
pub(super) async fn replace(
    to: impl PgExecutor<'_>,
    old: &Old,
    new: &str,
    key: &DataKey,
) -> Result<bool, StoreError> {
    let (service, text, key) = (old.service.0, old.text.expose(), &key.id.0);
    let replaced = match old.column {
        Column::UserPassword => {
            sqlx::query!(
                "with held as (select from data_key where data_key_id = $5 for key share)
                 update service_user set password = $4 from held
                 where service_id = $1 and username = $2 and password = $3",
                service,
                old.username,
                text,
                new,
                key
            )
            .execute(to)
            .await?
        }
        Column::BrokerPassword => {
            sqlx::query!(
                "with held as (select from data_key where data_key_id = $4 for key share)
                 update service_secret set broker_password = $3 from held
                 where service_id = $1 and broker_password = $2",
                service,
                text,
                new,
                key
            )
            .execute(to)
            .await?
        }
        Column::AdminPassword => {
            sqlx::query!(
                "with held as (select from data_key where data_key_id = $4 for key share)
                 update service_secret set admin_password = $3 from held
                 where service_id = $1 and admin_password = $2",
                service,
                text,
                new,
                key
            )
            .execute(to)
            .await?
        }
        Column::RestProxyPassword => {
            sqlx::query!(
                "with held as (select from data_key where data_key_id = $4 for key share)
                 update service_secret set rest_proxy_password = $3 from held
                 where service_id = $1 and rest_proxy_password = $2",
                service,
                text,
                new,
                key
            )
            .execute(to)
            .await?
        }
        Column::ProbeSecret => {
            sqlx::query!(
                "with held as (select from data_key where data_key_id = $4 for key share)
                 update service_probe set client_secret = $3 from held
                 where service_id = $1 and client_secret = $2",
                service,
                text,
                new,
                key
            )
            .execute(to)
            .await?
        }
    };
    Ok(replaced.rows_affected() == 1)
}

/// A migration has put a column into the view that this program does not know.
#[derive(Debug, thiserror::Error)]
#[error("column '{0}' of secret_value is not known: this program is older than the database")]
struct UnknownColumn(String);
