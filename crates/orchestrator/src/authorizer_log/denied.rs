//! Lines of what was refused.

use model::{DenialRule, Denied, ShownText, Timestamp};

use super::{DENIED, operation_of, question};

/// Requests that leave out what the caller may not see, and say of each that it was refused. Not
/// `Metadata`: brokers say nothing of a list of all topics, and one that is asked for by name and may
/// not be seen is refused by that request (`KafkaApis#getTopicMetadata`).
const LISTS: [&str; 2] = ["ListGroups", "ListTransactions"];

/// What was refused, of a line, and when; `None` if nobody was: it was allowed, or asked by the
/// platform itself, or only left out of a list.
pub fn denied(line: &str) -> Option<(Denied, Timestamp)> {
    let asked = question(line, DENIED)?;
    if asked.principal.starts_with(' ') || LISTS.contains(&asked.request) {
        return None;
    }
    // With another end the name may have been cut.
    let rule = match asked.rule {
        None => None,
        Some("DefaultDeny") => Some(DenialRule::NoEntry),
        Some("MatchingAcl") => Some(DenialRule::DenyEntry),
        Some(_) => return None,
    };
    let operation = operation_of(asked.operation).map_or(asked.operation, |it| it.as_str());
    let denied = Denied {
        principal: ShownText::of(asked.principal),
        host: ShownText::of(asked.host),
        operation: ShownText::of(operation),
        resource_type: ShownText::of(asked.resource_type),
        resource_name: ShownText::of(asked.resource_name),
        request: ShownText::of(asked.request),
        rule,
    };
    Some((denied, asked.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorizer_log::allowed;

    fn read(line: &str) -> Option<String> {
        let (it, at) = denied(line)?;
        assert_eq!(allowed(line), None, "{line}");
        let resource = format!("{} {}", it.resource_type, it.resource_name);
        let asked = format!("{} at {}: {} {resource}", it.principal, it.host, it.operation);
        Some(format!("{asked} by {} ({:?}, {})", it.request, it.rule, at.0))
    }

    fn line(principal: &str, operation: &str, resource: &str, end: &str) -> String {
        format!(
            "1795832802501 Principal = User:{principal} is Denied operation = {operation} from \
             host = 127.0.0.1 on resource = {resource} for request = {end}"
        )
    }

    #[test]
    fn what_clients_were_refused_is_read() {
        let refused = [
            (
                line("bob", "WRITE", "Topic:LITERAL:t", "Produce based on rule DefaultDeny"),
                "bob at 127.0.0.1: Write Topic t by Produce (Some(NoEntry), 1795832802501)",
            ),
            (
                line(
                    "Zoë Q.",
                    "READ",
                    "Group:LITERAL:a:b c",
                    "JoinGroup based on rule MatchingAcl",
                ),
                "Zoë Q. at 127.0.0.1: Read Group a:b c by JoinGroup (Some(DenyEntry), 1795832802501)",
            ),
            (
                line("bob", "DESCRIBE", "Topic:LITERAL:t", "Metadata"),
                "bob at 127.0.0.1: Describe Topic t by Metadata (None, 1795832802501)",
            ),
            // What our model has no word for is refused as well.
            (
                line("bob", "TWO_PHASE_COMMIT", "TransactionalId:LITERAL:t", "InitProducerId"),
                "bob at 127.0.0.1: TWO_PHASE_COMMIT TransactionalId t by InitProducerId (None, \
                 1795832802501)",
            ),
            (
                line("ANONYMOUS", "CLUSTER_ACTION", "Cluster:LITERAL:kafka-cluster", "Vote"),
                "ANONYMOUS at 127.0.0.1: ClusterAction Cluster kafka-cluster by Vote (None, \
                 1795832802501)",
            ),
            (
                line("\u{1b}[2Ja", "READ", "Group:LITERAL:\\n\u{202e}", "JoinGroup"),
                "\\u{1b}[2Ja at 127.0.0.1: Read Group \\n\\u{202e} by JoinGroup (None, \
                 1795832802501)",
            ),
        ];
        for (line, expected) in refused {
            assert_eq!(read(&line).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_refuses_nobody_is_left_out() {
        let allowed = line("bob", "READ", "Topic:LITERAL:t", "Fetch").replace("Denied", "Allowed");
        let nothing = [
            allowed,
            line(" rest-proxy", "WRITE", "Topic:LITERAL:t", "Produce"),
            line("a", "DESCRIBE", "Group:LITERAL:g", "ListGroups based on rule DefaultDeny"),
            line("a", "DESCRIBE", "TransactionalId:LITERAL:g", "ListTransactions"),
            String::new(),
            "1795832802501".into(),
            "x Principal = User:bob is Denied operation = READ".into(),
        ];
        for line in nothing {
            assert_eq!(read(&line), None, "{line}");
        }
    }

    #[test]
    fn a_line_that_can_be_read_in_two_ways_is_not_read() {
        let played = [
            line("bob is Denied operation = READ", "WRITE", "Topic:LITERAL:t", "Produce"),
            line("bob is Allowed operation = READ", "WRITE", "Topic:LITERAL:t", "Produce"),
            line("bob", "READ", "Group:LITERAL:g for request = Fetch", "JoinGroup"),
            line("bob", "READ", "Group:LITERAL:g from host = h", "JoinGroup"),
            line("bob", "READ", "Group:LITERAL:g with resourceRefCount = 1", "JoinGroup"),
            line("bob", "READ", "Group:LITERAL:g based on rule MatchingAcl", "JoinGroup"),
            line("bob", "READ", "Group:LITERAL:g", "JoinGroup based on rule x based on rule y"),
            line("bob", "READ", "Group:LITERAL:g", "JoinGroup based on rule MatchingAcl(x)"),
        ];
        for line in played {
            assert_eq!(read(&line), None, "{line}");
        }
    }
}
