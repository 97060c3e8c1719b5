//! Sealing every secret anew, while programs go on to read and write them.
//!
//! The new data key is committed first, so everybody who begins to write from then on seals with it.
//! Each secret is replaced only if it still is what was read, a page in a transaction; a crash between
//! two leaves all readable. An old data key is deleted under a lock that waits for all who
//! are just sealing with it, and only if nothing needs it then.

use super::values::{Old, count_older_than, older_than, replace};
use super::{DataKeyId, Keys};
use crate::StoreError;
use crate::vault::{Column, DataKey, VaultError};

/// After how many passes it is given up: each goes over what was sealed with an older key during
/// the one before, which is little in the second, and nothing in the third.
const PASSES: usize = 5;

/// How far a rotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many secrets were sealed anew.
    pub resealed: u64,
    /// How many there were to do when it began.
    pub total: i64,
}

/// What a rotation has done.
#[derive(Debug)]
pub struct Rotated {
    /// The data key that seals from now on.
    pub data_key: DataKeyId,
    /// How many secrets were sealed anew.
    pub resealed: u64,
    /// How many data keys were deleted, because nothing needs them any more.
    pub removed: u64,
    /// Secrets that could not be opened, and are as they were. Their data keys are too.
    pub failed: Vec<VaultError>,
    /// How many secrets are not sealed with the new data key, or a newer one: those of `failed`, and
    /// what others have written meanwhile. Zero is the end; else it can be run again.
    pub left: i64,
}

impl Keys {
    /// Seals every secret with a new data key, wrapped by the first master key, and deletes data keys
    /// that are not needed any more. Changes nothing if a data key does not open with the master keys
    /// that were given. Tells `progress` after each page of secrets.
    pub async fn rotate(
        &self,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Rotated, StoreError> {
        self.vault.learn_all().await?;
        let (key, generation) = self.vault.replace_newest().await?;
        let total = count_older_than(&self.pool, generation).await?;
        let mut rotated = Rotated {
            data_key: key.id.clone(),
            resealed: 0,
            removed: 0,
            failed: Vec::new(),
            left: total,
        };
        for _ in 0..PASSES {
            rotated.failed.clear();
            for column in Column::ALL {
                let mut page = older_than(&self.pool, generation, column, None).await?;
                while let Some(last) = page.last() {
                    self.reseal(&page, &key, &mut rotated).await?;
                    progress(Progress { resealed: rotated.resealed, total });
                    page = older_than(&self.pool, generation, column, Some(last)).await?;
                }
            }
            rotated.removed += self.retire(generation).await?;
            rotated.left = count_older_than(&self.pool, generation).await?;
            if rotated.left == i64::try_from(rotated.failed.len()).unwrap_or(i64::MAX) {
                break;
            }
        }
        Ok(rotated)
    }

    /// Seals a page anew, in one transaction: a disk that is waited for at each secret is what takes
    /// hours.
    async fn reseal(
        &self,
        page: &[Old],
        key: &DataKey,
        rotated: &mut Rotated,
    ) -> Result<(), StoreError> {
        let mut fresh = Vec::with_capacity(page.len());
        for old in page {
            match self.vault.open(old.place(), old.text.expose()).await {
                Ok(secret) => fresh.push((old, key.seal(old.place(), &secret)?)),
                Err(StoreError::Vault(error)) => rotated.failed.push(error),
                Err(error) => return Err(error),
            }
        }
        let (mut transaction, mut replaced) = (self.pool.begin().await?, 0);
        for (old, new) in &fresh {
            replaced += u64::from(replace(&mut *transaction, old, new, key).await?);
        }
        transaction.commit().await?;
        rotated.resealed += replaced;
        Ok(())
    }

    /// Deletes the data keys before `generation` that nothing needs, and returns how many. Waits for
    /// transactions that are just sealing with one of them.
    pub(super) async fn retire(&self, generation: i64) -> Result<u64, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query!("select set_config('lock_timeout', '30s', true) as done")
            .fetch_one(&mut *transaction)
            .await?;
        sqlx::query!(
            "select data_key_id from data_key where generation < $1 order by generation for update",
            generation
        )
        .fetch_all(&mut *transaction)
        .await?;
        // A statement of its own: it has to see what was committed while the lock was waited for.
        let deleted = sqlx::query!(
            "delete from data_key
             where generation < $1
               and not exists (select from secret_value
                               where secret_value.data_key_id = data_key.data_key_id)",
            generation
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(deleted.rows_affected())
    }
}
