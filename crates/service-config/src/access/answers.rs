//! What a broker says to a principal, resource by resource.

use std::collections::BTreeSet;
use std::net::IpAddr;

use model::{AclBinding, AclOperation, PatternType, Principal, ResourceType};

use super::authorizer::{Question, allows, denial};

/// What a broker says of the resources of one pattern, but for those that a narrower pattern has an
/// [`Answer`] of its own for. What is neither denied nor allowed is refused, since nothing allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What kind of resource.
    pub resource_type: ResourceType,
    /// How `resource_name` is meant.
    pub pattern_type: PatternType,
    /// Its name, prefix, or `*`.
    pub resource_name: String,
    /// To whom comes from this address; `None`: from any that has no answer of its own.
    pub host: Option<IpAddr>,
    /// What a binding denies. None that allows can make up for that.
    pub denied: Vec<AclOperation>,
    /// What is allowed.
    pub allowed: Vec<AclOperation>,
}

/// What a broker says to a principal (without the `User:`) of all that some binding names: denials
/// first, then by resource. What is in none of them is refused.
pub fn answers(bindings: &BTreeSet<AclBinding>, principal: &str) -> Vec<Answer> {
    let whom = [principal, Principal::EVERYBODY];
    let about: Vec<&AclBinding> =
        bindings.iter().filter(|it| whom.contains(&it.principal.0.as_str())).collect();
    let resources: BTreeSet<_> = about
        .iter()
        .map(|it| (it.resource_type, it.pattern_type, it.resource_name.as_str()))
        .collect();
    let hosts: BTreeSet<IpAddr> = about.iter().filter_map(|it| it.host.address()).collect();
    let mut answers = Vec::new();
    for resource in resources {
        let of = |host| answer(&about, principal, resource, host);
        let anywhere = of(None);
        let elsewhere =
            |it: &Answer| (&it.denied, &it.allowed) != (&anywhere.denied, &anywhere.allowed);
        let special: Vec<Answer> = hosts.iter().map(|it| of(Some(*it))).filter(elsewhere).collect();
        // That nothing is allowed says something only beside an address from which it is.
        let says = !anywhere.denied.is_empty() || !anywhere.allowed.is_empty();
        answers.extend(says.then_some(anywhere));
        answers.extend(special);
    }
    answers.sort_by_key(|it| it.denied.is_empty());
    answers
}

fn answer(
    about: &[&AclBinding],
    principal: &str,
    (resource_type, pattern_type, name): (ResourceType, PatternType, &str),
    host: Option<IpAddr>,
) -> Answer {
    let resource_name = some_name(pattern_type, name);
    let question = |operation| Question {
        principal,
        host,
        operation,
        resource_type,
        resource_name: &resource_name,
    };
    let all = || about.iter().copied();
    let operations = resource_type.operations().iter().copied();
    let (denied, others): (Vec<_>, Vec<_>) =
        operations.partition(|it| denial(all(), question(*it)).is_some());
    let allowed = others.into_iter().filter(|it| allows(all(), question(*it))).collect();
    let resource_name = name.to_owned();
    Answer { resource_type, pattern_type, resource_name, host, denied, allowed }
}

/// A name of which only this pattern and wider ones are: no name in Kafka has a NUL.
fn some_name(pattern_type: PatternType, name: &str) -> String {
    match pattern_type {
        PatternType::Literal if name == "*" => "\0".to_owned(),
        PatternType::Literal => name.to_owned(),
        PatternType::Prefixed => format!("{name}\0"),
    }
}

#[cfg(test)]
mod tests {
    use model::AclPermissionType;

    use super::*;

    /// `ALLOW alice Read Topic LITERAL in`, then perhaps an address.
    fn binding(text: &str) -> AclBinding {
        let words: Vec<&str> = text.split(' ').collect();
        let [permission, principal, operation, resource_type, pattern_type, name, host @ ..] =
            &words[..]
        else {
            panic!("{text}")
        };
        AclBinding {
            principal: Principal((*principal).to_owned()),
            host: host.first().unwrap_or(&"*").parse().unwrap(),
            resource_type: resource_type.parse().unwrap(),
            resource_name: (*name).to_owned(),
            pattern_type: pattern_type.parse().unwrap(),
            operation: operation.parse().unwrap(),
            permission_type: permission.parse::<AclPermissionType>().unwrap(),
        }
    }

    fn told(bindings: &[&str]) -> String {
        let bindings = bindings.iter().map(|it| binding(it)).collect();
        let words =
            |all: &[AclOperation]| all.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(" ");
        let line = |it: Answer| {
            let from = it.host.map(|it| format!(" from {it}")).unwrap_or_default();
            format!(
                "{} {} {}{from}: -[{}] +[{}]",
                it.resource_type.as_str(),
                it.pattern_type.as_str(),
                it.resource_name,
                words(&it.denied),
                words(&it.allowed)
            )
        };
        answers(&bindings, "alice").into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_denial_comes_first_and_wins() {
        for (bindings, expected) in [
            (&[][..], ""),
            (&["ALLOW bob Read Topic LITERAL in"], ""),
            (&["ALLOW alice Read Topic LITERAL in"], "Topic LITERAL in: -[] +[Describe Read]"),
            (&["ALLOW * Read Group LITERAL g"], "Group LITERAL g: -[] +[Describe Read]"),
            // Who is denied to read may still describe what it was allowed to read.
            (
                &["ALLOW alice Read Topic LITERAL in", "DENY alice Read Topic LITERAL in"],
                "Topic LITERAL in: -[Read] +[Describe]",
            ),
            (
                &[
                    "ALLOW alice Write TransactionalId LITERAL t",
                    "DENY * All TransactionalId LITERAL t",
                ],
                "TransactionalId LITERAL t: -[Describe Write] +[]",
            ),
            // A wide denial is also that of what is within.
            (
                &["ALLOW alice Read Topic LITERAL logs-a", "DENY alice Read Topic PREFIXED logs-"],
                "Topic LITERAL logs-a: -[Read] +[Describe]\nTopic PREFIXED logs-: -[Read] +[]",
            ),
            // A narrow one takes itself out of what is allowed around it.
            (
                &["ALLOW alice Read Topic LITERAL *", "DENY alice Describe Topic LITERAL secret"],
                "Topic LITERAL secret: -[Describe] +[Read]\nTopic LITERAL *: -[] +[Describe Read]",
            ),
            // From one address.
            (
                &["ALLOW alice Read Topic LITERAL in", "DENY alice Read Topic LITERAL in 10.0.0.1"],
                "Topic LITERAL in from 10.0.0.1: -[Read] +[Describe]\n\
                 Topic LITERAL in: -[] +[Describe Read]",
            ),
            (
                &["ALLOW alice Read Group LITERAL g 10.0.0.1"],
                "Group LITERAL g from 10.0.0.1: -[] +[Describe Read]",
            ),
        ] {
            let mut lines: Vec<String> = told(bindings).lines().map(str::to_owned).collect();
            let mut wanted: Vec<&str> = expected.lines().collect();
            let denials = lines.iter().take_while(|it| !it.contains("-[]")).count();
            assert!(lines[denials..].iter().all(|it| it.contains("-[]")), "{lines:?}");
            lines.sort();
            wanted.sort_unstable();
            assert_eq!(lines, wanted, "{bindings:?}");
        }
    }
}
