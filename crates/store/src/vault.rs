//! Seals secrets before they are written, and opens them after they are read.
//!
//! Envelopes: the operator's master keys ([`MasterKeys`]) wrap data keys, which lie in the table
//! `data_key`; a data key seals the secrets. So another master key, or another data key, never
//! needs the old database to be unreadable for a moment (`keys/rotate.rs`).
//!
//! **Invariant:** what is written by a program of this version is sealed: one that was given no key
//! writes no secret at all.
//!
//! **Invariant:** a data key that seals is in the database for as long as anything that it sealed:
//! whoever writes holds its row until the commit ([`Vault::sealer`]).

mod cipher;
mod data_key;
mod data_keys;
mod error;
mod master_key;
mod place;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use model::Secret;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;

use crate::StoreError;
pub use crate::vault::cipher::CipherFailed;
pub use crate::vault::data_key::DataKeyId;
pub(crate) use crate::vault::data_key::{DataKey, Stored, Wrapped};
pub use crate::vault::error::VaultError;
pub use crate::vault::master_key::{KeyError, MasterKeyId, MasterKeys};
pub(crate) use crate::vault::place::{Column, Place};

/// Seals and opens secrets. Clones share the data keys that they know. Shows nothing in `Debug`.
#[derive(Clone)]
pub(crate) struct Vault {
    pool: PgPool,
    keys: Option<MasterKeys>,
    /// Unwrapped once. An id never stands for another key, so nothing here is ever wrong.
    known: Arc<RwLock<HashMap<DataKeyId, Arc<DataKey>>>>,
}

impl Vault {
    /// One that opens plain text only, and seals nothing.
    pub(crate) fn locked(pool: PgPool) -> Self {
        Self { pool, keys: None, known: Arc::default() }
    }

    /// One that seals with the first of `keys`, and opens with all.
    pub(crate) fn unlocked(pool: PgPool, keys: MasterKeys) -> Self {
        Self { pool, keys: Some(keys), known: Arc::default() }
    }

    /// The master keys, to seal with.
    pub(crate) fn keys(&self) -> Result<&MasterKeys, VaultError> {
        self.keys.as_ref().ok_or(VaultError::NoKey)
    }

    /// The master keys, if there are any.
    pub(crate) const fn given(&self) -> Option<&MasterKeys> {
        self.keys.as_ref()
    }

    /// The secret that was found in `place`. Asks the database only for a data key that was not seen
    /// yet: another process has made it.
    pub(crate) async fn open(&self, place: Place<'_>, found: &str) -> Result<Secret, StoreError> {
        let (id, body) = match Stored::parse(found) {
            Stored::Plain(text) => return Ok(Secret::new(text.to_owned())),
            Stored::Sealed { key, body } => (key, body),
            Stored::Malformed => {
                return Err(VaultError::Malformed { place: place.to_string() }.into());
            }
        };
        let keys = self.given().ok_or_else(|| VaultError::Locked { place: place.to_string() })?;
        let known = self.known().get(&id).cloned();
        let key = match known {
            Some(key) => key,
            None => match data_keys::find(&self.pool, &id).await? {
                Some(wrapped) => self.learn(keys, wrapped)?,
                None => {
                    let place = place.to_string();
                    return Err(VaultError::MissingDataKey { place, data_key: id }.into());
                }
            },
        };
        Ok(key.open(place, body)?)
    }

    /// The key that seals what this transaction writes: the newest; the first one is made here. Its
    /// row cannot be deleted until the transaction has ended.
    pub(crate) async fn sealer(
        &self,
        transaction: &mut PgConnection,
    ) -> Result<Arc<DataKey>, StoreError> {
        let keys = self.keys()?;
        loop {
            if let Some(newest) = data_keys::hold_newest(transaction).await? {
                return Ok(self.learn(keys, newest)?);
            }
            // None, or the one that was newest has just been replaced and deleted. Whoever loses
            // here takes what the other has made.
            data_keys::insert_first(transaction, &DataKey::generate(keys)?).await?;
        }
    }

    /// A new key in front of all others, and its generation.
    pub(crate) async fn replace_newest(&self) -> Result<(Arc<DataKey>, i64), StoreError> {
        let keys = self.keys()?;
        loop {
            let fresh = DataKey::generate(keys)?;
            // Without a number, somebody else was faster, and there is a newer one to go past.
            if let Some(generation) = data_keys::insert_next(&self.pool, &fresh).await? {
                return Ok((self.learn(keys, fresh)?, generation));
            }
        }
    }

    /// Unwraps every data key that there is, or says which one has no master key here.
    pub(crate) async fn learn_all(&self) -> Result<(), StoreError> {
        let keys = self.keys()?;
        for wrapped in data_keys::all(&self.pool).await? {
            self.learn(keys, wrapped)?;
        }
        Ok(())
    }

    fn learn(&self, keys: &MasterKeys, wrapped: Wrapped) -> Result<Arc<DataKey>, VaultError> {
        if let Some(key) = self.known().get(&wrapped.id) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(DataKey::unwrap(keys, wrapped)?);
        // Each change is one insertion, so that a panic elsewhere has left a whole map behind.
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(key.id.clone(), Arc::clone(&key));
        Ok(key)
    }

    fn known(&self) -> RwLockReadGuard<'_, HashMap<DataKeyId, Arc<DataKey>>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}

/// Reads, and once again if a data key was gone: what it had sealed was sealed anew, between the
/// reading of the row and that of the key.
pub(crate) async fn reread<T, F>(read: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    match read().await {
        Err(StoreError::Vault(VaultError::MissingDataKey { .. })) => read().await,
        done => done,
    }
}
