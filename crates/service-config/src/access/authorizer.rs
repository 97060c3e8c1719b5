//! What Kafka makes of bindings, for everybody but super users.

use std::net::IpAddr;

use model::{AclBinding, AclOperation, AclPermissionType, PatternType, Principal, ResourceType};

/// What Kafka asks its authorizer.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who, without the `User:`.
    pub principal: &'a str,
    /// From which address; `None` for one that no binding names.
    pub host: Option<IpAddr>,
    /// To do what; never `All`.
    pub operation: AclOperation,
    /// With what kind of resource.
    pub resource_type: ResourceType,
    /// Which one.
    pub resource_name: &'a str,
}

/// Whether it is allowed (`StandardAuthorizerData#authorize` of Kafka 4.3.1, with
/// `allow.everyone.if.no.acl.found=false`): by some binding, and denied by none.
pub fn allows<'a>(
    bindings: impl IntoIterator<Item = &'a AclBinding> + Clone,
    question: Question<'_>,
) -> bool {
    denial(bindings.clone(), question).is_none()
        && bindings.into_iter().any(|it| {
            it.permission_type == AclPermissionType::Allow
                && is_about(it, question)
                && brings(it.operation, question.operation)
        })
}

/// A binding that denies it. No other can make up for that.
pub fn denial<'a>(
    bindings: impl IntoIterator<Item = &'a AclBinding>,
    question: Question<'_>,
) -> Option<&'a AclBinding> {
    bindings.into_iter().find(|it| {
        it.permission_type == AclPermissionType::Deny
            && is_about(it, question)
            && [AclOperation::All, question.operation].contains(&it.operation)
    })
}

/// Whether there may be some topic that this principal may write to from there
/// (`Authorizer#authorizeByResourceType`), which also allows an idempotent producer
/// (`KafkaApis#handleInitProducerIdRequest`).
pub fn may_write_somewhere<'a>(
    bindings: impl IntoIterator<Item = &'a AclBinding> + Clone,
    principal: &str,
    host: Option<IpAddr>,
) -> bool {
    let writes = bindings.into_iter().filter(|it| {
        is_whom(it, principal, host)
            && it.resource_type == ResourceType::Topic
            && [AclOperation::All, AclOperation::Write].contains(&it.operation)
    });
    let (denials, allowances): (Vec<_>, Vec<_>) =
        writes.partition(|it| it.permission_type == AclPermissionType::Deny);
    let dominates = |denial: &AclBinding, allowance: &AclBinding| match denial.pattern_type {
        PatternType::Literal if denial.resource_name == "*" => true,
        // A literal does not cover all of what a prefix allows.
        PatternType::Literal => {
            allowance.pattern_type == PatternType::Literal
                && denial.resource_name == allowance.resource_name
        }
        // As in Kafka: of `*` there is always something left.
        PatternType::Prefixed => {
            !is_everything(allowance) && allowance.resource_name.starts_with(&denial.resource_name)
        }
    };
    allowances.iter().any(|allowance| !denials.iter().any(|denial| dominates(denial, allowance)))
}

fn is_everything(binding: &AclBinding) -> bool {
    binding.pattern_type == PatternType::Literal && binding.resource_name == "*"
}

fn is_whom(binding: &AclBinding, principal: &str, host: Option<IpAddr>) -> bool {
    [principal, Principal::EVERYBODY].contains(&binding.principal.0.as_str())
        && binding.host.address().is_none_or(|it| Some(it) == host)
}

fn is_about(binding: &AclBinding, question: Question<'_>) -> bool {
    let name = question.resource_name;
    is_whom(binding, question.principal, question.host)
        && binding.resource_type == question.resource_type
        && match binding.pattern_type {
            PatternType::Literal => is_everything(binding) || binding.resource_name == name,
            PatternType::Prefixed => name.starts_with(&binding.resource_name),
        }
}

/// Whether who is allowed one thing may do the other as well. A denial of it takes away only itself.
fn brings(granted: AclOperation, asked: AclOperation) -> bool {
    use AclOperation::{All, Alter, AlterConfigs, Delete, Describe, DescribeConfigs, Read, Write};
    granted == asked
        || granted == All
        || (asked == Describe && matches!(granted, Read | Write | Delete | Alter))
        || (asked == DescribeConfigs && granted == AlterConfigs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes(pattern_type: PatternType, name: &str, denies: bool) -> AclBinding {
        AclBinding {
            principal: Principal("alice".into()),
            host: "*".parse().unwrap(),
            resource_type: ResourceType::Topic,
            resource_name: name.into(),
            pattern_type,
            operation: AclOperation::Write,
            permission_type: if denies {
                AclPermissionType::Deny
            } else {
                AclPermissionType::Allow
            },
        }
    }

    /// As `AuthorizerTest#testAuthorizeByResourceType...` of Kafka has them.
    #[test]
    fn who_may_write_to_some_topic_may_write_somewhere() {
        use PatternType::{Literal, Prefixed};
        let may = |bindings: &[(PatternType, &str, bool)]| {
            let bindings: Vec<_> = bindings.iter().map(|it| writes(it.0, it.1, it.2)).collect();
            may_write_somewhere(&bindings, "alice", None)
        };
        assert!(!may(&[]));
        assert!(may(&[(Literal, "t", false)]));
        assert!(may(&[(Literal, "t", false), (Literal, "u", true)]));
        assert!(!may(&[(Literal, "t", false), (Literal, "t", true)]));
        assert!(!may(&[(Literal, "t", false), (Prefixed, "t", true)]));
        assert!(!may(&[(Literal, "*", false), (Literal, "*", true)]));
        assert!(may(&[(Literal, "*", false), (Prefixed, "t", true)]));
        assert!(may(&[(Prefixed, "t", false), (Literal, "t", true)]));
        assert!(may(&[(Prefixed, "t", false), (Prefixed, "tu", true)]));
        assert!(!may(&[(Prefixed, "tu", false), (Prefixed, "t", true)]));
        let bindings = [writes(Literal, "t", false)];
        assert!(!may_write_somewhere(&bindings, "bob", None));
    }
}
