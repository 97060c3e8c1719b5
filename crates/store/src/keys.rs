//! The keys that secrets are sealed with: what is in use, and how it is replaced.

mod rotate;
#[cfg(test)]
mod tests;
mod values;

use sqlx::PgPool;

use crate::vault::Vault;
use crate::{DataKeyId, MasterKeyId, StoreError, timestamp};
pub use rotate::{Progress, Rotated};

/// The keys that secrets are sealed with.
#[derive(Clone, Debug)]
pub struct Keys {
    pub(crate) pool: PgPool,
    pub(crate) vault: Vault,
}

/// Which keys are in use, and by how many secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    /// The master keys that this program was given, first the one that seals.
    pub master_keys: Vec<MasterKeyId>,
    /// Every data key, oldest first: the last one seals.
    pub data_keys: Vec<DataKeyStatus>,
    /// How many secrets are plain text, from before there were keys.
    pub plain: i64,
    /// How many secrets nobody can open: their data key is not in the database.
    pub lost: i64,
}

/// A data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataKeyStatus {
    /// Its id.
    pub id: DataKeyId,
    /// Grows with each key.
    pub generation: i64,
    /// What it is wrapped by.
    pub master_key: MasterKeyId,
    /// When it was made.
    pub created_at: model::Timestamp,
    /// How many secrets it has sealed that are still there.
    pub secrets: i64,
}

impl Keys {
    /// Makes sure that secrets can be sealed, and that every data key opens with the master keys
    /// that were given. Makes the first data key. Returns how many secrets are still plain text.
    pub async fn check(&self) -> Result<i64, StoreError> {
        let mut transaction = self.pool.begin().await?;
        self.vault.sealer(&mut transaction).await?;
        transaction.commit().await?;
        self.vault.learn_all().await?;
        let plain = sqlx::query_scalar!(
            r#"select count(*) as "plain!" from secret_value where data_key_id is null"#
        );
        Ok(plain.fetch_one(&self.pool).await?)
    }

    /// The same for a program that starts: an error if it cannot open what is in the database. A
    /// database that is away is none: it is waited for as ever, and nothing is written unsealed.
    pub async fn check_at_start(&self) -> Result<(), StoreError> {
        match self.check().await {
            Ok(0) => Ok(()),
            Ok(plain) => {
                tracing::warn!(
                    secrets = plain,
                    "secrets in the database are plain text: run `tidegate-control-plane key rotate`"
                );
                Ok(())
            }
            Err(error) if error.is_away() => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "keys are not checked yet");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// What is in use. Needs no master key.
    pub async fn status(&self) -> Result<KeyStatus, StoreError> {
        let data_keys = sqlx::query!(
            r#"select data_key_id, generation, master_key_id, created_at,
                      (select count(*) from secret_value
                       where secret_value.data_key_id = data_key.data_key_id) as "secrets!"
               from data_key order by generation"#
        )
        .map(|row| DataKeyStatus {
            id: DataKeyId(row.data_key_id),
            generation: row.generation,
            master_key: MasterKeyId(row.master_key_id),
            created_at: timestamp(row.created_at),
            secrets: row.secrets,
        })
        .fetch_all(&self.pool)
        .await?;
        let rest = sqlx::query!(
            r#"select count(*) filter (where secret_value.data_key_id is null) as "plain!",
                      count(*) filter (where secret_value.data_key_id is not null
                                         and data_key.data_key_id is null) as "lost!"
               from secret_value left join data_key using (data_key_id)"#
        )
        .fetch_one(&self.pool)
        .await?;
        let given = self.vault.given();
        Ok(KeyStatus {
            master_keys: given.map(|it| it.ids().cloned().collect()).unwrap_or_default(),
            data_keys,
            plain: rest.plain,
            lost: rest.lost,
        })
    }
}
