//! What happens between two statements of a rotation, or of a writer: on a real Postgres.

use std::sync::Arc;
use std::time::Duration;

use model::{Secret, ServiceId};
use sqlx::PgPool;
use uuid::Uuid;

use super::values::{count_older_than, older_than, replace};
use super::*;
use crate::MasterKeys;
use crate::vault::{Column, DataKey, Place, reread};

const SERVICE: ServiceId = ServiceId(Uuid::from_u128(1));
const PLACE: Place<'static> = Place::of_service(Column::ProbeSecret, SERVICE);

fn vault(pool: &PgPool) -> Vault {
    let key = Secret::new("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=".to_owned());
    Vault::unlocked(pool.clone(), MasterKeys::parse(&key).unwrap())
}

fn keys(pool: &PgPool) -> Keys {
    Keys { pool: pool.clone(), vault: vault(pool) }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

async fn write(to: impl sqlx::PgExecutor<'_>, key: &DataKey, text: &str) {
    let insert = "insert into service_probe (service_id, token_url, client_id, client_secret)
                  values ($1, '', '', $2)
                  on conflict (service_id) do update set client_secret = excluded.client_secret";
    let sealed = key.seal(PLACE, &secret(text)).unwrap();
    sqlx::query(insert).bind(SERVICE.0).bind(sealed).execute(to).await.unwrap();
}

async fn read(pool: &PgPool) -> Secret {
    let vault = vault(pool);
    reread(async || {
        let query = "select client_secret from service_probe";
        let found: String = sqlx::query_scalar(query).fetch_one(pool).await?;
        vault.open(PLACE, &found).await
    })
    .await
    .unwrap()
}

/// One secret is enough here, without a service around it.
async fn seal_now(pool: &PgPool, text: &str) -> Arc<DataKey> {
    let alone = "alter table service_probe drop constraint if exists service_probe_service_id_fkey";
    sqlx::query(alone).execute(pool).await.unwrap();
    let mut transaction = pool.begin().await.unwrap();
    let key = vault(pool).sealer(&mut transaction).await.unwrap();
    write(&mut *transaction, &key, text).await;
    transaction.commit().await.unwrap();
    key
}

/// Returns when somebody waits for a lock.
async fn until_somebody_waits(pool: &PgPool) {
    let waiting = "select count(*) from pg_stat_activity
                   where wait_event_type = 'Lock' and datname = current_database()";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(pool).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_key_stays_until_the_writer_that_has_chosen_it_has_written(pool: PgPool) {
    let before = seal_now(&pool, "before").await;
    let mut transaction = pool.begin().await.unwrap();
    let chosen = vault(&pool).sealer(&mut transaction).await.unwrap();
    assert_eq!(chosen.id, before.id);
    let late = async {
        // Until the rotation has sealed what it sees, and waits for this one.
        until_somebody_waits(&pool).await;
        write(&mut *transaction, &chosen, "late").await;
        transaction.commit().await.unwrap();
    };
    let keys = keys(&pool);
    let (rotated, ()) = tokio::join!(keys.rotate(|_| {}), late);
    let rotated = rotated.unwrap();
    assert_eq!((rotated.resealed, rotated.left, rotated.removed), (2, 0, 1));
    assert_eq!(read(&pool).await, secret("late"));
    assert_eq!(keys.status().await.unwrap().data_keys.len(), 1);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_has_changed_since_it_was_read_is_not_replaced(pool: PgPool) {
    seal_now(&pool, "read").await;
    let (key, generation) = vault(&pool).replace_newest().await.unwrap();
    let old = older_than(&pool, generation, None).await.unwrap().pop().unwrap();
    seal_now(&pool, "changed").await;
    let new = key.seal(PLACE, &secret("read")).unwrap();
    assert!(!replace(&pool, &old, &new, &key).await.unwrap());
    assert_eq!(read(&pool).await, secret("changed"));
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn nothing_is_sealed_with_a_key_that_a_newer_rotation_has_removed(pool: PgPool) {
    seal_now(&pool, "text").await;
    let (overtaken, generation) = vault(&pool).replace_newest().await.unwrap();
    let old = older_than(&pool, generation, None).await.unwrap().pop().unwrap();
    let gone = "delete from data_key where data_key_id = $1";
    sqlx::query(gone).bind(&overtaken.id.0).execute(&pool).await.unwrap();
    let new = overtaken.seal(PLACE, &secret("text")).unwrap();
    assert!(!replace(&pool, &old, &new, &overtaken).await.unwrap());
    assert_eq!(read(&pool).await, secret("text"));
    assert_eq!(count_older_than(&pool, generation).await.unwrap(), 1);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn of_two_first_keys_one_is_kept(pool: PgPool) {
    let (mut one, mut two) = (pool.begin().await.unwrap(), pool.begin().await.unwrap());
    let first = vault(&pool).sealer(&mut one).await.unwrap();
    let commit = async {
        until_somebody_waits(&pool).await;
        one.commit().await.unwrap();
    };
    let slower = vault(&pool);
    let (second, ()) = tokio::join!(slower.sealer(&mut two), commit);
    assert_eq!(second.unwrap().id, first.id);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn of_two_rotations_at_once_the_newer_key_is_the_last(pool: PgPool) {
    seal_now(&pool, "text").await;
    let (vault, keys) = (vault(&pool), keys(&pool));
    let (one, two) = tokio::join!(vault.replace_newest(), vault.replace_newest());
    let mut generations = [one.unwrap().1, two.unwrap().1];
    generations.sort_unstable();
    assert_eq!(generations, [2, 3]);
    let rotated = keys.rotate(|_| {}).await.unwrap();
    assert_eq!((rotated.left, rotated.removed), (0, 3));
    assert_eq!(keys.status().await.unwrap().data_keys[0].generation, 4);
}
