//! What a broker is started with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names a revision by its content: the SHA-256 of it, as 64 lowercase hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RevisionId(String);

/// Text that is no [`RevisionId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a revision id is 64 lowercase hexadecimal digits")]
pub struct InvalidRevisionId;

impl RevisionId {
    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl TryFrom<String> for RevisionId {
    type Error = InvalidRevisionId;

    fn try_from(text: String) -> Result<Self, InvalidRevisionId> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(hex) {
            Ok(Self(text))
        } else {
            Err(InvalidRevisionId)
        }
    }
}

impl From<RevisionId> for String {
    fn from(id: RevisionId) -> Self {
        id.0
    }
}

impl fmt::Display for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.short().fmt(f)
    }
}

/// What every node of a service is started with. Immutable; holds no secret, no path and nothing
/// of a single node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The SHA-256 of the rest.
    pub id: RevisionId,
    /// `server.properties` without the lines of a single node; ends with a line feed. Passwords are
    /// references (`${secrets:secrets.properties:...}`) that Kafka's `FileConfigProvider` resolves.
    pub server_properties: String,
    /// Options of the JVM, one an element, such as `-Dkey=value`.
    pub jvm_options: Vec<String>,
}
