//! Kafka-native ACL entries: what they may say, and the binding that one becomes.

use std::fmt;

use crate::{
    AclBinding, AclHost, AclId, AclOperation, AclPattern, AclPermissionType, PatternType,
    Principal, ResourceType, TopicName,
};

/// The longest principal and the longest resource name, in characters.
const LONGEST: usize = 256;

/// The one name that a resource of type `Cluster` has (`org.apache.kafka.common.resource.Resource`).
const CLUSTER: &str = "kafka-cluster";

/// Whom a Kafka-native entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KafkaPrincipal {
    /// `User:*`: whoever has logged in, the REST proxy's own principal included.
    Everybody,
    /// Who is called exactly so, with or without a service user of that name.
    Exactly(Principal),
    /// Service users that match. **Any name with `*` or `?` in it is such a pattern**, as in Aiven's
    /// entries: a principal that really has one of them in its name, which only an identity
    /// provider can make, cannot be named exactly. It is never given anything by mistake, since
    /// patterns are looked up among service users, whose names have neither.
    Matching(AclPattern),
}

impl KafkaPrincipal {
    /// Parses `User:<name>`.
    fn parse(text: &str) -> Result<Self, String> {
        let invalid = |rule: &str| Err(format!("Invalid 'principal' '{}': {rule}", shown(text)));
        let Some(name) = text.strip_prefix("User:").filter(|it| !it.is_empty()) else {
            return invalid("it must be 'User:' and a name");
        };
        if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            return invalid("it must have at most 256 characters, all printable");
        }
        // Among them all of the platform's own principals.
        if name.starts_with(' ') || name.ends_with(' ') {
            return invalid(
                "a name neither starts nor ends with a space: Kafka trims the subjects of tokens, \
                 and the platform's own principals start with one",
            );
        }
        if name == "*" {
            return Ok(Self::Everybody);
        }
        if !name.contains(['*', '?']) {
            return Ok(Self::Exactly(Principal(name.to_owned())));
        }
        AclPattern::username(name).map(Self::Matching).or_else(|_| {
            invalid(
                "a name with '*' or '?' is a pattern over service users, which are called 1-64 of \
                 A-Z, a-z, 0-9, '-', '.' and '_': no service user can match",
            )
        })
    }
}

impl fmt::Display for KafkaPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("User:*"),
            Self::Exactly(principal) => principal.fmt(f),
            Self::Matching(pattern) => write!(f, "User:{pattern}"),
        }
    }
}

/// The seven columns of a Kafka-native entry, as Aiven's API spells them and unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the API's own names")]
pub struct KafkaAclText {
    pub principal: String,
    pub host: String,
    pub resource_type: String,
    pub resource_name: String,
    pub pattern_type: String,
    pub operation: String,
    pub permission_type: String,
}

/// What a Kafka-native entry says: `principal`, coming from `host`, may or may not do `operation`
/// on a resource. It is something that can apply: see [`ResourceType::operations`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaAcl {
    principal: KafkaPrincipal,
    host: AclHost,
    resource_type: ResourceType,
    resource_name: String,
    pattern_type: PatternType,
    operation: AclOperation,
    permission_type: AclPermissionType,
}

impl KafkaAcl {
    /// Parses the columns. The error names the key, its value and the rule.
    pub fn parse(text: &KafkaAclText) -> Result<Self, String> {
        let acl = Self {
            principal: KafkaPrincipal::parse(&text.principal)?,
            host: text.host.parse()?,
            resource_type: text.resource_type.parse()?,
            resource_name: text.resource_name.clone(),
            pattern_type: text.pattern_type.parse()?,
            operation: text.operation.parse()?,
            permission_type: text.permission_type.parse()?,
        };
        acl.check_principal()?;
        acl.check_operation()?;
        acl.check_resource()?;
        Ok(acl)
    }

