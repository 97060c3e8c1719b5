//! Who may do what: Aiven's entries, and Kafka's bindings that they become.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::AclHost;

/// A Kafka principal of type `User`, without the `User:`.
///
/// **The platform's own principals start with a space** (`" broker"`). Nobody else can have such a
/// name: Kafka trims the subject claim of a token (`ClaimValidationUtils`), and the rule of
/// [`crate::Username`] leaves no room for a space. So no identity provider can issue a token that
/// becomes a super user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Principal(pub String);

impl Principal {
    /// Between brokers and controllers. A super user.
    pub const BROKER: &'static str = " broker";
    /// What control plane and orchestrator use for admin calls. A super user.
    pub const ADMIN: &'static str = " admin";
    /// Every principal of type `User`, if an ACL is for it
    /// (`org.apache.kafka.security.authorizer.AclEntry.WILDCARD_PRINCIPAL`).
    pub const EVERYBODY: &'static str = "*";
    /// The REST proxy's own identity, used while `kafka_rest_authorization` is off.
    pub const REST_PROXY: &'static str = " rest-proxy";
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User:{}", self.0)
    }
}

/// What an Aiven ACL entry grants on the topics that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AclPermission {
    /// Everything, and creation of topics.
    Admin,
    /// Consume, with any consumer group.
    Read,
    /// Consume and produce.
    Readwrite,
    /// Produce, with any transactional id.
    Write,
}

impl AclPermission {
    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Read => "read",
            Self::Readwrite => "readwrite",
            Self::Write => "write",
        }
    }
}

impl FromStr for AclPermission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Admin, Self::Read, Self::Readwrite, Self::Write]
            .into_iter()
            .find(|it| it.as_str() == text)
            .ok_or_else(|| {
                format!("invalid permission '{text}': one of admin, read, readwrite, write")
            })
    }
}

/// A pattern over topics or usernames: `*` is any run of characters, `?` exactly one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AclPattern(String);

impl AclPattern {
    /// Parses a pattern over topic names (1-249 characters).
    pub fn topic(text: &str) -> Result<Self, String> {
        Self::parse("topic", text, 249)
    }

    /// Parses a pattern over usernames (1-64 characters).
    pub fn username(text: &str) -> Result<Self, String> {
        Self::parse("username", text, 64)
    }

    fn parse(what: &str, text: &str, max: usize) -> Result<Self, String> {
        let allowed =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'*' | b'?');
        if (1..=max).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        let shown: String = text.escape_debug().take(64).collect();
        Err(format!(
            "invalid {what} pattern '{shown}': 1-{max} of A-Z, a-z, 0-9, '-', '.', '_' and the wildcards '*' and '?'"
        ))
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `name` matches. Takes time in proportion to both lengths.
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        // Where the last `*` was, and how much of the name it has taken so far.
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, n));
                    p += 1;
                }
                Some(&byte) if byte == b'?' || byte == name[n] => {
                    p += 1;
                    n += 1;
                }
                _ => match star {
                    Some((at, taken)) => {
                        star = Some((at, taken + 1));
                        p = at + 1;
                        n = taken + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|&byte| byte == b'*')
    }
}

impl fmt::Display for AclPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names an Aiven ACL entry within its service: `default`, or `acl` and 11 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AclId(pub String);

impl FromStr for AclId {
    type Err = InvalidAclId;

    fn from_str(text: &str) -> Result<Self, InvalidAclId> {
        let hex = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
        let made = text.strip_prefix("acl").is_some_and(|it| it.len() == 11 && it.bytes().all(hex));
        if made || text == "default" { Ok(Self(text.to_owned())) } else { Err(InvalidAclId) }
    }
}

/// A text that is the id of no ACL entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not `default`, nor `acl` and 11 hexadecimal digits")]
pub struct InvalidAclId;

/// An Aiven ACL entry: service users that match `username` may do `permission` on topics that
/// match `topic`. Without any matching entry nothing is allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AclEntry {
    /// Its id.
    pub id: AclId,
    /// What it grants.
    pub permission: AclPermission,
    /// To which topics.
    pub topic: AclPattern,
    /// To which service users.
    pub username: AclPattern,
}

/// What a Kafka ACL is about (`org.apache.kafka.common.resource.ResourceType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ResourceType {
    /// Topics, by name.
    Topic,
    /// Consumer groups, by `group.id`.
    Group,
    /// The cluster itself; its name is always `kafka-cluster`.
    Cluster,
    /// Transactional producers, by `transactional.id`.
    TransactionalId,
    /// Delegation tokens.
    DelegationToken,
    /// Users, for delegation tokens.
    User,
}

/// How a Kafka ACL names its resource (`org.apache.kafka.common.resource.PatternType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PatternType {
    /// Exactly this name; `*` stands for all.
    Literal,
    /// Every name that starts so.
    Prefixed,
}

/// What a Kafka ACL is about doing (`org.apache.kafka.common.acl.AclOperation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "Kafka's own names")]
pub enum AclOperation {
    All,
    Read,
    Write,
    Create,
    Delete,
    Alter,
    Describe,
    ClusterAction,
    DescribeConfigs,
    AlterConfigs,
    IdempotentWrite,
    CreateTokens,
    DescribeTokens,
}

/// Whether a Kafka ACL allows or denies (`org.apache.kafka.common.acl.AclPermissionType`). A denial
/// wins over any allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "Kafka's own names")]
pub enum AclPermissionType {
    Allow,
    Deny,
}

/// One ACL as Kafka keeps it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AclBinding {
    /// Who. `*` is everybody.
    pub principal: Principal,
    /// From where. Left out of JSON when it is `*`, as in bindings from before there were others.
    #[serde(default, skip_serializing_if = "AclHost::is_any")]
    pub host: AclHost,
    /// On what kind of resource.
    pub resource_type: ResourceType,
    /// Its name, prefix, or `*`.
    pub resource_name: String,
    /// How `resource_name` is meant.
    pub pattern_type: PatternType,
    /// What.
    pub operation: AclOperation,
    /// May, or may not.
    pub permission_type: AclPermissionType,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same question, answered by trying every split.
    fn brute_force(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, _) => name.is_empty(),
            (Some((b'*', rest)), _) => {
                (0..=name.len()).any(|taken| brute_force(rest, &name[taken..]))
            }
            (Some((byte, rest)), Some((first, tail))) => {
                (*byte == b'?' || byte == first) && brute_force(rest, tail)
            }
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_trying_every_split_matches(
            pattern in "[ab*?]{1,8}",
            name in "[ab]{0,8}",
        ) {
            let parsed = AclPattern::topic(&pattern).unwrap();
            prop_assert_eq!(
                parsed.matches(&name),
                brute_force(pattern.as_bytes(), name.as_bytes())
            );
        }
    }

    #[test]
    fn a_pattern_has_a_length_and_an_alphabet() {
        assert!(AclPattern::username("*userA").is_ok());
        assert!(AclPattern::username("auth0|x").is_err());
        assert!(AclPattern::username(&"a".repeat(65)).is_err());
        assert!(AclPattern::topic("").is_err());
    }
}
