//! Data keys: what secrets are sealed with. Wrapped by a master key, they lie beside them.

use std::fmt;

use model::Secret;

use super::cipher::{self, Cipher, KEY, hex, random};
use super::master_key::MasterKey;
use super::{MasterKeyId, MasterKeys, Place, VaultError};

/// In front of every sealed text. What does not start with it is plain text.
const PREFIX: &str = "v1:";

/// Names a data key: 16 hexadecimal digits, made at random.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DataKeyId(pub(crate) String);

impl fmt::Display for DataKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What lies in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stored<'a> {
    /// From before there were keys.
    Plain(&'a str),
    /// `v1:<data key id>:<base64url of nonce, ciphertext and tag>`.
    Sealed { key: DataKeyId, body: &'a str },
    /// It has the prefix, and nothing that makes sense behind it.
    Malformed,
}

impl<'a> Stored<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let Some(rest) = text.strip_prefix(PREFIX) else { return Self::Plain(text) };
        match rest.split_once(':') {
            Some((key, body)) if cipher::is_hex(key) => {
                Self::Sealed { key: DataKeyId(key.to_owned()), body }
            }
            _ => Self::Malformed,
        }
    }
}

/// A data key as it lies in the database.
#[derive(Clone, Debug)]
pub(crate) struct Wrapped {
    pub(crate) id: DataKeyId,
    pub(crate) master_key: MasterKeyId,
    pub(crate) text: String,
}

/// A data key that can be used.
#[derive(Debug)]
pub(crate) struct DataKey {
    pub(crate) id: DataKeyId,
    cipher: Cipher,
}

impl DataKey {
    /// A new one, wrapped by the first of the master keys.
    pub(super) fn generate(keys: &MasterKeys) -> Result<Wrapped, VaultError> {
        let MasterKey { id: master_key, cipher } = keys.first();
        let id = DataKeyId(hex(random()?));
        let text = cipher.seal(&bound_to(&id, master_key), &random::<KEY>()?)?;
        Ok(Wrapped { id, master_key: master_key.clone(), text })
    }

    /// Opens one with the master key that wrapped it.
    pub(super) fn unwrap(keys: &MasterKeys, wrapped: Wrapped) -> Result<Self, VaultError> {
        let Wrapped { id, master_key, text } = wrapped;
        let Some(master) = keys.get(&master_key) else {
            return Err(VaultError::MissingMasterKey { data_key: id, master_key });
        };
        let opened = master.cipher.open(&bound_to(&id, &master_key), &text);
        match opened.and_then(|it| <[u8; KEY]>::try_from(it).ok()) {
            Some(key) => Ok(Self { cipher: Cipher::new(&key)?, id }),
            None => Err(VaultError::ForgedDataKey { data_key: id, master_key }),
        }
    }

    /// The text to store in `place`.
    pub(crate) fn seal(&self, place: Place<'_>, secret: &Secret) -> Result<String, VaultError> {
        let body = self.cipher.seal(&place.bound_to(), secret.expose().as_bytes())?;
        Ok(format!("{PREFIX}{}:{body}", self.id))
    }

    /// The secret whose [`Stored::Sealed::body`] was found in `place`.
    pub(super) fn open(&self, place: Place<'_>, body: &str) -> Result<Secret, VaultError> {
        let opened = self.cipher.open(&place.bound_to(), body);
        let text = opened.and_then(|it| String::from_utf8(it).ok());
        text.map(Secret::new).ok_or_else(|| VaultError::Refused {
            place: place.to_string(),
            data_key: self.id.clone(),
        })
    }
}

fn bound_to(id: &DataKeyId, master_key: &MasterKeyId) -> String {
    format!("tidegate data key v1\0{id}\0{master_key}")
}

#[cfg(test)]
mod tests;
