//! Bindings against what Kafka makes of them.

pub(super) mod native;

use model::AclId;
use proptest::prelude::*;

use super::*;

/// Kafka's `StandardAuthorizer` for a user that is no super user, from any host.
fn kafka_allows(
    bindings: &BTreeSet<AclBinding>,
    user: &str,
    operation: AclOperation,
    resource: (ResourceType, &str),
) -> bool {
    kafka_allows_from(bindings, (user, "10.0.0.1"), operation, resource)
}

/// The same from one host.
fn kafka_allows_from(
    bindings: &BTreeSet<AclBinding>,
    (principal, host): (&str, &str),
    operation: AclOperation,
    (resource_type, resource_name): (ResourceType, &str),
) -> bool {
    let host = Some(host.parse().unwrap());
    allows(bindings, Question { principal, host, operation, resource_type, resource_name })
}

/// What Aiven's documentation says that a permission allows.
fn means(
    permission: AclPermission,
    operation: AclOperation,
    resource_type: ResourceType,
    topic_matches: bool,
) -> bool {
    use AclOperation::{Create, Delete, Describe, DescribeConfigs, IdempotentWrite, Read, Write};
    use AclPermission as P;
    let reads = permission != P::Write;
    let writes = permission != P::Read;
    match (resource_type, operation) {
        (ResourceType::Topic, _) if !topic_matches => false,
        (ResourceType::Topic, _) if permission == P::Admin => true,
        (ResourceType::Topic, Read) | (ResourceType::Group, Read | Describe | Delete) => reads,
        (ResourceType::Topic, Write)
        | (ResourceType::TransactionalId, Write | Describe)
        | (ResourceType::Cluster, IdempotentWrite) => writes,
        (ResourceType::Topic, Describe | DescribeConfigs) => true,
        (ResourceType::Cluster, Create) => permission == P::Admin,
        _ => false,
    }
}

const OPERATIONS: [AclOperation; 9] = [
    AclOperation::Read,
    AclOperation::Write,
    AclOperation::Create,
    AclOperation::Delete,
    AclOperation::Alter,
    AclOperation::Describe,
    AclOperation::DescribeConfigs,
    AclOperation::AlterConfigs,
    AclOperation::IdempotentWrite,
];

pub(super) fn entry() -> impl Strategy<Value = AclEntry> {
    let permission = prop::sample::select(vec![
        AclPermission::Admin,
        AclPermission::Read,
        AclPermission::Readwrite,
        AclPermission::Write,
    ]);
    (permission, "[ab*?]{1,3}", "[uv*?]{1,3}").prop_map(|(permission, topic, username)| AclEntry {
        id: AclId("default".into()),
        permission,
        topic: AclPattern::topic(&topic).unwrap(),
        username: AclPattern::username(&username).unwrap(),
    })
}

proptest! {
    #[test]
    fn kafka_allows_exactly_what_the_entries_mean(
        entries in prop::collection::vec(entry(), 0..4),
        users in prop::collection::btree_set("[uv]{1,2}", 0..4),
        topics in prop::collection::btree_set("[ab]{1,3}", 0..6),
    ) {
        let names: BTreeSet<Username> = users.iter().map(|it| it.parse().unwrap()).collect();
        let bindings = bindings(&entries, &[], &names, &topics);
        let resources = topics.iter().map(|it| (ResourceType::Topic, it.as_str())).chain([
            (ResourceType::Group, "any"),
            (ResourceType::TransactionalId, "any"),
            (ResourceType::Cluster, "kafka-cluster"),
        ]);
        for ((resource_type, name), user) in resources.flat_map(|it| ["u", "v", "uv", "vv"].map(|user| (it, user))) {
            for operation in OPERATIONS {
                let allowed = kafka_allows(&bindings, user, operation, (resource_type, name));
                let meant = users.contains(user) && entries.iter().any(|it| {
                    it.username.matches(user)
                        && means(it.permission, operation, resource_type, it.topic.matches(name))
                });
                prop_assert_eq!(allowed, meant, "{} {:?} {:?} {}", user, operation, resource_type, name);
            }
        }
    }

    /// Bindings may be older than a topic. Then they allow less than the entries mean, never more.
    #[test]
    fn nothing_more_is_allowed_on_a_topic_that_did_not_exist(
        entries in prop::collection::vec(entry(), 0..4),
        topic in "[ab]{1,4}",
    ) {
        let users = BTreeSet::from(["u".parse().unwrap()]);
        let bindings = bindings(&entries, &[], &users, &BTreeSet::new());
        for operation in OPERATIONS {
            let resource = (ResourceType::Topic, topic.as_str());
            if kafka_allows(&bindings, "u", operation, resource) {
                let meant = entries.iter().any(|it| {
                    it.username.matches("u")
                        && means(it.permission, operation, resource.0, it.topic.matches(&topic))
                });
                prop_assert!(meant, "{:?} {}", operation, topic);
            }
        }
    }
}

