//! What a broker writes down of each question to its ACLs, from a line to a use of a resource.
//!
//! The text is that of `StandardAuthorizerData#buildAuditMessage` (Kafka 4.3), behind the time in
//! milliseconds, and without what follows the request. Names of principals, groups and transactional
//! ids come from clients: a line that can be read in two ways is not read.

use model::{AclOperation, Principal, ResourceType, SeenUse, Timestamp};

/// The topic of the platform's own probe.
const PROBE: &str = "_tidegate_probe";

/// What stands between the parts of a line, each once.
const BETWEEN: [&str; 4] =
    [" is Allowed operation = ", " from host = ", " on resource = ", " for request = "];

/// Requests that answer with what the caller may see: without the right the answer is shorter, and
/// nobody is refused. The brokers say of each topic, group or transaction that it was shown.
const LISTS: [&str; 3] = ["Metadata", "ListGroups", "ListTransactions"];

/// What was allowed, of a line; `None` if that is nothing for an ACL to give: it was refused, or asked
/// by the platform itself or by nobody, or nobody who may not is refused anything.
pub fn allowed(line: &str) -> Option<SeenUse> {
    let (time, said) = line.split_once(' ')?;
    let said = said.strip_prefix("Principal = User:")?;
    let [principal, operation, _, resource, request] = split(said)?;
    let (resource_type, name) = resource.split_once(":LITERAL:")?;
    let operation = operation_of(operation)?;
    let seen = SeenUse {
        principal: Some(Principal(principal.to_owned())),
        proven: true,
        resource_type: resource_type.parse().ok()?,
        resource_name: name.to_owned(),
        operation,
        last: Timestamp(time.parse().ok()?),
    };
    let is_ours = principal.starts_with(' ') || principal == "ANONYMOUS";
    let is_probe = seen.resource_type == ResourceType::Topic && name == PROBE;
    // Whoever may write to any topic may do it without this right (`KafkaApis#handleInitProducerId`).
    let is_spare = operation == AclOperation::IdempotentWrite;
    let counts = !is_ours && !is_probe && !is_spare && !LISTS.contains(&request);
    (counts && seen.check().is_ok()).then_some(seen)
}

fn split(said: &str) -> Option<[&str; 5]> {
    let mut parts = [said; 5];
    for (index, between) in BETWEEN.into_iter().enumerate() {
        let (part, rest) = parts[index].split_once(between)?;
        (parts[index], parts[index + 1]) = (part, rest);
    }
    let is_plain = |part: &&str| BETWEEN.iter().all(|it| !part.contains(it));
    parts.iter().all(is_plain).then_some(parts)
}

/// `DESCRIBE_CONFIGS` as `DescribeConfigs`.
fn operation_of(word: &str) -> Option<AclOperation> {
    let word = word.replace('_', "");
    AclOperation::ALL.iter().copied().find(|it| it.as_str().eq_ignore_ascii_case(&word))
}

#[cfg(test)]
mod tests;
