//! Text that must not be seen.

use std::fmt;

use serde::{Deserialize, Serializer};

/// A password or a token. Shows nothing in `Debug`, has no `Display` and no `Serialize`: who needs
/// the text says so with [`Secret::expose`].
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text in.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Gives the text out: to a socket, a file that only we can read, or an answer made for it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// For `#[serde(serialize_with = ...)]` on the few fields whose purpose is to carry a secret.
    pub fn serialize_exposed<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "Secret(..)");
    }
}
