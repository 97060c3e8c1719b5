//! Why a secret was not sealed or not opened. Never says anything of its content.

use super::cipher::CipherFailed;
use super::{DataKeyId, MasterKeyId};

/// Why a secret was not sealed or not opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A program that was started without a key has a secret to write.
    #[error("secrets cannot be sealed: this program was given no key")]
    NoKey,
    /// A program that was started without a key has a secret to read.
    #[error("{place} is sealed, and this program was given no key")]
    Locked {
        /// The column and the row.
        place: String,
    },
    /// The key file holds other keys than the one that is needed.
    #[error(
        "data key {data_key} is wrapped by master key {master_key}, which this program was not given"
    )]
    MissingMasterKey {
        /// What would have been opened with it.
        data_key: DataKeyId,
        /// The fingerprint of the key that has to be in the key file.
        master_key: MasterKeyId,
    },
    /// Somebody changed a row of `data_key`.
    #[error("data key {data_key} does not open with master key {master_key}: it was changed")]
    ForgedDataKey {
        /// The row.
        data_key: DataKeyId,
        /// The key that should have opened it.
        master_key: MasterKeyId,
    },
    /// The row of `data_key` is gone: deleted, or not in the backup that was restored.
    #[error("{place} is sealed by data key {data_key}, which is not in the database")]
    MissingDataKey {
        /// The column and the row.
        place: String,
        /// The key that has sealed it.
        data_key: DataKeyId,
    },
    /// Not what was written there: changed, or sealed for another row.
    #[error("{place} does not open with data key {data_key}: it was changed, or moved there")]
    Refused {
        /// The column and the row.
        place: String,
        /// The key that it names.
        data_key: DataKeyId,
    },
    /// It has the prefix of what is sealed, and is not.
    #[error("{place} starts with 'v1:' and is not 'v1:<data key>:<base64url>'")]
    Malformed {
        /// The column and the row.
        place: String,
    },
    /// The machine is at fault.
    #[error(transparent)]
    Cipher(#[from] CipherFailed),
}
