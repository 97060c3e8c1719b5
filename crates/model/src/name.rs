//! Names that people give, with the rule each has to keep.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A name that breaks its rule. The text names the kind of thing, the value and the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid {what} '{value}': {rule}")]
pub struct InvalidName {
    what: &'static str,
    /// Cut to 64 characters, control characters escaped: it may come from anywhere.
    value: String,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $valid:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(value: String) -> Result<Self, InvalidName> {
                let valid: fn(&str) -> bool = $valid;
                if valid(&value) {
                    return Ok(Self(value));
                }
                let value = value.escape_debug().take(64).collect();
                Err(InvalidName { what: $what, value, rule: $rule })
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidName;

            fn from_str(value: &str) -> Result<Self, InvalidName> {
                Self::try_from(value.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

name!(
    /// A project: what API tokens and services belong to.
    ProjectName,
    "project name",
    |it| (1..=63).contains(&it.len())
        && it.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && it.starts_with(|c: char| c.is_ascii_lowercase()),
    "1-63 of a-z, 0-9 and '-', the first a letter"
);

name!(
    /// A Kafka service, unique within its project.
    ServiceName,
    "service name",
    |it| (1..=64).contains(&it.len())
        && it.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && it.starts_with(|c: char| c.is_ascii_lowercase()),
    "1-64 of a-z, 0-9 and '-', the first a letter"
);

name!(
    /// A service user, and so a Kafka principal `User:<name>`. Never starts with a space, which is
    /// how the platform's own principals are told apart (see [`crate::Principal`]).
    Username,
    "username",
    |it| (1..=64).contains(&it.len())
        && it.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')),
    "1-64 of A-Z, a-z, 0-9, '-', '.' and '_'"
);

name!(
    /// A topic, by Kafka's own rule (`org.apache.kafka.common.internals.Topic#validate`).
    TopicName,
    "topic name",
    |it| (1..=249).contains(&it.len())
        && it != "."
        && it != ".."
        && it.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')),
    "1-249 of A-Z, a-z, 0-9, '-', '.' and '_', and not '.' or '..'"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_cannot_be_one_of_the_platforms_own_principals() {
        assert!(" broker".parse::<Username>().is_err());
        assert!("alice".parse::<Username>().is_ok());
    }

    #[test]
    fn an_error_names_the_kind_the_value_and_the_rule() {
        let error = "a/b".parse::<TopicName>().unwrap_err().to_string();
        assert_eq!(
            error,
            "invalid topic name 'a/b': 1-249 of A-Z, a-z, 0-9, '-', '.' and '_', and not '.' or '..'"
        );
    }
}
