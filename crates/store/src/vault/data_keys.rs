//! The table `data_key`.

use sqlx::PgPool;
use sqlx::postgres::PgConnection;

use super::{DataKeyId, MasterKeyId, Wrapped};
use crate::StoreError;

struct Row {
    data_key_id: String,
    master_key_id: String,
    wrapped: String,
}

impl From<Row> for Wrapped {
    fn from(row: Row) -> Self {
        Self {
            id: DataKeyId(row.data_key_id),
            master_key: MasterKeyId(row.master_key_id),
            text: row.wrapped,
        }
    }
}

/// The key of that id.
pub(super) async fn find(pool: &PgPool, id: &DataKeyId) -> Result<Option<Wrapped>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "select data_key_id, master_key_id, wrapped from data_key where data_key_id = $1",
        id.0
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Wrapped::from))
}

/// Every key, oldest first.
pub(super) async fn all(pool: &PgPool) -> Result<Vec<Wrapped>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "select data_key_id, master_key_id, wrapped from data_key order by generation"
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Wrapped::from).collect())
}

/// The newest key, which nobody deletes until the transaction has ended.
pub(super) async fn hold_newest(
    transaction: &mut PgConnection,
) -> Result<Option<Wrapped>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "select data_key_id, master_key_id, wrapped from data_key
         order by generation desc limit 1 for key share"
    )
    .fetch_optional(transaction)
    .await?;
    Ok(row.map(Wrapped::from))
}

/// Keeps the first key of all, unless there is one already. Waits for whoever is just making one.
pub(super) async fn insert_first(
    transaction: &mut PgConnection,
    key: &Wrapped,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into data_key (data_key_id, generation, master_key_id, wrapped)
         select $1, 1, $2, $3 where not exists (select from data_key)
         on conflict on constraint data_key_generation_unique do nothing",
        key.id.0,
        key.master_key.0,
        key.text
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// Keeps a key as the newest, and returns its generation; `None` if another one became the newest
/// at the same time.
pub(super) async fn insert_next(pool: &PgPool, key: &Wrapped) -> Result<Option<i64>, StoreError> {
    let generation = sqlx::query_scalar!(
        "insert into data_key (data_key_id, generation, master_key_id, wrapped)
         select $1, coalesce(max(generation), 0) + 1, $2, $3 from data_key
         on conflict on constraint data_key_generation_unique do nothing
         returning generation",
        key.id.0,
        key.master_key.0,
        key.text
    )
    .fetch_optional(pool)
    .await?;
    Ok(generation)
}
