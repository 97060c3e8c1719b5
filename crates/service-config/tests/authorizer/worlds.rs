//! Services at random: entries of both kinds, users and topics, from few letters so that they meet.

use std::collections::BTreeSet;

use model::{
    AclBinding, AclEntry, AclId, AclOperation, AclPattern, AclPermission, KafkaAcl, KafkaAclEntry,
    KafkaAclText, Username,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// The bindings of `count` services. The same in each run.
pub(crate) fn of(count: usize) -> Vec<BTreeSet<AclBinding>> {
    let mut runner = TestRunner::deterministic();
    let mut next = || service().new_tree(&mut runner).unwrap().current();
    std::iter::repeat_with(&mut next).take(count).collect()
}

fn service() -> impl Strategy<Value = BTreeSet<AclBinding>> {
    let entries = prop::collection::vec(entry(), 0..3);
    let native = prop::collection::vec(native(), 0..6);
    let users = prop::collection::btree_set("[uv]{1,2}", 0..4);
    let topics = prop::collection::btree_set("[ab]{1,3}", 0..6);
    (entries, native, users, topics).prop_map(|(entries, native, users, topics)| {
        let users: BTreeSet<Username> = users.iter().map(|it| it.parse().unwrap()).collect();
        service_config::access::bindings(&entries, &native, &users, &topics)
    })
}

fn entry() -> impl Strategy<Value = AclEntry> {
    use AclPermission::{Admin, Read, Readwrite, Write};
    let permission = select(vec![Admin, Read, Readwrite, Write]);
    (permission, "[ab*?]{1,3}", "[uv*?]{1,3}").prop_map(|(permission, topic, username)| AclEntry {
        id: AclId("default".into()),
        permission,
        topic: AclPattern::topic(&topic).unwrap(),
        username: AclPattern::username(&username).unwrap(),
    })
}

fn native() -> impl Strategy<Value = KafkaAclEntry> {
    let principal = select(vec!["*", "u", "vv", "auth0|1", "Ünï cödé", "u*", "?v"]);
    let host = select(vec!["*", "*", "10.0.0.1", "::1"]);
    let resource = select(vec![
        ("Topic", "LITERAL", "*"),
        ("Topic", "LITERAL", "a"),
        ("Topic", "LITERAL", "ab"),
        ("Topic", "PREFIXED", "a"),
        ("Topic", "PREFIXED", "ab"),
        ("Group", "LITERAL", "*"),
        ("Group", "LITERAL", "a b"),
        ("Group", "PREFIXED", "a"),
        ("TransactionalId", "PREFIXED", "b"),
        ("TransactionalId", "LITERAL", "a"),
        ("Cluster", "LITERAL", "kafka-cluster"),
    ]);
    let permission_type = select(vec!["ALLOW", "ALLOW", "DENY"]);
    (principal, host, resource, select(AclOperation::ALL), permission_type).prop_filter_map(
        "no such entry",
        |(principal, host, (resource_type, pattern_type, name), operation, permission_type)| {
            let acl = KafkaAcl::parse(&KafkaAclText {
                principal: format!("User:{principal}"),
                host: host.into(),
                resource_type: resource_type.into(),
                resource_name: name.into(),
                pattern_type: pattern_type.into(),
                operation: operation.as_str().into(),
                permission_type: permission_type.into(),
            });
            Some(KafkaAclEntry { id: AclId("acl0".into()), acl: acl.ok()? })
        },
    )
}
