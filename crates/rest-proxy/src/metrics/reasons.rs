//! Why things fail, in as many words as an operator acts on differently.

use auth::AuthError;

/// Why a record was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProduceFailure {
    /// It is not what its format says.
    Unfit,
    /// An ACL is missing.
    Denied,
    /// No such topic or partition.
    Unknown,
    /// Larger than Kafka accepts.
    TooLarge,
    /// Kafka did not acknowledge it in time.
    Unavailable,
    /// Anything else.
    Other,
}

impl ProduceFailure {
    /// In the order of the variants.
    pub(super) const LABELS: [&str; 6] =
        ["unfit", "denied", "unknown_topic_or_partition", "too_large", "unavailable", "other"];
}

/// Why somebody did not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthFailure {
    /// No credentials, or of a scheme that is not ours.
    Missing,
    /// No header as RFC 6750 wants it, or no JWT behind it.
    Malformed,
    /// The signature is wrong, or of a kind that is not accepted.
    Signature,
    /// Nobody published its key.
    UnknownKey,
    Expired,
    NotYetValid,
    Issuer,
    Audience,
    /// Claims that are missing or not acceptable.
    Claims,
    /// We cannot tell: no keys, no OIDC settings, or Kafka does not say.
    Unavailable,
    /// A user name or a password that is wrong.
    Password,
}

impl AuthFailure {
    /// In the order of the variants.
    pub(super) const LABELS: [&str; 11] = [
        "missing",
        "malformed",
        "signature",
        "unknown_key",
        "expired",
        "not_yet_valid",
        "issuer",
        "audience",
        "claims",
        "unavailable",
        "password",
    ];
}

impl From<AuthError> for AuthFailure {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::TooLong | AuthError::Malformed => Self::Malformed,
            AuthError::Algorithm
            | AuthError::Extension
            | AuthError::WrongKey
            | AuthError::Signature => Self::Signature,
            AuthError::UnknownKey => Self::UnknownKey,
            AuthError::Expired => Self::Expired,
            AuthError::NotYetValid => Self::NotYetValid,
            AuthError::Issuer => Self::Issuer,
            AuthError::Audience => Self::Audience,
            AuthError::KeysUnavailable => Self::Unavailable,
            _ => Self::Claims,
        }
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its newest token is over.
    Expired,
    /// The brokers do not accept its token.
    Refused,
    /// Nobody used it.
    Idle,
    /// The settings changed, a client broke, or its place was needed.
    Replaced,
}

impl End {
    /// In the order of the variants.
    pub(super) const LABELS: [&str; 4] = ["expired", "refused", "idle", "replaced"];
}
