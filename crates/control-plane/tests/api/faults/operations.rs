//! Every operation that changes something, with a request that does so.

use http::StatusCode;
use model::Timestamp;
use serde_json::{Value, json};

use super::world::{World, kafka_acl, probe_credentials, restarts};

const SERVICE: &str = "/v1/project/{project}/service/{service}";

/// What the same request does once more, when the first was done and nobody heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Nothing.
    Nothing,
    /// It finds what there is, and says so with this status.
    Says(StatusCode),
    /// The same as the first: the thing is there twice, or has changed twice.
    Repeats,
}

/// A request that changes something.
pub(super) struct Operation {
    pub(super) method: &'static str,
    /// As the document has it.
    pub(super) template: String,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// What has to be done first.
    pub(super) first: Vec<(&'static str, String, Option<Value>)>,
    pub(super) again: Again,
}

/// Those that change nothing in the database.
pub(super) const OTHERS: [(&str, &str); 9] = [
    ("POST", "/v1/userauth"),
    ("POST", "/v1/project/{project}/service/{service}/logs"),
    ("POST", "/v1/project/{project}/service/{service}/metrics"),
    ("POST", "/v1/project/{project}/service/{service}/rollouts/forecast"),
    ("POST", "/v1/project/{project}/service/{service}/task"),
    ("POST", "/v2/project/{project}/service/{service}/topic"),
    ("PUT", "/v1/project/{project}"),
    // There is no schema registry.
    ("POST", "/v1/project/{project}/service/{service}/kafka/schema-registry/acl"),
    ("DELETE", "/v1/project/{project}/service/{service}/kafka/schema-registry/acl/{acl}"),
];

impl Operation {
    pub(super) fn title(&self) -> String {
        format!("{:<6} {}", self.method, self.template)
    }
}

/// One for each, some with two.
pub(super) fn all(world: &World) -> Vec<Operation> {
    let mut all = tokens_and_projects();
    all.extend(services());
    all.extend(access(world));
    all.extend(rollouts(world));
    all
}

/// Brokers take the option over while they run, so all that there is to write is the service.
pub(super) fn of_one_statement() -> Operation {
    let body = json!({ "user_config": { "kafka": { "log_retention_ms": 123_456 } } });
    operation("PUT", "SERVICE", &[], Some(body), Again::Nothing)
}

fn operation(
    method: &'static str,
    template: &str,
    values: &[(&str, &str)],
    body: Option<Value>,
    again: Again,
) -> Operation {
    let template = template.replace("SERVICE", SERVICE);
    let mut path = template.replace("{project}", "dev");
    for (name, value) in values.iter().chain(&[("{service}", "my-kafka")]) {
        path = path.replace(name, value);
    }
    assert!(!path.contains('{'), "no value for a parameter of {path}");
    Operation { method, template, path, body, first: Vec::new(), again }
}

fn tokens_and_projects() -> Vec<Operation> {
    let root = World::root_prefix();
    let token = [("{token}", root.as_str())];
    let unknown = Again::Says(StatusCode::UNAUTHORIZED);
    let one = "/v1/access_token/{token}";
    let described = |text: &str| Some(json!({ "description": text }));
    vec![
        operation("POST", "/v1/access_token", &[], described("new"), Again::Repeats),
        operation("PUT", one, &token, described("anew"), Again::Repeats),
        operation("DELETE", one, &token, None, unknown),
        operation("POST", "/v1/me/expire_tokens", &[], None, unknown),
        operation("POST", "/v1/me/logout", &[], None, unknown),
        operation(
            "POST",
            "/v1/project",
            &[],
            Some(json!({ "project": "new" })),
            Again::Says(StatusCode::CONFLICT),
        ),
    ]
}

fn services() -> Vec<Operation> {
    let exists = Again::Says(StatusCode::CONFLICT);
    let gone = Again::Says(StatusCode::NOT_FOUND);
    let create = |config: Value| {
        Some(json!({
            "service_name": "new", "service_type": "kafka", "plan": "business-4",
            "user_config": config,
        }))
    };
    let update = |config: Value| Some(json!({ "plan": "business-4", "user_config": config }));
    let made = "/v1/project/{project}/service";
    let (mine, idle) = ([], [("{service}", "idle")]);
    let (closed, open) =
        (json!({ "kafka_rest_authorization": true }), json!({ "kafka_rest_authorization": false }));
    let tags = || Some(json!({ "tags": { "owner": "ann", "team": null } }));
    let mut warned = operation("PUT", "SERVICE", &idle, update(open.clone()), Again::Nothing);
    warned.first = vec![("PUT", warned.path.clone(), update(closed))];
    vec![
        operation("POST", made, &[], create(json!({})), exists),
        // With a warning in the events.
        operation("POST", made, &[], create(json!({ "kafka_rest": true })), exists),
        warned,
        operation("PUT", "SERVICE", &mine, update(restarts(1_600_000)), Again::Nothing),
        operation("DELETE", "SERVICE", &mine, None, gone),
        operation("PATCH", "SERVICE/tags", &mine, tags(), Again::Nothing),
        operation("PUT", "SERVICE/tags", &mine, tags(), Again::Nothing),
        operation("POST", "SERVICE/nodes", &idle, Some(json!({ "count": 2 })), Again::Repeats),
        operation("DELETE", "SERVICE/nodes/{node}", &[("{node}", "4")], None, Again::Nothing),
        operation("PUT", "SERVICE/maintenance/start", &mine, None, Again::Nothing),
        operation(
            "PUT",
            "SERVICE/probe-credentials",
            &mine,
            Some(probe_credentials("other")),
            Again::Repeats,
        ),
        operation("DELETE", "SERVICE/probe-credentials", &mine, None, gone),
    ]
}

fn access(world: &World) -> Vec<Operation> {
    let gone = Again::Says(StatusCode::NOT_FOUND);
    let exists = Again::Says(StatusCode::CONFLICT);
    let alice = [("{user}", "alice")];
    let body = |body: Value| Some(body);
    let quota = operation("DELETE", "SERVICE/quota", &[], None, gone);
    vec![
        operation("POST", "SERVICE/user", &[], body(json!({ "username": "bob" })), exists),
        operation(
            "PUT",
            "SERVICE/user/{user}",
            &alice,
            body(json!({ "operation": "reset-credentials" })),
            Again::Repeats,
        ),
        operation("PUT", "SERVICE/user/{user}/credentials/reset", &alice, None, Again::Repeats),
        operation("POST", "SERVICE/user/{user}/reset-credentials", &alice, None, Again::Repeats),
        operation("PUT", "SERVICE/credentials/reset", &[], None, Again::Repeats),
        operation("DELETE", "SERVICE/user/{user}", &alice, None, gone),
        operation(
            "POST",
            "SERVICE/acl",
            &[],
            body(json!({ "permission": "write", "topic": "orders", "username": "alice" })),
            exists,
        ),
        operation("DELETE", "SERVICE/acl/{acl}", &[("{acl}", &world.acl)], None, gone),
        operation("POST", "SERVICE/kafka/acl", &[], body(kafka_acl("User:bob")), exists),
        operation("DELETE", "SERVICE/kafka/acl/{acl}", &[("{acl}", &world.kafka_acl)], None, gone),
        operation(
            "POST",
            "SERVICE/quota",
            &[],
            body(json!({ "user": "alice", "consumer_byte_rate": 5, "producer_byte_rate": 6 })),
            Again::Repeats,
        ),
        Operation { path: format!("{}?user=alice", quota.path), ..quota },
        // Kafka is asked first whether it would do it.
        operation(
            "POST",
            "SERVICE/topic",
            &[],
            body(json!({ "topic_name": "payments", "partitions": 2 })),
            exists,
        ),
        operation(
            "PUT",
            "SERVICE/topic/{topic}",
            &[("{topic}", "orders")],
            body(json!({ "partitions": 6 })),
            Again::Repeats,
        ),
        operation("DELETE", "SERVICE/topic/{topic}", &[("{topic}", "orders")], None, gone),
        operation("POST", "/v1/rest-proxy/seen", &[], body(seen()), Again::Nothing),
    ]
}

/// What a REST proxy tells.
fn seen() -> Value {
    let last = Timestamp::now();
    json!({
        "uses": [{
            "principal": "alice", "proven": true, "resource_type": "Topic",
            "resource_name": "orders", "operation": "Read", "last": last,
        }],
        "claims": [],
    })
}

fn rollouts(world: &World) -> Vec<Operation> {
    let it = [("{rollout}", world.rollout.as_str())];
    let path = |command: &str| format!("SERVICE/rollouts/{{rollout}}/{command}");
    let under_way = Again::Says(StatusCode::CONFLICT);
    let pause = || Some(json!({ "reason": "lunch" }));
    let consent = Some(json!({ "name": "ann", "reason": "tested", "remedy": "outage" }));
    let mut resume = operation("POST", &path("resume"), &it, None, Again::Nothing);
    resume.first =
        vec![("POST", operation("POST", &path("pause"), &it, None, under_way).path, pause())];
    let start = Some(json!({ "all_nodes": true }));
    vec![
        operation("POST", "SERVICE/rollouts", &[("{service}", "idle")], start, under_way),
        operation("POST", &path("pause"), &it, pause(), Again::Repeats),
        resume,
        operation("POST", &path("abort"), &it, None, Again::Nothing),
        operation("POST", &path("rollback"), &it, None, Again::Nothing),
        operation("POST", &path("consent"), &it, consent, Again::Repeats),
        operation("POST", &path("start-now"), &it, None, Again::Nothing),
    ]
}