fn shown(topic: &str, permission: AclPermission, topics: &[&str]) -> Vec<String> {
    let entry = AclEntry {
        id: AclId("default".into()),
        permission,
        topic: AclPattern::topic(topic).unwrap(),
        username: AclPattern::username("al*").unwrap(),
    };
    let users = ["alice", "bob"].map(|it| it.parse().unwrap()).into();
    let topics = topics.iter().map(|it| (*it).to_owned()).collect();
    bindings(&[entry], &[], &users, &topics)
        .into_iter()
        .filter(|it| it.principal.0 != Principal::REST_PROXY)
        .map(|it| {
            let (kind, pattern) = (it.resource_type, it.pattern_type);
            format!("{} {kind:?} {pattern:?} {} {:?}", it.principal, it.resource_name, it.operation)
        })
        .collect()
}

#[test]
fn a_pattern_becomes_what_kafka_can_say() {
    let topics = |pattern: &str| -> Vec<String> {
        shown(pattern, AclPermission::Admin, &["foo", "fox", "xfoo"])
            .into_iter()
            .filter_map(|it| it.strip_prefix("User:alice Topic ").map(str::to_owned))
            .collect()
    };
    assert_eq!(topics("*"), ["Literal * All"]);
    assert_eq!(topics("**"), ["Literal * All"]);
    assert_eq!(topics("foo"), ["Literal foo All"]);
    assert_eq!(topics("nope"), ["Literal nope All"]);
    assert_eq!(topics("foo*"), ["Prefixed foo All"]);
    assert_eq!(topics("fo?"), ["Literal foo All", "Literal fox All"]);
    assert_eq!(topics("*foo"), ["Literal foo All", "Literal xfoo All"]);
    assert_eq!(topics("?"), [""; 0]);
}

#[test]
fn reading_and_writing_include_groups_and_transactions() {
    assert_eq!(
        shown("t", AclPermission::Readwrite, &[]),
        [
            "User:alice Topic Literal t Read",
            "User:alice Topic Literal t Write",
            "User:alice Topic Literal t Describe",
            "User:alice Topic Literal t DescribeConfigs",
            "User:alice Group Literal * Read",
            "User:alice Group Literal * Delete",
            "User:alice Group Literal * Describe",
            "User:alice Cluster Literal kafka-cluster IdempotentWrite",
            "User:alice TransactionalId Literal * Write",
            "User:alice TransactionalId Literal * Describe",
        ]
    );
}

#[test]
fn the_proxy_has_its_own_whatever_the_entries_are() {
    let own = bindings(&[], &[], &BTreeSet::new(), &BTreeSet::new());
    assert_eq!(own.len(), 5);
    let may = |operation, resource| kafka_allows(&own, Principal::REST_PROXY, operation, resource);
    assert!(may(AclOperation::Write, (ResourceType::Topic, "orders")));
    assert!(may(AclOperation::Read, (ResourceType::Group, "g")));
    assert!(may(AclOperation::Describe, (ResourceType::Cluster, "kafka-cluster")));
    assert!(!may(AclOperation::Alter, (ResourceType::Cluster, "kafka-cluster")));
}
