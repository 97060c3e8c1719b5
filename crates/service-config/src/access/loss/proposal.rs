//! The ACL entries that would give access back.

use std::collections::BTreeSet;

use model::{
    AclOperation, AclPattern, AclPermission, AclPermissionType, KafkaAcl, KafkaAclText,
    KafkaPrincipal, PatternType, ResourceType, TopicName, Username,
};

use super::Access;

/// An ACL entry that could be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// One of Aiven's, for a service user and a topic.
    Acl {
        /// What it would grant.
        permission: AclPermission,
        /// To which topic: a name.
        topic: AclPattern,
        /// To which service user: a name.
        username: AclPattern,
    },
    /// A Kafka-native one that allows one operation on one resource, from every host.
    KafkaAcl(KafkaAcl),
}

impl Proposal {
    /// As `avn` adds it; `None` if it cannot, because it knows no such type of resource.
    pub fn command(&self, service: &str) -> Option<String> {
        let native = match self {
            Self::Acl { permission, topic, username } => {
                return Some(format!(
                    "avn service acl-add {} --permission {} {} {service}",
                    option("--username", username.as_str()),
                    permission.as_str(),
                    option("--topic", topic.as_str())
                ));
            }
            Self::KafkaAcl(acl) => acl.text(),
        };
        let resource = match native.resource_type.parse() {
            Ok(ResourceType::Topic) => option("--topic", &native.resource_name),
            Ok(ResourceType::Group) => option("--group", &native.resource_name),
            Ok(ResourceType::Cluster) => "--cluster".to_owned(),
            Ok(ResourceType::TransactionalId) => {
                option("--transactional-id", &native.resource_name)
            }
            _ => return None,
        };
        let principal = option("--principal", &native.principal);
        let operation = native.operation;
        Some(format!(
            "avn service kafka-acl-add {principal} --operation {operation} {resource} {service}"
        ))
    }
}

/// An option of a command with its value, for a shell.
fn option(name: &str, value: &str) -> String {
    // Else it would be taken for an option itself.
    let between = if value.starts_with('-') { '=' } else { ' ' };
    format!("{name}{between}{}", quoted(value))
}

/// A word of a shell, quoted only if it has to be.
fn quoted(word: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-._:/@+=,%".contains(it);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// What would allow `name` these operations; the error says why nothing would.
///
/// Reading and writing topics is Aiven's to give to a service user, and brings `Describe` with it.
/// Everything else, and to everybody else, is given by Kafka-native entries, no more than it needs.
pub(super) fn proposals(
    after: &Access,
    name: &str,
    (resource_type, resource_name): (ResourceType, &str),
    operations: &BTreeSet<AclOperation>,
) -> Result<Vec<Proposal>, String> {
    use AclOperation::{Alter, AlterConfigs, Delete, Describe, DescribeConfigs, Read, Write};
    let mut left = operations.clone();
    let mut proposals = Vec::new();
    let permission = match (left.contains(&Read), left.contains(&Write)) {
        (true, true) => Some(AclPermission::Readwrite),
        (true, false) => Some(AclPermission::Read),
        (false, true) => Some(AclPermission::Write),
        (false, false) => None,
    };
    let username: Option<Username> = name.parse().ok().filter(|it| after.users.contains(it));
    let is_topic =
        resource_type == ResourceType::Topic && resource_name.parse::<TopicName>().is_ok();
    if let (Some(permission), Some(username), true) = (permission, username, is_topic) {
        let topic = AclPattern::topic(resource_name)?;
        let username = AclPattern::username(username.as_str())?;
        proposals.push(Proposal::Acl { permission, topic, username });
        left.retain(|it| ![Read, Write, Describe, DescribeConfigs].contains(it));
    }
    if [Read, Write, Delete, Alter].iter().any(|it| left.contains(it)) {
        left.remove(&Describe);
    }
    if left.contains(&AlterConfigs) {
        left.remove(&DescribeConfigs);
    }
    for operation in left {
        proposals.push(Proposal::KafkaAcl(native(name, resource_type, resource_name, operation)?));
    }
    Ok(proposals)
}

fn native(
    name: &str,
    resource_type: ResourceType,
    resource_name: &str,
    operation: AclOperation,
) -> Result<KafkaAcl, String> {
    if resource_name == "*" {
        return Err("no ACL can name '*' alone: it stands for all".to_owned());
    }
    let acl = KafkaAcl::parse(&KafkaAclText {
        principal: format!("User:{name}"),
        host: "*".to_owned(),
        resource_type: resource_type.as_str().to_owned(),
        resource_name: resource_name.to_owned(),
        pattern_type: PatternType::Literal.as_str().to_owned(),
        operation: operation.as_str().to_owned(),
        permission_type: AclPermissionType::Allow.as_str().to_owned(),
    })
    .map_err(|rule| format!("no ACL can be added for it: {rule}"))?;
    match acl.principal() {
        KafkaPrincipal::Exactly(_) => Ok(acl),
        _ => {
            Err("no ACL can name it exactly: '*' and '?' make a pattern over service users"
                .to_owned())
        }
    }
}
