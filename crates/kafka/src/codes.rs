//! Every integer that stands for something in a request or an answer, with the Java class that
//! defines it. Nowhere else in this crate is such a number written down.

use std::net::IpAddr;

use kafka_protocol::protocol::StrBytes;
use model::{
    AclBinding, AclHost, AclOperation, AclPermissionType, PatternType, Principal, ResourceType,
};

use crate::error::ErrorCode;

/// Declares the codes of one of Kafka's enums and both directions.
macro_rules! codes {
    ($java:literal, $name:ident, $int:ty, $kind:ty, { $($variant:path = $code:literal),+ $(,)? }) => {
        #[doc = concat!("`", $java, "`")]
        pub(crate) mod $name {
            #[allow(unused_imports, reason = "the paths of the variants are relative to the parent")]
            use super::*;

            #[doc = concat!("The code in `", $java, "`.")]
            #[allow(dead_code, reason = "some are only ever read")]
            pub(crate) const fn code(value: $kind) -> $int {
                match value { $($variant => $code),+ }
            }

            /// What the code means, if this version of the program knows it.
            #[allow(dead_code, reason = "some are only ever written")]
            pub(crate) const fn meaning(code: $int) -> Option<$kind> {
                match code { $($code => Some($variant),)+ _ => None }
            }

            #[cfg(test)]
            pub(crate) const ALL: &[$kind] = &[$($variant),+];
        }
    };
}

codes!("org.apache.kafka.common.resource.ResourceType", resource_type, i8, ResourceType, {
    ResourceType::Topic = 2,
    ResourceType::Group = 3,
    ResourceType::Cluster = 4,
    ResourceType::TransactionalId = 5,
    ResourceType::DelegationToken = 6,
    ResourceType::User = 7,
});

codes!("org.apache.kafka.common.resource.PatternType", pattern_type, i8, PatternType, {
    PatternType::Literal = 3,
    PatternType::Prefixed = 4,
});

codes!("org.apache.kafka.common.acl.AclOperation", acl_operation, i8, AclOperation, {
    AclOperation::All = 2,
    AclOperation::Read = 3,
    AclOperation::Write = 4,
    AclOperation::Create = 5,
    AclOperation::Delete = 6,
    AclOperation::Alter = 7,
    AclOperation::Describe = 8,
    AclOperation::ClusterAction = 9,
    AclOperation::DescribeConfigs = 10,
    AclOperation::AlterConfigs = 11,
    AclOperation::IdempotentWrite = 12,
    AclOperation::CreateTokens = 13,
    AclOperation::DescribeTokens = 14,
});

codes!("org.apache.kafka.common.acl.AclPermissionType", acl_permission, i8, AclPermissionType, {
    AclPermissionType::Deny = 2,
    AclPermissionType::Allow = 3,
});

/// What a config belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfigResourceType {
    Topic,
    Broker,
}

codes!("org.apache.kafka.common.config.ConfigResource.Type", config_resource, i8, ConfigResourceType, {
    ConfigResourceType::Topic = 2,
    ConfigResourceType::Broker = 4,
});

/// What an incremental change does to a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfigOperation {
    Set,
    Delete,
}

codes!("org.apache.kafka.clients.admin.AlterConfigOp.OpType", config_operation, i8, ConfigOperation, {
    ConfigOperation::Set = 0,
    ConfigOperation::Delete = 1,
});

/// Where the value of a config comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigSource {
    /// Set on the topic.
    Topic,
    /// Set dynamically for this one broker.
    DynamicBroker,
    /// Set dynamically for all brokers of the cluster.
    DynamicDefaultBroker,
    /// From `server.properties`.
    StaticBroker,
    /// Kafka's own default.
    Default,
    /// Set dynamically: the level of a logger.
    DynamicBrokerLogger,
    /// Set dynamically: a subscription to client metrics.
    ClientMetrics,
    /// Set on the consumer group.
    Group,
    /// One that this version of the program does not know.
    Unknown,
}

