//! What an entry may say.

use super::*;

fn text() -> KafkaAclText {
    KafkaAclText {
        principal: "User:alice".into(),
        host: "*".into(),
        resource_type: "Topic".into(),
        resource_name: "orders".into(),
        pattern_type: "LITERAL".into(),
        operation: "Read".into(),
        permission_type: "ALLOW".into(),
    }
}

/// An entry on a resource, by its type, pattern type, name and operation.
fn on(resource_type: &str, pattern_type: &str, name: &str, operation: &str) -> KafkaAclText {
    KafkaAclText {
        resource_type: resource_type.into(),
        pattern_type: pattern_type.into(),
        resource_name: name.into(),
        operation: operation.into(),
        ..text()
    }
}

fn by(principal: &str, permission_type: &str) -> KafkaAclText {
    KafkaAclText { principal: principal.into(), permission_type: permission_type.into(), ..text() }
}

#[test]
fn what_is_accepted_is_written_as_it_was_read() {
    for columns in [
        text(),
        by("User:*", "DENY"),
        by("User:arn:aws:iam::1:user/x y", "DENY"),
        by("User:al?ce*", "ALLOW"),
        by("User:auth0|1", "ALLOW"),
        by("User:müller@example.org", "ALLOW"),
        on("Topic", "LITERAL", "*", "All"),
        on("Topic", "PREFIXED", ".", "Write"),
        on("Group", "PREFIXED", "team a/", "Delete"),
        on("Cluster", "LITERAL", "kafka-cluster", "IdempotentWrite"),
        on("TransactionalId", "LITERAL", "*", "Write"),
        on("DelegationToken", "LITERAL", "x", "Describe"),
        on("User", "LITERAL", "User:bob", "CreateTokens"),
        KafkaAclText { host: "2001:db8::1".into(), ..text() },
    ] {
        assert_eq!(KafkaAcl::parse(&columns).map(|it| it.text()), Ok(columns));
    }
}

#[test]
fn a_name_is_a_pattern_everybody_or_exactly_one() {
    let principal = |name: &str| KafkaPrincipal::parse(&format!("User:{name}")).unwrap();
    assert_eq!(principal("*"), KafkaPrincipal::Everybody);
    assert_eq!(principal("alice"), KafkaPrincipal::Exactly(Principal("alice".into())));
    for pattern in ["alice*", "*bob", "a?c", "**"] {
        let matching = KafkaPrincipal::Matching(AclPattern::username(pattern).unwrap());
        assert_eq!(principal(pattern), matching);
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_key_value_and_rule() {
    let long = format!("User:{}", "x".repeat(252));
    for (columns, key) in [
        (by("alice", "ALLOW"), "'principal' 'alice'"),
        (by("User:", "ALLOW"), "'principal' 'User:'"),
        (by("Group:x", "ALLOW"), "'principal' 'Group:x'"),
        (by(&long, "ALLOW"), "'principal' 'User:xxx"),
        (by("User:a\nb", "ALLOW"), r"'principal' 'User:a\nb'"),
        (by("User: admin", "DENY"), "'principal' 'User: admin'"),
        (by("User:alice ", "DENY"), "'principal' 'User:alice '"),
        (by("User:auth0|*", "ALLOW"), "'principal' 'User:auth0|*'"),
        (by("User:alice*", "DENY"), "'principal' 'User:alice*': a pattern is looked up among"),
        (by("User:a?", "DENY"), "'principal' 'User:a?': a pattern is looked up among"),
        (by("User:a", "deny"), "'permission_type' 'deny': one of ALLOW, DENY"),
        (KafkaAclText { host: "10.0.0.0/8".into(), ..text() }, "'host' '10.0.0.0/8'"),
        (on("topic", "LITERAL", "t", "Read"), "'resource_type' 'topic': one of Topic, Group"),
        (on("Topic", "MATCH", "t", "Read"), "'pattern_type' 'MATCH': one of LITERAL, PREFIXED"),
        (on("Topic", "LITERAL", "t", "READ"), "'operation' 'READ': one of All, Alter,"),
        (
            on("Group", "LITERAL", "g", "Write"),
            "'operation' 'Write': Kafka knows for a Group only All, AlterConfigs, Delete,",
        ),
        (on("Topic", "LITERAL", "t", "IdempotentWrite"), "'operation' 'IdempotentWrite'"),
        (on("Topic", "LITERAL", "", "Read"), "'resource_name' '': it must have 1-256"),
        (on("Group", "LITERAL", "a\0", "Read"), r"'resource_name' 'a\0': it must have 1-256"),
        (on("Topic", "LITERAL", "t*", "Read"), "'resource_name' 't*': no topic can be called so"),
        (on("Topic", "PREFIXED", "t*", "Read"), "'resource_name' 't*': no topic can begin so"),
        (on("Cluster", "LITERAL", "*", "Create"), "'resource_name' '*': a resource of type"),
        (on("Cluster", "PREFIXED", "kafka-cluster", "Create"), "'pattern_type' 'PREFIXED'"),
    ] {
        let error = KafkaAcl::parse(&columns).unwrap_err();
        assert!(error.starts_with(&format!("Invalid {key}")), "{error}");
    }
}
