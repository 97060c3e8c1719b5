//! Every ACL code, as `org.apache.kafka.tools.AclCommand` names it.

use std::collections::BTreeSet;

use model::{
    AclBinding, AclHost, AclOperation, AclPermissionType, PatternType, Principal, ResourceType,
};

use crate::stage::Stage;

const RESOURCES: [(ResourceType, &str); 6] = [
    (ResourceType::Topic, "TOPIC"),
    (ResourceType::Group, "GROUP"),
    (ResourceType::Cluster, "CLUSTER"),
    (ResourceType::TransactionalId, "TRANSACTIONAL_ID"),
    (ResourceType::DelegationToken, "DELEGATION_TOKEN"),
    (ResourceType::User, "USER"),
];

const PATTERNS: [(PatternType, &str); 2] =
    [(PatternType::Literal, "LITERAL"), (PatternType::Prefixed, "PREFIXED")];

const OPERATIONS: [(AclOperation, &str); 13] = [
    (AclOperation::All, "ALL"),
    (AclOperation::Read, "READ"),
    (AclOperation::Write, "WRITE"),
    (AclOperation::Create, "CREATE"),
    (AclOperation::Delete, "DELETE"),
    (AclOperation::Alter, "ALTER"),
    (AclOperation::Describe, "DESCRIBE"),
    (AclOperation::ClusterAction, "CLUSTER_ACTION"),
    (AclOperation::DescribeConfigs, "DESCRIBE_CONFIGS"),
    (AclOperation::AlterConfigs, "ALTER_CONFIGS"),
    (AclOperation::IdempotentWrite, "IDEMPOTENT_WRITE"),
    (AclOperation::CreateTokens, "CREATE_TOKENS"),
    (AclOperation::DescribeTokens, "DESCRIBE_TOKENS"),
];

const PERMISSIONS: [(AclPermissionType, &str); 2] =
    [(AclPermissionType::Allow, "ALLOW"), (AclPermissionType::Deny, "DENY")];

/// A binding, and the two lines by which Java prints it, as one.
fn both(
    principal: &str,
    resource: (ResourceType, &str),
    name: &str,
    pattern: (PatternType, &str),
    operation: (AclOperation, &str),
    permission: (AclPermissionType, &str),
) -> (AclBinding, String) {
    let binding = AclBinding {
        principal: Principal(principal.to_owned()),
        host: AclHost::ANY,
        resource_type: resource.0,
        resource_name: name.to_owned(),
        pattern_type: pattern.0,
        operation: operation.0,
        permission_type: permission.0,
    };
    let printed = format!(
        "ResourcePattern(resourceType={}, name={name}, patternType={}) (principal=User:{principal}, \
         host=*, operation={}, permissionType={})",
        resource.1, pattern.1, operation.1, permission.1
    );
    (binding, printed)
}

/// Every combination of codes, each with a principal that says which it is: two codes that were
/// exchanged would otherwise only exchange two ACLs.
fn every_combination(stage: &Stage) -> Vec<(AclBinding, String)> {
    let mut all = Vec::new();
    for resource in RESOURCES {
        let cluster = resource.0 == ResourceType::Cluster;
        let name = if cluster { "kafka-cluster" } else { "orders" };
        for pattern in PATTERNS {
            for operation in OPERATIONS {
                for permission in PERMISSIONS {
                    let words = [resource.1, pattern.1, operation.1, permission.1].join(".");
                    let principal = format!("{}.{words}", stage.prefix);
                    all.push(both(&principal, resource, name, pattern, operation, permission));
                }
            }
        }
    }
    all
}

/// What Java lists of the principals of this test, one string an ACL.
async fn listed(stage: &Stage) -> BTreeSet<String> {
    let output = stage.tool("org.apache.kafka.tools.AclCommand", &["--list"]).await;
    let mut resource = "";
    let mut found = BTreeSet::new();
    for line in output.lines() {
        if let Some(head) = line.strip_prefix("Current ACLs for resource `") {
            resource = head.trim().trim_end_matches(':').trim_end_matches('`');
        } else if let Some((_, principal)) = line.split_once("(principal=User:")
            && principal.trim_start().starts_with(&stage.prefix)
        {
            found.insert(format!("{resource} {}", line.trim()));
        }
    }
    found
}

/// The bindings of the principals of this test.
async fn described(stage: &Stage) -> BTreeSet<AclBinding> {
    let mut all = stage.admin.describe_acls().await.unwrap();
    all.retain(|it| it.principal.0.trim_start().starts_with(&stage.prefix));
    all
}

#[tokio::test]
async fn every_combination_of_codes_is_listed_by_java_as_it_was_meant() {
    let stage = Stage::new("acl");
    let (bindings, printed): (BTreeSet<_>, BTreeSet<_>) =
        every_combination(&stage).into_iter().unzip();
    let as_list: Vec<_> = bindings.iter().cloned().collect();
    assert_eq!(as_list.len(), 6 * 2 * 13 * 2);
    stage.admin.create_acls(&as_list).await.unwrap();
    stage.admin.create_acls(&as_list).await.expect("a second time changes nothing");
    stage.until("all are described", async || described(&stage).await == bindings).await;
    assert_eq!(listed(&stage).await, printed);
    stage.admin.delete_acls(&as_list).await.unwrap();
    stage.until("all are deleted", async || described(&stage).await.is_empty()).await;
}

/// The client that was refused took the literal, the prefixed and the wildcard one away at once.
#[tokio::test]
async fn a_deletion_removes_exactly_what_was_named() {
    let stage = Stage::new("acl-delete");
    let (topic, read, allow) = (RESOURCES[0], OPERATIONS[1], PERMISSIONS[0]);
    let [literal, prefixed] = PATTERNS;
    let make = |name: &str, pattern, operation, permission| {
        both(&stage.prefix, topic, name, pattern, operation, permission)
    };
    let other = format!(" {}", stage.prefix);
    let named = make("orders", literal, read, allow);
    // Java prints every part of an address; a broker compares it so.
    let from = |host: &str, printed: &str| {
        let (binding, line) = make("orders", literal, read, allow);
        let binding = AclBinding { host: host.parse().unwrap(), ..binding };
        (binding, line.replace("host=*", &format!("host={printed}")))
    };
    let others = [
        from("10.0.0.1", "10.0.0.1"),
        from("2001:db8::1", "2001:db8:0:0:0:0:0:1"),
        make("orders", prefixed, read, allow),
        make("*", literal, read, allow),
        make("orders", literal, OPERATIONS[0], allow),
        make("orders", literal, read, PERMISSIONS[1]),
        make("orders-2", literal, read, allow),
        both(&other, topic, "orders", literal, read, allow),
        both(&stage.prefix, RESOURCES[1], "orders", literal, read, allow),
    ];
    let mut all: Vec<_> = others.iter().map(|it| it.0.clone()).collect();
    all.push(named.0.clone());
    stage.admin.create_acls(&all).await.unwrap();
    stage.admin.delete_acls(std::slice::from_ref(&named.0)).await.unwrap();
    stage.admin.delete_acls(std::slice::from_ref(&named.0)).await.expect("gone is fine");
    all.pop();
    let left: BTreeSet<_> = all.iter().cloned().collect();
    stage.until("one less is described", async || described(&stage).await == left).await;
    assert_eq!(listed(&stage).await, others.iter().map(|it| it.1.clone()).collect());
    stage.admin.delete_acls(&all).await.unwrap();
    stage.until("all are deleted", async || described(&stage).await.is_empty()).await;
}
