//! What happens between two statements of a rotation, or of a writer: on a real Postgres.

use std::sync::Arc;
use std::time::Duration;

use model::{Secret, ServiceId};
use sqlx::PgPool;
use uuid::Uuid;

use super::values::{Old, count_older_than, older_than, replace};
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

/// Those of every column.
async fn olds(pool: &PgPool, generation: i64) -> Vec<Old> {
    let mut found = Vec::new();
    for column in Column::ALL {
        found.extend(older_than(pool, generation, column, None).await.unwrap());
    }
    found
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
    let waits = async {
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(pool).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waits).await.expect("nobody waits for a lock");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_key_stays_until_the_writer_that_has_chosen_it_has_written(pool: PgPool) {
    let keys = keys(&pool);
    let before = seal_now(&pool, "before").await;
    let mut transaction = pool.begin().await.unwrap();
    let chosen = vault(&pool).sealer(&mut transaction).await.unwrap();
    assert_eq!(chosen.id, before.id);
    let (key, generation) = keys.vault.replace_newest().await.unwrap();
    let old = olds(&pool, generation).await.pop().unwrap();
    let new = key.seal(PLACE, &secret("before")).unwrap();
    assert!(replace(&pool, &old, &new, &key).await.unwrap());
    // All that can be seen is sealed with the new key, and nothing seems to need the old one.
    let late = async {
        until_somebody_waits(&pool).await;
        write(&mut *transaction, &chosen, "late").await;
        transaction.commit().await.unwrap();
    };
    let (removed, ()) = tokio::join!(keys.retire(generation), late);
    assert_eq!(removed.unwrap(), 0);
    assert_eq!(read(&pool).await, secret("late"));
    let rotated = keys.rotate(|_| {}).await.unwrap();
    assert_eq!((rotated.resealed, rotated.left, rotated.removed), (1, 0, 2));
    assert_eq!(read(&pool).await, secret("late"));
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn only_what_was_read_is_replaced_and_only_while_the_key_is_there(pool: PgPool) {
    seal_now(&pool, "text").await;
    for alone in [
        "alter table service_user drop constraint service_user_service_id_fkey",
        "alter table service_secret drop constraint service_secret_service_id_fkey",
        "insert into service_user (service_id, username, type, password)
         select service_id, 'alice', 'normal', 'text' from service_probe",
        "insert into service_secret (service_id, broker_password, admin_password, rest_proxy_password)
         select service_id, 'text', 'text', 'text' from service_probe",
    ] {
        sqlx::query(alone).execute(&pool).await.unwrap();
    }
    let vault = vault(&pool);
    let (gone, _) = vault.replace_newest().await.unwrap();
    let (key, generation) = vault.replace_newest().await.unwrap();
    let delete = "delete from data_key where data_key_id = $1";
    sqlx::query(delete).bind(&gone.id.0).execute(&pool).await.unwrap();
    let olds = olds(&pool, generation).await;
    assert_eq!(olds.len(), 5, "one in each column");
    for old in &olds {
        let seal = |key: &DataKey| key.seal(old.place(), &secret("text")).unwrap();
        let replace = async |new: &str, key: &DataKey| replace(&pool, old, new, key).await.unwrap();
        assert!(!replace(&seal(&gone), &gone).await, "{}", old.place());
        assert!(replace(&seal(&key), &key).await, "{}", old.place());
        assert!(!replace(&seal(&key), &key).await, "{}: it was replaced", old.place());
    }
    assert_eq!(count_older_than(&pool, generation).await.unwrap(), 0);
    assert_eq!(read(&pool).await, secret("text"));
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
async fn a_rotation_goes_past_one_that_begins_at_the_same_time(pool: PgPool) {
    seal_now(&pool, "text").await;
    let mut other = pool.begin().await.unwrap();
    let second = "insert into data_key (data_key_id, generation, master_key_id, wrapped)
                  select '0000000000000000', 2, master_key_id, wrapped from data_key";
    sqlx::query(second).execute(&mut *other).await.unwrap();
    let commit = async {
        until_somebody_waits(&pool).await;
        other.commit().await.unwrap();
    };
    let vault = vault(&pool);
    let (newest, ()) = tokio::join!(vault.replace_newest(), commit);
    assert_eq!(newest.unwrap().1, 3);
}
