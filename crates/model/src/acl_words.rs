//! The words of Kafka-native ACLs as Aiven's API spells them, and which of them go together.

use std::str::FromStr;

use crate::{AclOperation, AclPermissionType, PatternType, ResourceType};

/// Declares how the values of an enum are spelled, both ways, and the key that they belong to.
macro_rules! words {
    ($kind:ident, $key:literal, { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $kind {
            /// Every value, in the order of Aiven's documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// As the API spells it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for $kind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|it| it.as_str() == text).ok_or_else(|| {
                    let shown: String = text.escape_debug().take(64).collect();
                    let words = Self::ALL.iter().map(|it| it.as_str());
                    let words = words.collect::<Vec<_>>().join(", ");
                    format!(concat!("Invalid '", $key, "' '{}': one of {}"), shown, words)
                })
            }
        }
    };
}

words!(ResourceType, "resource_type", {
    Topic = "Topic",
    Group = "Group",
    Cluster = "Cluster",
    TransactionalId = "TransactionalId",
    DelegationToken = "DelegationToken",
    User = "User",
});

words!(PatternType, "pattern_type", { Literal = "LITERAL", Prefixed = "PREFIXED" });

words!(AclOperation, "operation", {
    All = "All",
    Alter = "Alter",
    AlterConfigs = "AlterConfigs",
    ClusterAction = "ClusterAction",
    Create = "Create",
    CreateTokens = "CreateTokens",
    Delete = "Delete",
    Describe = "Describe",
    DescribeConfigs = "DescribeConfigs",
    DescribeTokens = "DescribeTokens",
    IdempotentWrite = "IdempotentWrite",
    Read = "Read",
    Write = "Write",
});

words!(AclPermissionType, "permission_type", { Allow = "ALLOW", Deny = "DENY" });

impl ResourceType {
    /// The operations that Kafka ever asks about for such a resource, `All` aside
    /// (`org.apache.kafka.security.authorizer.AclEntry#supportedOperations` of Kafka 4.3.1). An ACL
    /// with another one would never apply: Kafka's tools refuse it, its brokers take it.
    pub const fn operations(self) -> &'static [AclOperation] {
        use AclOperation::{
            Alter, AlterConfigs, ClusterAction, Create, CreateTokens, Delete, Describe,
            DescribeConfigs, DescribeTokens, IdempotentWrite, Read, Write,
        };
        match self {
            Self::Topic => {
                &[Alter, AlterConfigs, Create, Delete, Describe, DescribeConfigs, Read, Write]
            }
            Self::Group => &[AlterConfigs, Delete, Describe, DescribeConfigs, Read],
            Self::Cluster => &[
                Alter,
                AlterConfigs,
                ClusterAction,
                Create,
                Describe,
                DescribeConfigs,
                IdempotentWrite,
            ],
            // And `TwoPhaseCommit`, which Aiven's API does not know.
            Self::TransactionalId => &[Describe, Write],
            Self::DelegationToken => &[Describe],
            Self::User => &[CreateTokens, DescribeTokens],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written() {
        macro_rules! both_ways {
            ($($kind:ident),+) => {$(
                for &value in $kind::ALL {
                    assert_eq!(value.as_str().parse(), Ok(value));
                }
            )+};
        }
        both_ways!(ResourceType, PatternType, AclOperation, AclPermissionType);
        assert_eq!(AclOperation::ALL.len(), 13);
    }

    #[test]
    fn an_unknown_word_is_named_with_those_that_are_known() {
        assert_eq!(
            "literal".parse::<PatternType>().unwrap_err(),
            "Invalid 'pattern_type' 'literal': one of LITERAL, PREFIXED"
        );
    }
}