codes!(
    "org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigSource",
    config_source, i8, ConfigSource, {
    ConfigSource::Unknown = 0,
    ConfigSource::Topic = 1,
    ConfigSource::DynamicBroker = 2,
    ConfigSource::DynamicDefaultBroker = 3,
    ConfigSource::StaticBroker = 4,
    ConfigSource::Default = 5,
    ConfigSource::DynamicBrokerLogger = 6,
    ConfigSource::ClientMetrics = 7,
    ConfigSource::Group = 8,
});

/// How a SCRAM password is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScramMechanism {
    /// `SCRAM-SHA-256`
    Sha256,
    /// `SCRAM-SHA-512`
    Sha512,
}

impl ScramMechanism {
    /// As `sasl.mechanism` spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    /// The one that `sasl.mechanism` spells so.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha512].into_iter().find(|it| it.as_str() == name)
    }
}

codes!("org.apache.kafka.clients.admin.ScramMechanism", scram_mechanism, i8, ScramMechanism, {
    ScramMechanism::Sha256 = 1,
    ScramMechanism::Sha512 = 2,
});

/// `org.apache.kafka.common.resource.ResourceType.ANY`, `PatternType.ANY`, `AclOperation.ANY` and
/// `AclPermissionType.ANY` have the same code: a filter that accepts all.
pub(crate) const ANY: i8 = 1;

/// `org.apache.kafka.common.ElectionType.PREFERRED`
pub(crate) const ELECTION_PREFERRED: i8 = 0;

/// `org.apache.kafka.common.requests.FindCoordinatorRequest.CoordinatorType.GROUP`
pub(crate) const COORDINATOR_GROUP: i8 = 0;

/// `org.apache.kafka.common.requests.ListOffsetsRequest.EARLIEST_TIMESTAMP`
pub(crate) const EARLIEST_TIMESTAMP: i64 = -2;

/// `org.apache.kafka.common.requests.ListOffsetsRequest.LATEST_TIMESTAMP`
pub(crate) const LATEST_TIMESTAMP: i64 = -1;

/// `org.apache.kafka.common.IsolationLevel.READ_COMMITTED`
pub(crate) const READ_COMMITTED: i8 = 1;

/// `org.apache.kafka.common.requests.ListOffsetsRequest.CONSUMER_REPLICA_ID`
pub(crate) const CONSUMER_REPLICA: i32 = -1;

/// `org.apache.kafka.clients.producer.ProducerConfig.ACKS_CONFIG`: `all` in-sync replicas.
pub(crate) const ACKS_ALL: i16 = -1;

/// `org.apache.kafka.common.record.RecordBatch.MAGIC_VALUE_V2`
pub(crate) const RECORD_BATCH_V2: i8 = 2;

/// Whether a record that was refused by this code may be taken a moment later, perhaps by another
/// broker. The codes are those of `org.apache.kafka.common.errors.RetriableException` that the
/// write of a record and the search for its leader can meet, so Kafka's own producer goes on too.
pub(crate) const fn write_goes_on_after(code: ErrorCode) -> bool {
    matches!(
        code,
        // Somebody else leads, or nobody does, or this broker does not know it yet.
        ErrorCode::NotLeaderOrFollower
            | ErrorCode::LeaderNotAvailable
            | ErrorCode::FencedLeaderEpoch
            | ErrorCode::UnknownLeaderEpoch
            | ErrorCode::ReplicaNotAvailable
            | ErrorCode::ListenerNotFound
            | ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId
            | ErrorCode::InconsistentTopicId
            // The leader cannot keep it now, or others are missing.
            | ErrorCode::NotEnoughReplicas
            | ErrorCode::NotEnoughReplicasAfterAppend
            | ErrorCode::KafkaStorageError
            // It may be kept already, or was damaged on its way.
            | ErrorCode::RequestTimedOut
            | ErrorCode::NetworkException
            | ErrorCode::CorruptMessage
    )
}

/// A host as Kafka compares it (`StandardAuthorizerData#findResult`): every one is
/// `AclEntry.WILDCARD_HOST`, a single one what Java's `InetAddress#getHostAddress` says, which writes
/// all eight parts of an IPv6 address.
pub(crate) fn host(host: AclHost) -> String {
    match host.address() {
        None => "*".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => address.segments().map(|it| format!("{it:x}")).join(":"),
    }
}

/// `org.apache.kafka.common.quota.ClientQuotaEntity.USER`
pub(crate) const QUOTA_USER: &str = "user";

