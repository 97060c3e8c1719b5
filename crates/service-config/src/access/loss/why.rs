//! Why something is refused, and what may still allow it.

use std::fmt;

use model::{AclBinding, Timestamp};

/// Why somebody is refused who comes in one way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// Without credentials nobody is let in.
    Nobody,
    /// A name that was only said, and nobody has a password for it.
    NotProven,
    /// A password of a user that is gone.
    NoUser,
    /// A password, and no mechanism that takes it.
    PasswordsOff,
    /// A token, and OIDC is off.
    TokensOff,
    /// A token of which the new principal is not known: no token of the present one was seen.
    NeverSeen,
    /// The same: its token has no such claim.
    NoSuchClaim(String),
    /// The same: no values of this claim are kept.
    NotKept(String),
    /// The same: they are from now on.
    KeptFromNow(String),
    /// The same: they are since then, and no token of it was seen since.
    KeptSince(String, Timestamp),
    /// A binding denies it, in words.
    Denied(String),
    /// No ACL allows it to whoever is called so.
    NoAcl {
        /// The principal that ACLs are asked about.
        name: String,
        /// Whether that is another one than before.
        renamed: bool,
    },
}

/// What may still allow it, since it is not known how the principal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kept {
    Password,
    Token,
    Address,
}

impl Why {
    pub(super) fn denied(by: &AclBinding) -> Self {
        let from = by.host.address().map_or_else(String::new, |it| format!(" from {it}"));
        Self::Denied(format!(
            "DENY {} {} on {} {} {}{from}",
            by.principal,
            by.operation.as_str(),
            by.pattern_type.as_str(),
            by.resource_type.as_str(),
            by.resource_name
        ))
    }
}

impl Kept {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Password => "with the password of the service user it is allowed",
            Self::Token => "with a token it is allowed",
            Self::Address => "from some addresses it is allowed",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = "what this principal would be called is not known";
        match self {
            Self::Nobody => f.write_str(
                "a caller without credentials is refused while kafka_rest_authorization is on: it \
                 needs a token, or a service user with a password",
            ),
            Self::NotProven => f.write_str(
                "this name was said without proof, and no service user is called so that could \
                 prove it with a password",
            ),
            Self::NoUser => f.write_str("without the service user its password does not work"),
            Self::PasswordsOff => f.write_str("no password is accepted"),
            Self::TokensOff => f.write_str("no token is accepted while OIDC is off"),
            Self::NeverSeen => {
                write!(f, "{unknown}: its tokens have not been seen at the REST proxy")
            }
            Self::NoSuchClaim(claim) => {
                write!(f, "{unknown}: its tokens have no text in the claim '{claim}'")
            }
            Self::NotKept(claim) => {
                write!(f, "{unknown}: values of the claim '{claim}' are not kept")
            }
            Self::KeptFromNow(claim) => write!(
                f,
                "{unknown}: values of the claim '{claim}' were not kept; they are from now on, for 30 \
                 days: ask again after the clients have been seen"
            ),
            Self::KeptSince(claim, since) => write!(
                f,
                "{unknown}: values of the claim '{claim}' are kept since {since}, and its tokens have \
                 not been seen since: ask again when they have been"
            ),
            Self::Denied(by) => {
                write!(f, "{by} denies it, and no ACL that allows can make up for that")
            }
            Self::NoAcl { name, renamed: true } => {
                write!(f, "it would be called '{name}', and no ACL allows that name to do it")
            }
            Self::NoAcl { .. } => f.write_str("no ACL allows it"),
        }
    }
}
