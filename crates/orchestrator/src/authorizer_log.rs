//! What a broker writes down of each question to its ACLs, from a line to a use of a resource, or to
//! a refusal.
//!
//! The text is that of `StandardAuthorizerData#buildAuditMessage` (Kafka 4.3), behind the time in
//! milliseconds, and of what follows the request only the rule's name; a broker that was started by
//! an older version writes none of that. Names of principals, groups and transactional ids come from
//! clients: a line that can be read in two ways is not read.

mod denied;

use model::{AclOperation, Principal, ResourceType, SeenUse, Timestamp};

pub use self::denied::denied;

/// The topic of the platform's own probe.
const PROBE: &str = "_tidegate_probe";

const ALLOWED: &str = " is Allowed operation = ";
const DENIED: &str = " is Denied operation = ";

/// What stands between the parts of a line, each once: the answer is behind the principal, and only
/// a refusal has to have a rule.
const BETWEEN: [&str; 7] = [
    ALLOWED,
    DENIED,
    " from host = ",
    " on resource = ",
    " for request = ",
    " with resourceRefCount = ",
    " based on rule ",
];

/// Requests that answer with what the caller may see: without the right the answer is shorter, and
/// nobody is refused. The brokers say of each topic, group or transaction that it was shown.
const LISTS: [&str; 3] = ["Metadata", "ListGroups", "ListTransactions"];

/// A line in its parts.
struct Question<'a> {
    at: Timestamp,
    principal: &'a str,
    /// As `DESCRIBE_CONFIGS`.
    operation: &'a str,
    host: &'a str,
    resource_type: &'a str,
    resource_name: &'a str,
    request: &'a str,
    rule: Option<&'a str>,
}

/// What was allowed, of a line; `None` if that is nothing for an ACL to give: it was refused, or asked
/// by the platform itself or by nobody, or nobody who may not is refused anything.
pub fn allowed(line: &str) -> Option<SeenUse> {
    let asked = question(line, ALLOWED)?;
    let operation = operation_of(asked.operation)?;
    let seen = SeenUse {
        principal: Some(Principal(asked.principal.to_owned())),
        proven: true,
        resource_type: asked.resource_type.parse().ok()?,
        resource_name: asked.resource_name.to_owned(),
        operation,
        last: asked.at,
    };
    let is_ours = asked.principal.starts_with(' ') || asked.principal == "ANONYMOUS";
    let is_probe = seen.resource_type == ResourceType::Topic && asked.resource_name == PROBE;
    // Whoever may write to any topic may do it without this right (`KafkaApis#handleInitProducerId`).
    let is_spare = operation == AclOperation::IdempotentWrite;
    let counts = !is_ours && !is_probe && !is_spare && !LISTS.contains(&asked.request);
    (counts && seen.check().is_ok()).then_some(seen)
}

/// A line with this answer; `None` if it has another one, or can be read in two ways.
fn question<'a>(line: &'a str, answer: &str) -> Option<Question<'a>> {
    let (time, said) = line.split_once(' ')?;
    let said = said.strip_prefix("Principal = User:")?;
    let (principal, rest) = said.split_once(answer)?;
    let (operation, rest) = rest.split_once(" from host = ")?;
    let (host, rest) = rest.split_once(" on resource = ")?;
    let (resource, rest) = rest.split_once(" for request = ")?;
    let (request, rule) = match rest.split_once(" based on rule ") {
        Some((request, rule)) => (request, Some(rule)),
        None => (rest, None),
    };
    let parts = [principal, operation, host, resource, request, rule.unwrap_or_default()];
    let is_plain = |part: &str| BETWEEN.iter().all(|it| !part.contains(it));
    if !parts.into_iter().all(is_plain) {
        return None;
    }
    let (resource_type, resource_name) = resource.split_once(":LITERAL:")?;
    let at = Timestamp(time.parse().ok()?);
    Some(Question { at, principal, operation, host, resource_type, resource_name, request, rule })
}

/// `DESCRIBE_CONFIGS` as `DescribeConfigs`.
fn operation_of(word: &str) -> Option<AclOperation> {
    let word = word.replace('_', "");
    AclOperation::ALL.iter().copied().find(|it| it.as_str().eq_ignore_ascii_case(&word))
}

#[cfg(test)]
mod tests;
