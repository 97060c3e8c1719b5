//! Lines that brokers of Kafka 4.3.1 wrote.

use super::*;

fn read(line: &str) -> Option<String> {
    let it = allowed(line)?;
    let operation = it.operation.as_str();
    let (kind, name, time) = (it.resource_type.as_str(), it.resource_name, it.last.0);
    assert!(it.proven, "a broker has seen a proof");
    Some(format!("{}: {operation} {kind} {name} at {time}", it.principal?.0))
}

#[test]
fn what_clients_were_allowed_is_read() {
    let uses = [
        (
            "1795832802501 Principal = User:avnadmin is Allowed operation = WRITE from host = \
             127.0.0.1 on resource = Topic:LITERAL:perf for request = Produce",
            "avnadmin: Write Topic perf at 1795832802501",
        ),
        (
            "1795832802502 Principal = User:avnadmin is Allowed operation = READ from host = \
             127.0.0.1 on resource = Group:LITERAL:perf-g for request = JoinGroup",
            "avnadmin: Read Group perf-g at 1795832802502",
        ),
        (
            "1795832802503 Principal = User:avnadmin is Allowed operation = DESCRIBE from host = \
             127.0.0.1 on resource = Topic:LITERAL:perf for request = ListOffsets",
            "avnadmin: Describe Topic perf at 1795832802503",
        ),
        (
            "1795832802504 Principal = User:avnadmin is Allowed operation = DESCRIBE from host = \
             127.0.0.1 on resource = TransactionalId:LITERAL:a:b c for request = FindCoordinator",
            "avnadmin: Describe TransactionalId a:b c at 1795832802504",
        ),
        (
            "1795832802505 Principal = User:Zoë Q. is Allowed operation = DESCRIBE_CONFIGS from \
             host = 0:0:0:0:0:0:0:1 on resource = Cluster:LITERAL:kafka-cluster for request = \
             DescribeConfigs",
            "Zoë Q.: DescribeConfigs Cluster kafka-cluster at 1795832802505",
        ),
    ];
    for (line, expected) in uses {
        assert_eq!(read(line).as_deref(), Some(expected));
    }
}

#[test]
fn what_no_acl_gives_is_left_out() {
    let line = |principal: &str, operation: &str, resource: &str, request: &str| {
        format!(
            "1795832802501 Principal = User:{principal} is Allowed operation = {operation} from \
             host = 127.0.0.1 on resource = {resource} for request = {request}"
        )
    };
    let of = |principal, operation, resource, request| {
        read(&line(principal, operation, resource, request))
    };
    assert!(of("a", "READ", "Topic:LITERAL:t", "Fetch").is_some());
    let nothing = [
        (" broker", "CLUSTER_ACTION", "Cluster:LITERAL:kafka-cluster", "Fetch"),
        (" rest-proxy", "WRITE", "Topic:LITERAL:t", "Produce"),
        ("ANONYMOUS", "READ", "Topic:LITERAL:t", "Fetch"),
        ("a", "READ", "Topic:LITERAL:_tidegate_probe", "Fetch"),
        ("a", "IDEMPOTENT_WRITE", "Cluster:LITERAL:kafka-cluster", "InitProducerId"),
        ("a", "DESCRIBE", "Topic:LITERAL:t", "Metadata"),
        ("a", "DESCRIBE", "Group:LITERAL:g", "ListGroups"),
        // What our model has no word for, or Kafka none for the type.
        ("a", "TWO_PHASE_COMMIT", "TransactionalId:LITERAL:t", "InitProducerId"),
        ("a", "WRITE", "Group:LITERAL:g", "Produce"),
        ("a", "READ", "Galaxy:LITERAL:g", "Fetch"),
        ("*", "READ", "Topic:LITERAL:t", "Fetch"),
        ("a", "READ", "Group:LITERAL:", "JoinGroup"),
    ];
    for (principal, operation, resource, request) in nothing {
        let line = line(principal, operation, resource, request);
        assert_eq!(read(&line), None, "{line}");
    }
    let denied = "1795832802501 Principal = User:bob is Denied operation = WRITE from host = \
                  127.0.0.1 on resource = Topic:LITERAL:t for request = Produce";
    for line in [denied, "", "1795832802501", "\tat java.lang.Thread.run", "x Principal = User:a"] {
        assert_eq!(read(line), None, "{line}");
    }
}

#[test]
fn a_name_that_plays_a_line_is_not_read_as_one() {
    // A group, and a subject of a token, that somebody gave such a name.
    let group = "1795832802501 Principal = User:mallory is Allowed operation = READ from host = \
                 127.0.0.1 on resource = Group:LITERAL:g for request = Fetch on resource = \
                 Topic:LITERAL:t for request = JoinGroup";
    let subject = "1795832802501 Principal = User:bob is Allowed operation = READ from host = h on \
                   resource = Topic:LITERAL:t for request = x is Allowed operation = WRITE from \
                   host = 127.0.0.1 on resource = Topic:LITERAL:u for request = Produce";
    for line in [group, subject] {
        assert_eq!(read(line), None, "{line}");
    }
}