/// `org.apache.kafka.common.quota.ClientQuotaEntity.CLIENT_ID`
pub(crate) const QUOTA_CLIENT_ID: &str = "client-id";

/// The fields of an ACL as they are on the wire, the same in requests and answers.
pub(crate) struct WireAcl<'a> {
    pub(crate) resource_type: i8,
    pub(crate) resource_name: &'a str,
    pub(crate) pattern_type: i8,
    pub(crate) principal: &'a str,
    pub(crate) host: &'a str,
    pub(crate) operation: i8,
    pub(crate) permission_type: i8,
}

impl WireAcl<'_> {
    /// The binding, unless it holds what [`AclBinding`] cannot express: a host that is no address,
    /// or is written in another way than Kafka compares it, another principal than a `User`, or a
    /// code that this version of the program does not know.
    pub(crate) fn binding(&self) -> Option<AclBinding> {
        let from: AclHost = self.host.parse().ok()?;
        if host(from) != self.host {
            return None;
        }
        Some(AclBinding {
            principal: Principal(self.principal.strip_prefix("User:")?.to_owned()),
            host: from,
            resource_type: resource_type::meaning(self.resource_type)?,
            resource_name: self.resource_name.to_owned(),
            pattern_type: pattern_type::meaning(self.pattern_type)?,
            operation: acl_operation::meaning(self.operation)?,
            permission_type: acl_permission::meaning(self.permission_type)?,
        })
    }
}

/// Text for a message.
pub(crate) fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! both_ways {
        ($($name:ident),+) => {$(
            for &value in $name::ALL {
                assert_eq!($name::meaning($name::code(value)), Some(value));
            }
        )+};
    }

    #[test]
    fn every_code_means_what_it_was_made_of() {
        both_ways!(
            resource_type,
            pattern_type,
            acl_operation,
            acl_permission,
            config_resource,
            config_operation,
            config_source,
            scram_mechanism
        );
        // What Kafka reserves for filters and for what it does not know is never a binding's.
        for code in [0, 1] {
            assert_eq!(resource_type::meaning(code), None);
            assert_eq!(pattern_type::meaning(code), None);
            assert_eq!(acl_operation::meaning(code), None);
            assert_eq!(acl_permission::meaning(code), None);
        }
        assert_eq!(pattern_type::meaning(2), None, "PatternType.MATCH");
    }

    #[test]
    fn a_write_goes_on_only_after_what_kafka_calls_retriable() {
        let codes = (-1..=i16::MAX).filter_map(ErrorCode::try_from_code);
        let passing: Vec<_> = codes.filter(|it| write_goes_on_after(*it)).collect();
        assert_eq!(passing.len(), 15);
        assert!(passing.iter().all(ErrorCode::is_retriable), "{passing:?}");
    }

    #[test]
    fn a_host_is_written_as_kafka_compares_it_or_is_not_ours() {
        let binding = |host: &str| {
            let acl = WireAcl {
                resource_type: 2,
                resource_name: "orders",
                pattern_type: 3,
                principal: "User:alice",
                host,
                operation: 3,
                permission_type: 3,
            };
            acl.binding().map(|it| it.host)
        };
        for (text, wire) in
            [("*", "*"), ("10.0.0.1", "10.0.0.1"), ("2001:DB8::0a", "2001:db8:0:0:0:0:0:a")]
        {
            let parsed = text.parse().unwrap();
            assert_eq!(host(parsed), wire);
            assert_eq!(binding(wire), Some(parsed));
        }
        for other in ["2001:db8::a", "::ffff:10.0.0.1", "broker.example.org", "10.0.0.0/8", ""] {
            assert_eq!(binding(other), None, "{other}");
        }
    }

    #[test]
    fn the_space_before_a_principal_of_ours_is_kept() {
        let mut acl = WireAcl {
            resource_type: 2,
            resource_name: "orders",
            pattern_type: 4,
            principal: "User: rest-proxy",
            host: "*",
            operation: 3,
            permission_type: 3,
        };
        assert_eq!(acl.binding().unwrap().principal.0, Principal::REST_PROXY);
        acl.principal = "Group:x";
        assert_eq!(acl.binding(), None);
    }
}