    /// A denial has to cover everybody that its words cover.
    fn check_principal(&self) -> Result<(), String> {
        let denies = self.permission_type == AclPermissionType::Deny;
        if denies && let KafkaPrincipal::Matching(pattern) = &self.principal {
            return Err(format!(
                "Invalid 'principal' 'User:{pattern}': a pattern is looked up among service users, \
                 so that it would not deny anything to a principal of an identity provider that has \
                 no service user; DENY needs an exact name, or 'User:*'"
            ));
        }
        Ok(())
    }

    fn check_operation(&self) -> Result<(), String> {
        let (resource_type, operation) = (self.resource_type, self.operation);
        let known = resource_type.operations();
        if operation == AclOperation::All || known.contains(&operation) {
            return Ok(());
        }
        let known: Vec<&str> = known.iter().map(|it| it.as_str()).collect();
        Err(format!(
            "Invalid 'operation' '{}': Kafka knows for a {} only All, {}",
            operation.as_str(),
            resource_type.as_str(),
            known.join(", ")
        ))
    }

    fn check_resource(&self) -> Result<(), String> {
        let name = self.resource_name.as_str();
        let invalid =
            |rule: &str| Err(format!("Invalid 'resource_name' '{}': {rule}", shown(name)));
        if name.is_empty() || name.chars().count() > LONGEST || name.chars().any(char::is_control) {
            return invalid("it must have 1-256 characters, all printable");
        }
        let literal = self.pattern_type == PatternType::Literal;
        match self.resource_type {
            ResourceType::Cluster if name != CLUSTER => {
                invalid("a resource of type Cluster is always called 'kafka-cluster'")
            }
            ResourceType::Cluster if !literal => Err(
                "Invalid 'pattern_type' 'PREFIXED': a resource of type Cluster has one name, so it \
                 must be LITERAL"
                    .to_owned(),
            ),
            // A prefix of a name keeps the same rule but for '.' and '..', which begin others.
            ResourceType::Topic if literal && name != "*" && name.parse::<TopicName>().is_err() => {
                invalid("no topic can be called so; '*' is every topic, PREFIXED a common beginning")
            }
            ResourceType::Topic if !literal && format!("{name}x").parse::<TopicName>().is_err() => {
                invalid("no topic can begin so; PREFIXED takes the beginning without a '*'")
            }
            _ => Ok(()),
        }
    }

    /// Whom it is about.
    pub const fn principal(&self) -> &KafkaPrincipal {
        &self.principal
    }

    /// Whether it allows or denies.
    pub const fn permission_type(&self) -> AclPermissionType {
        self.permission_type
    }

    /// What it is in Kafka, for one principal (`*` for everybody).
    pub fn binding(&self, principal: Principal) -> AclBinding {
        AclBinding {
            principal,
            host: self.host,
            resource_type: self.resource_type,
            resource_name: self.resource_name.clone(),
            pattern_type: self.pattern_type,
            operation: self.operation,
            permission_type: self.permission_type,
        }
    }

    /// The columns as the API spells them; [`KafkaAcl::parse`] makes the same of them again.
    pub fn text(&self) -> KafkaAclText {
        KafkaAclText {
            principal: self.principal.to_string(),
            host: self.host.to_string(),
            resource_type: self.resource_type.as_str().to_owned(),
            resource_name: self.resource_name.clone(),
            pattern_type: self.pattern_type.as_str().to_owned(),
            operation: self.operation.as_str().to_owned(),
            permission_type: self.permission_type.as_str().to_owned(),
        }
    }
}

/// A Kafka-native ACL entry of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaAclEntry {
    /// Its id, unique among those of its service.
    pub id: AclId,
    /// What it says.
    pub acl: KafkaAcl,
}

/// Cut to 64 characters, control characters escaped: it may come from anywhere.
fn shown(text: &str) -> String {
    text.escape_debug().take(64).collect()
}

#[cfg(test)]
mod tests;
