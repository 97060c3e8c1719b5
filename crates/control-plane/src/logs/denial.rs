//! A denial in words.

use model::{Denial, DenialRule, ServiceName};

use super::LogLine;
use crate::time::rfc3339;

/// The line of a denial at a node of a service.
pub(super) fn line(service: &ServiceName, denial: &Denial) -> LogLine {
    LogLine {
        time: rfc3339(denial.last),
        hostname: format!("{service}-{}", denial.node),
        unit: "kafka".into(),
        msg: message(denial),
    }
}

/// On one line: names come from clients, and are escaped.
fn message(denial: &Denial) -> String {
    let times = denial.times;
    let Some(denied) = &denial.denied else {
        return format!("access_denied: {times} more, besides the most frequent ones of this node");
    };
    let times = if times > 1 { format!(", {times} times") } else { String::new() };
    let why = match denied.rule {
        Some(DenialRule::NoEntry) => "no ACL entry allows it",
        Some(DenialRule::DenyEntry) => "an ACL entry denies it",
        None => "no ACL entry allows it, or one denies it",
    };
    format!(
        "access_denied: User:{} from {} was denied {} on {} '{}' by {}{times}: {why}",
        denied.principal,
        denied.host,
        denied.operation,
        denied.resource_type,
        denied.resource_name,
        denied.request
    )
}

#[cfg(test)]
mod tests {
    use model::{Denied, NodeId, ShownText, Timestamp};

    use super::*;

    fn denial(name: &str, rule: Option<DenialRule>, times: u64) -> Denial {
        let denied = Denied {
            principal: ShownText::of("alice"),
            host: ShownText::of("10.0.0.7"),
            operation: ShownText::of("Write"),
            resource_type: ShownText::of("Topic"),
            resource_name: ShownText::of(name),
            request: ShownText::of("Produce"),
            rule,
        };
        Denial { node: NodeId(2), denied: Some(denied), times, last: Timestamp(1_795_832_802_501) }
    }

    #[test]
    fn it_says_who_was_denied_what_on_which_resource_how_often_and_why() {
        let said = "access_denied: User:alice from 10.0.0.7 was denied Write on Topic ";
        let cases = [
            (
                denial("orders", Some(DenialRule::NoEntry), 1),
                "'orders' by Produce: no ACL entry allows it",
            ),
            (
                denial("o", Some(DenialRule::DenyEntry), 12),
                "'o' by Produce, 12 times: an ACL entry denies it",
            ),
            (
                denial("a\nb\u{1b}", None, 2),
                "'a\\nb\\u{1b}' by Produce, 2 times: no ACL entry allows it, or one denies it",
            ),
        ];
        for (denial, end) in cases {
            assert_eq!(message(&denial), format!("{said}{end}"));
        }
        let others = Denial { denied: None, ..denial("", None, 35) };
        let expected = "access_denied: 35 more, besides the most frequent ones of this node";
        assert_eq!(message(&others), expected);
    }

    #[test]
    fn it_is_of_a_node() {
        let line = line(&"my-kafka".parse().unwrap(), &denial("t", None, 1));
        let head = (line.time.as_str(), line.hostname.as_str(), line.unit.as_str());
        assert_eq!(head, ("2026-11-28T02:26:42Z", "my-kafka-2", "kafka"));
    }
}
