//! Kafka-native entries, alone and beside Aiven's.

use model::{KafkaAcl, KafkaAclText};

use super::*;

pub(in crate::access) const HERE: &str = "10.0.0.1";
const ELSEWHERE: &str = "10.0.0.2";

/// An entry of these columns, unless they make no sense together.
pub(in crate::access) fn parsed(text: &KafkaAclText) -> Option<KafkaAclEntry> {
    let acl = KafkaAcl::parse(text).ok()?;
    Some(KafkaAclEntry { id: AclId("acl0".into()), acl })
}

fn resource() -> impl Strategy<Value = (ResourceType, &'static str, &'static str)> {
    use ResourceType::{Cluster, Group, Topic, TransactionalId};
    prop::sample::select(vec![
        (Topic, "LITERAL", "*"),
        (Topic, "LITERAL", "a"),
        (Topic, "LITERAL", "ab"),
        (Topic, "PREFIXED", "a"),
        (Topic, "PREFIXED", "ab"),
        (Group, "LITERAL", "*"),
        (Group, "LITERAL", "any"),
        (Group, "PREFIXED", "an"),
        (TransactionalId, "PREFIXED", "b"),
        (TransactionalId, "LITERAL", "any"),
        (Cluster, "LITERAL", "kafka-cluster"),
    ])
}

pub(in crate::access) fn native() -> impl Strategy<Value = KafkaAclEntry> {
    let principal = prop::sample::select(vec!["*", "u", "vv", "auth0|1", "u*", "?v"]);
    let host = prop::sample::select(vec!["*", "*", HERE]);
    (principal, host, resource(), prop::sample::select(AclOperation::ALL), any::<bool>())
        .prop_filter_map("no such entry", |(principal, host, resource, operation, denies)| {
            let (resource_type, pattern_type, resource_name) = resource;
            parsed(&KafkaAclText {
                principal: format!("User:{principal}"),
                host: host.into(),
                resource_type: resource_type.as_str().into(),
                resource_name: resource_name.into(),
                pattern_type: pattern_type.into(),
                operation: operation.as_str().into(),
                permission_type: if denies { "DENY" } else { "ALLOW" }.into(),
            })
        })
}

/// Whether a native entry is about somebody who asks, read from its columns.
fn is_about(
    entry: &KafkaAclText,
    users: &BTreeSet<String>,
    (user, host): (&str, &str),
    (resource_type, name): (ResourceType, &str),
) -> bool {
    let wanted = entry.principal.strip_prefix("User:").unwrap();
    let pattern = AclPattern::username(wanted);
    let whom = wanted == "*"
        || wanted == user
        || (users.contains(user) && pattern.is_ok_and(|it| it.matches(user)));
    let what = match entry.pattern_type.as_str() {
        "LITERAL" => entry.resource_name == "*" || entry.resource_name == name,
        _ => name.starts_with(&entry.resource_name),
    };
    whom && what
        && (entry.host == "*" || entry.host == host)
        && entry.resource_type == resource_type.as_str()
}

/// What an allowed operation brings with it, by Kafka's documentation.
fn brings(granted: &str, operation: AclOperation) -> bool {
    granted == "All"
        || granted == operation.as_str()
        || match operation {
            AclOperation::Describe => ["Read", "Write", "Delete", "Alter"].contains(&granted),
            AclOperation::DescribeConfigs => granted == "AlterConfigs",
            _ => false,
        }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A denial of any kind wins over every allowance of any kind; else one allowance is enough.
    #[test]
    fn kafka_allows_what_some_entry_allows_and_none_denies(
        aiven in prop::collection::vec(entry(), 0..3),
        native in prop::collection::vec(native(), 0..5),
        users in prop::collection::btree_set("[uv]{1,2}", 0..4),
        topics in prop::collection::btree_set("[ab]{1,3}", 0..6),
    ) {
        let names: BTreeSet<Username> = users.iter().map(|it| it.parse().unwrap()).collect();
        let bindings = bindings(&aiven, &native, &names, &topics);
        let columns: Vec<KafkaAclText> = native.iter().map(|it| it.acl.text()).collect();
        let resources = topics.iter().map(|it| (ResourceType::Topic, it.as_str())).chain([
            (ResourceType::Group, "any"),
            (ResourceType::Group, "other"),
            (ResourceType::TransactionalId, "any"),
            (ResourceType::TransactionalId, "b"),
            (ResourceType::Cluster, "kafka-cluster"),
        ]);
        let askers = ["u", "v", "uv", "vv", "auth0|1"].map(|user| [(user, HERE), (user, ELSEWHERE)]);
        for (resource, asker) in resources.flat_map(|it| askers.as_flattened().iter().map(move |asker| (it, *asker))) {
            for operation in OPERATIONS {
                let about = columns.iter().filter(|it| is_about(it, &users, asker, resource));
                let (denials, allowances): (Vec<_>, Vec<_>) = about.partition(|it| it.permission_type == "DENY");
                let denied = denials.iter().any(|it| it.operation == "All" || it.operation == operation.as_str());
                let by_native = allowances.iter().any(|it| brings(&it.operation, operation));
                let by_aiven = users.contains(asker.0) && aiven.iter().any(|it| {
                    it.username.matches(asker.0)
                        && means(it.permission, operation, resource.0, it.topic.matches(resource.1))
                });
                let allowed = kafka_allows_from(&bindings, asker, operation, resource);
                prop_assert_eq!(
                    allowed,
                    !denied && (by_native || by_aiven),
                    "{:?} {:?} {:?}", asker, operation, resource
                );
            }
        }
    }
}

/// The bindings of one entry, for alice and bob.
fn of(principal: &str, permission_type: &str) -> Vec<AclBinding> {
    let entry = parsed(&KafkaAclText {
        principal: principal.into(),
        host: HERE.into(),
        resource_type: "Topic".into(),
        resource_name: "pay".into(),
        pattern_type: "PREFIXED".into(),
        operation: "Write".into(),
        permission_type: permission_type.into(),
    });
    let users = ["alice", "bob"].map(|it| it.parse().unwrap()).into();
    let all = bindings(&[], &[entry.unwrap()], &users, &BTreeSet::new());
    all.into_iter().filter(|it| it.principal.0 != Principal::REST_PROXY).collect()
}

#[test]
fn an_exact_name_needs_no_service_user_and_a_pattern_is_looked_up_among_them() {
    let whom = |principal: &str| -> Vec<String> {
        of(principal, "ALLOW").into_iter().map(|it| it.principal.to_string()).collect()
    };
    assert_eq!(whom("User:auth0|1"), ["User:auth0|1"]);
    assert_eq!(whom("User:*"), ["User:*"]);
    assert_eq!(whom("User:*b*"), ["User:bob"]);
    assert_eq!(whom("User:**"), ["User:alice", "User:bob"], "and nobody else");
    assert_eq!(whom("User:carol?"), [""; 0]);
}

#[test]
fn every_column_is_in_the_binding() {
    let [binding] = &of("User:alice", "DENY")[..] else { panic!("one binding") };
    let expected = AclBinding {
        principal: Principal("alice".into()),
        host: HERE.parse().unwrap(),
        resource_type: ResourceType::Topic,
        resource_name: "pay".into(),
        pattern_type: PatternType::Prefixed,
        operation: AclOperation::Write,
        permission_type: AclPermissionType::Deny,
    };
    assert_eq!(binding, &expected);
}
