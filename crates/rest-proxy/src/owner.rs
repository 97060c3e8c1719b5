//! Whose Kafka clients and consumers are, and what shows Kafka that it is so.

use std::sync::Arc;

use model::{Secret, Timestamp};

/// Stands for a name with a password, in this process only.
pub(crate) type Fingerprint = [u8; 32];

/// As whom Kafka is asked. Kafka clients and consumer instances belong to one of these and are
/// never shared. Each variant has its own listener and mechanism.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// The proxy itself, for everybody, while authorization is off.
    Proxy,
    /// A principal of an issuer, whatever token it comes with.
    Oidc { issuer: Arc<str>, principal: Arc<str> },
    /// A service user, whatever its password is at the time.
    User { username: Arc<str> },
}

/// An access token that was verified.
pub(crate) struct Token {
    pub(crate) text: Secret,
    pub(crate) sha256: [u8; 32],
    pub(crate) expires_at: Timestamp,
    pub(crate) issued_at: Timestamp,
}

/// A password that Kafka accepted.
pub(crate) struct Password {
    pub(crate) text: Secret,
    /// Of the name and the password.
    pub(crate) fingerprint: Fingerprint,
}

/// What shows Kafka who asks.
#[derive(Clone)]
pub(crate) enum Credential {
    /// What the proxy itself has.
    Own,
    Token(Arc<Token>),
    Password(Arc<Password>),
}

impl Credential {
    /// Whether it is the same one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own, Self::Own) => true,
            (Self::Token(one), Self::Token(other)) => one.sha256 == other.sha256,
            (Self::Password(one), Self::Password(other)) => one.fingerprint == other.fingerprint,
            _ => false,
        }
    }
}
