//! ACL entries of both kinds, Aiven's and Kafka-native ones, as Kafka's bindings.

mod answers;
mod authorizer;
mod loss;

use std::collections::BTreeSet;

use model::{
    AclBinding, AclEntry, AclHost, AclOperation, AclPattern, AclPermission, AclPermissionType,
    KafkaAclEntry, KafkaPrincipal, PatternType, Principal, ResourceType, Username,
};

pub use self::answers::{Answer, answers};
pub use self::authorizer::{Question, allows, denial, may_write_somewhere};
pub use self::loss::{Access, Loss, Proposal, Watching, would_lose};

/// A resource of Kafka: its type, how its name is meant, the name.
type Resource = (ResourceType, PatternType, String);

/// All bindings that a service has to have: by Aiven's entries those of the users that exist, by
/// Kafka-native entries those that they name, and the REST proxy's own.
///
/// A Kafka-native entry is about whoever is called so, service user or not; only one with a pattern
/// over principals, which always allows, becomes one binding for each user that matches. Kafka itself
/// lets a denial win over any allowance, whichever kind of entry they come from.
///
/// A pattern over topics that Kafka can say becomes one binding (`*`, `foo`, `foo*`). Any other becomes one for
/// each of `topics` that it matches, so that it never grants more than it says; when a topic is
/// created, its bindings have to be computed anew.
pub fn bindings(
    entries: &[AclEntry],
    native: &[KafkaAclEntry],
    users: &BTreeSet<Username>,
    topics: &BTreeSet<String>,
) -> BTreeSet<AclBinding> {
    let mut bindings = rest_proxy();
    bindings.extend(native.iter().flat_map(|it| native_bindings(it, users)));
    for entry in entries {
        let grants = grants(entry, topics);
        for user in users.iter().filter(|user| entry.username.matches(user.as_str())) {
            let principal = Principal(user.as_str().to_owned());
            bindings.extend(grants.iter().map(|grant| allow(&principal, grant)));
        }
    }
    bindings
}

/// What a Kafka-native entry is in Kafka.
fn native_bindings(entry: &KafkaAclEntry, users: &BTreeSet<Username>) -> Vec<AclBinding> {
    let principals = match entry.acl.principal() {
        KafkaPrincipal::Everybody => vec![Principal(Principal::EVERYBODY.to_owned())],
        KafkaPrincipal::Exactly(principal) => vec![principal.clone()],
        KafkaPrincipal::Matching(pattern) => {
            let matching = users.iter().filter(|user| pattern.matches(user.as_str()));
            matching.map(|user| Principal(user.as_str().to_owned())).collect()
        }
    };
    principals.into_iter().map(|it| entry.acl.binding(it)).collect()
}

/// What an Aiven entry grants to each user that it matches.
fn grants(entry: &AclEntry, topics: &BTreeSet<String>) -> Vec<(Resource, AclOperation)> {
    use AclOperation::{
        All, Create, Delete, Describe, DescribeConfigs, IdempotentWrite, Read, Write,
    };
    use AclPermission::{Admin, Readwrite};

    let (reads, writes) = match entry.permission {
        Admin | Readwrite => (true, true),
        AclPermission::Read => (true, false),
        AclPermission::Write => (false, true),
    };
    let topic_operations: &[AclOperation] = match entry.permission {
        Admin => &[All],
        AclPermission::Read => &[Read, Describe, DescribeConfigs],
        AclPermission::Write => &[Write, Describe, DescribeConfigs],
        Readwrite => &[Read, Write, Describe, DescribeConfigs],
    };
    let mut grants = Vec::new();
    for (pattern_type, name) in resources(&entry.topic, topics) {
        let resource = (ResourceType::Topic, pattern_type, name);
        grants.extend(topic_operations.iter().map(|it| (resource.clone(), *it)));
    }
    if reads {
        grants.extend([Read, Describe, Delete].map(|it| (every(ResourceType::Group), it)));
    }
    if writes {
        grants.extend([Write, Describe].map(|it| (every(ResourceType::TransactionalId), it)));
        grants.push((cluster(), IdempotentWrite));
    }
    if entry.permission == Admin {
        grants.push((cluster(), Create));
    }
    grants
}

/// The topics of a pattern, as Kafka can say it.
fn resources(pattern: &AclPattern, topics: &BTreeSet<String>) -> Vec<(PatternType, String)> {
    let text = pattern.as_str();
    let stem = text.trim_end_matches('*');
    if stem.contains(['*', '?']) {
        let matching = topics.iter().filter(|topic| pattern.matches(topic));
        matching.map(|topic| (PatternType::Literal, topic.clone())).collect()
    } else if stem.is_empty() {
        vec![(PatternType::Literal, "*".to_owned())]
    } else if stem.len() < text.len() {
        vec![(PatternType::Prefixed, stem.to_owned())]
    } else {
        vec![(PatternType::Literal, text.to_owned())]
    }
}

/// While `kafka_rest_authorization` is off, every request runs as the proxy. It may do everything
/// with topics, groups and transactions, and nothing with ACLs, users or the cluster.
fn rest_proxy() -> BTreeSet<AclBinding> {
    let principal = Principal(Principal::REST_PROXY.to_owned());
    [
        (every(ResourceType::Topic), AclOperation::All),
        (every(ResourceType::Group), AclOperation::All),
        (every(ResourceType::TransactionalId), AclOperation::All),
        (cluster(), AclOperation::IdempotentWrite),
        (cluster(), AclOperation::Describe),
    ]
    .iter()
    .map(|grant| allow(&principal, grant))
    .collect()
}

fn every(resource_type: ResourceType) -> Resource {
    (resource_type, PatternType::Literal, "*".to_owned())
}

fn cluster() -> Resource {
    (ResourceType::Cluster, PatternType::Literal, "kafka-cluster".to_owned())
}

fn allow(principal: &Principal, grant: &(Resource, AclOperation)) -> AclBinding {
    let ((resource_type, pattern_type, resource_name), operation) = grant.clone();
    AclBinding {
        principal: principal.clone(),
        host: AclHost::ANY,
        resource_type,
        resource_name,
        pattern_type,
        operation,
        permission_type: AclPermissionType::Allow,
    }
}

#[cfg(test)]
mod tests;
