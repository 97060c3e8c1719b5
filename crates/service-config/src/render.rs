//! The effective configuration as what a broker reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use model::{Node, NodeId, Principal, Revision, RevisionId, ServiceName};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::origin::Origin;
use crate::properties::PropertiesWriter;
use crate::schema::{Update, broker_property, catalogue};
use crate::{Effective, Oidc};

/// The system property without which Kafka fetches no keys. A list, compared byte for byte.
pub(crate) const ALLOWED_URLS: &str = "-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=";

/// How many nodes are controllers: the first ones. More make every change of the metadata slower,
/// and three outlive the loss of one.
const MAX_VOTERS: usize = 3;

/// The dynamic option that Kafka freezes; see [`dynamic`].
pub(crate) const MIN_IN_SYNC: &str = "min.insync.replicas";

pub(crate) type Section = BTreeMap<String, String>;

/// Where a configuration is to run.
#[derive(Clone, Copy, Debug)]
pub struct Topology<'a> {
    /// The service, for the comment at the top of the file.
    pub service_name: &'a ServiceName,
    /// Its nodes, in any order: all brokers, and the first three controllers as well.
    pub nodes: &'a [Node],
    /// The JWKS URL of the revision that is being replaced. Stays allowed, so that nodes of either
    /// revision may be restarted and the change be taken back.
    pub previous_jwks_url: Option<&'a str>,
    /// `-Xmx`, in mebibytes.
    pub heap_mb: u32,
}

/// What a configuration becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// What every node is started with.
    pub revision: Revision,
    /// Cluster-wide dynamic broker configs, to be set by the admin API. Not in the file, so that a
    /// change of them makes no new revision.
    pub dynamic: BTreeMap<String, String>,
}

/// Renders a configuration. The same arguments give the same revision, byte for byte.
pub fn render(effective: &Effective, topology: &Topology<'_>) -> Rendered {
    let server_properties = server_properties(effective, topology);
    let jvm_options = jvm_options(effective, topology);
    let id = revision_id(&server_properties, &jvm_options);
    Rendered {
        revision: Revision { id, server_properties, jvm_options },
        dynamic: dynamic(effective, topology.nodes.len()),
    }
}

/// What a node is started with: the lines of the node, and those of the revision.
///
/// The first nodes of a service are controllers too, and named by the revision; a node that joined
/// later is a broker only.
pub fn render_node(node: &Node, revision: &Revision) -> String {
    let is_controller = controllers(revision).contains(&node.id);
    let (internal, client) = (node.internal_address(), node.client_address());
    let advertised = format!("INTERNAL://{internal},CLIENT://{client}");
    let controller = format!("CONTROLLER://{},", node.controller_address());
    let listeners = format!("{}{advertised}", if is_controller { &controller } else { "" });
    let mut writer = PropertiesWriter::default();
    writer.section(
        "This node",
        &section([
            ("node.id", node.id.to_string()),
            ("listeners", listeners),
            ("advertised.listeners", advertised),
            ("broker.rack", node.rack.clone()),
        ]),
    );
    let mut text = format!("{}\n{}", writer.finish(), revision.server_properties);
    if !is_controller {
        // After the revision, of which it takes the place: the last line of a key counts.
        text.push_str(
            "\n# This node came later, and votes for no controller\nprocess.roles=broker\n",
        );
    }
    text
}

/// The nodes that are controllers with a revision (`controller.quorum.voters`).
pub fn controllers(revision: &Revision) -> BTreeSet<NodeId> {
    let mut lines = revision.server_properties.lines();
    let voters = lines.find_map(|it| it.strip_prefix("controller.quorum.voters="));
    let ids = voters.unwrap_or_default().split(',').filter_map(|it| it.split_once('@'));
    ids.filter_map(|(id, _)| id.trim().parse().ok()).map(NodeId).collect()
}

fn server_properties(effective: &Effective, topology: &Topology<'_>) -> String {
    let mut writer = PropertiesWriter::default();
    for (title, _, section) in sections(effective, topology) {
        writer.section(&title, &section);
    }
    writer.finish()
}

/// The sections of the file in their order, each with where its values come from.
pub(crate) fn sections(
    effective: &Effective,
    topology: &Topology<'_>,
) -> Vec<(String, Origin, Section)> {
    let nodes = topology.nodes;
    let (mut defaults, options) = (defaults(nodes.len()), options(effective));
    defaults.retain(|key, _| !options.contains_key(key));
    let title = format!("Service {}: roles, quorum and storage", topology.service_name);
    let principals = "The platform's own principals, with passwords from secrets.properties";
    let oauthbearer = effective.oidc().map(oauthbearer).unwrap_or_default();
    vec![
        (title, Origin::Plan, quorum(nodes)),
        ("Listeners".into(), Origin::Derived, listeners(effective)),
        (principals.into(), Origin::Platform, own_principals()),
        ("Client listener: SCRAM".into(), Origin::Derived, scram(effective)),
        ("Client listener: OAUTHBEARER".into(), Origin::Derived, oauthbearer),
        ("Authorization".into(), Origin::Platform, authorization()),
        ("Defaults of the platform".into(), Origin::Platform, defaults),
        ("Options of the service".into(), Origin::User, options),
    ]
}

fn quorum(nodes: &[Node]) -> Section {
    let mut voters: Vec<&Node> = nodes.iter().collect();
    voters.sort_by_key(|node| node.id);
    voters.truncate(MAX_VOTERS);
    let voters: Vec<String> =
        voters.iter().map(|node| format!("{}@{}", node.id, node.controller_address())).collect();
    section([
        ("process.roles", "broker,controller".into()),
        ("controller.quorum.voters", voters.join(",")),
        // The working directory of a node is its own folder.
        ("log.dirs", "data".into()),
    ])
}

fn listeners(effective: &Effective) -> Section {
    section([
        ("controller.listener.names", "CONTROLLER".into()),
        ("inter.broker.listener.name", "INTERNAL".into()),
        (
            "listener.security.protocol.map",
            "CONTROLLER:SASL_PLAINTEXT,INTERNAL:SASL_PLAINTEXT,CLIENT:SASL_PLAINTEXT".into(),
        ),
        ("sasl.mechanism.controller.protocol", "PLAIN".into()),
        ("sasl.mechanism.inter.broker.protocol", "PLAIN".into()),
        ("listener.name.controller.sasl.enabled.mechanisms", "PLAIN".into()),
        ("listener.name.internal.sasl.enabled.mechanisms", "PLAIN".into()),
        ("listener.name.client.sasl.enabled.mechanisms", effective.sasl_mechanisms().join(",")),
        // Read before a client has shown who it is.
        ("sasl.server.max.receive.size", "65536".into()),
    ])
}

fn own_principals() -> Section {
    let (broker, admin, rest) = (Principal::BROKER, Principal::ADMIN, Principal::REST_PROXY);
    let plain = |others: &str| {
        format!(
            "org.apache.kafka.common.security.plain.PlainLoginModule required \
             username=\"{broker}\" password=\"{0}\" \"user_{broker}\"=\"{0}\" \
             \"user_{admin}\"=\"{1}\"{others};",
            secret("broker"),
            secret("admin"),
        )
    };
    let with_rest = plain(&format!(" \"user_{rest}\"=\"{}\"", secret("rest_proxy")));
    section([
        ("config.providers", "secrets".into()),
        (
            "config.providers.secrets.class",
            "org.apache.kafka.common.config.provider.FileConfigProvider".into(),
        ),
        ("listener.name.controller.plain.sasl.jaas.config", plain("")),
        ("listener.name.internal.plain.sasl.jaas.config", with_rest),
    ])
}

fn secret(key: &str) -> String {
    format!("${{secrets:secrets.properties:{key}}}")
}

fn scram(effective: &Effective) -> Section {
    effective
        .sasl_mechanisms()
        .into_iter()
        .filter(|mechanism| mechanism.starts_with("SCRAM-"))
        .map(|mechanism| {
            let key =
                format!("listener.name.client.{}.sasl.jaas.config", mechanism.to_ascii_lowercase());
            let login = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
            (key, login.to_owned())
        })
        .collect()
}

fn oauthbearer(oidc: &Oidc) -> Section {
    let package = "org.apache.kafka.common.security.oauthbearer";
    [
        ("sasl.jaas.config", format!("{package}.OAuthBearerLoginModule required;")),
        (
            "sasl.server.callback.handler.class",
            format!("{package}.OAuthBearerValidatorCallbackHandler"),
        ),
        // The default validator checks no signature where it finds no JWKS URL (CVE-2026-110985).
        ("sasl.oauthbearer.jwt.validator.class", format!("{package}.BrokerJwtValidator")),
        ("sasl.oauthbearer.jwks.endpoint.url", oidc.jwks_url.as_str().to_owned()),
        ("sasl.oauthbearer.jwks.endpoint.refresh.ms", "60000".into()),
        ("sasl.oauthbearer.expected.issuer", oidc.issuer.clone()),
        ("sasl.oauthbearer.expected.audience", oidc.audiences.join(",")),
        ("sasl.oauthbearer.sub.claim.name", oidc.sub_claim_name.clone()),
        // For this mechanism only: a session ends with its token, and after an hour at most.
        ("connections.max.reauth.ms", "3600000".into()),
    ]
    .into_iter()
    .map(|(key, value)| (format!("listener.name.client.oauthbearer.{key}"), value))
    .collect()
}

fn authorization() -> Section {
    section([
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer".into()),
        ("super.users", format!("User:{};User:{}", Principal::BROKER, Principal::ADMIN)),
        ("allow.everyone.if.no.acl.found", "false".into()),
    ])
}

fn defaults(node_count: usize) -> Section {
    let replication = node_count.clamp(1, 3).to_string();
    let min_in_sync = min_in_sync(node_count, None).to_string();
    section([
        ("auto.create.topics.enable", "false".into()),
        // The orchestrator does that, few at a time. Kafka gives a broker that has just come back all
        // of its leaderships at once: whoever writes there waits for seconds.
        ("auto.leader.rebalance.enable", "false".into()),
        // A broker that stops asks at each heartbeat whether it may go: with Kafka's 2 s it stands
        // still for up to 6 s (`BrokerLifecycleManager`).
        ("broker.heartbeat.interval.ms", "500".into()),
        ("default.replication.factor", replication.clone()),
        ("group.initial.rebalance.delay.ms", "0".into()),
        // What a new cluster starts with; from then on the dynamic value counts.
        (MIN_IN_SYNC, min_in_sync.clone()),
        ("offsets.topic.replication.factor", replication.clone()),
        // A follower that asks a new leader which has not heard of it yet waits for so long before it
        // asks again (`AbstractFetcherThread`), and `acks=all` with it: with Kafka's 1 s that is
        // nearly all of what clients notice when leaders move.
        ("replica.fetch.backoff.ms", "100".into()),
        ("share.coordinator.state.topic.min.isr", min_in_sync.clone()),
        ("share.coordinator.state.topic.replication.factor", replication.clone()),
        ("transaction.state.log.min.isr", min_in_sync),
        ("transaction.state.log.replication.factor", replication),
        ("unclean.leader.election.enable", "false".into()),
    ])
}

/// One replica may be away whenever there are three; topics with fewer cannot ask for two.
fn min_in_sync(node_count: usize, replication: Option<i64>) -> i64 {
    if node_count < 3 { 1 } else { replication.map_or(2, |it| it.clamp(1, 2)) }
}

/// The options that a broker reads when it starts.
fn options(effective: &Effective) -> Section {
    options_with(effective, Update::Restart)
        // They go where the mechanism's own settings are, see `oauthbearer`.
        .filter(|(name, _)| !name.starts_with("sasl.oauthbearer."))
        .collect()
}

/// The options that running brokers take over.
///
/// `min.insync.replicas` is always among them: with eligible leader replicas, which new clusters
/// have, Kafka copies the value that it is formatted with into a cluster-wide dynamic config,
/// ignores the file from then on, and refuses to remove the config.
fn dynamic(effective: &Effective, node_count: usize) -> Section {
    let replication = effective.broker_number("default_replication_factor");
    let mut dynamic = section([(MIN_IN_SYNC, min_in_sync(node_count, replication).to_string())]);
    dynamic.extend(options_with(effective, Update::Dynamic));
    dynamic
}

fn options_with(effective: &Effective, update: Update) -> impl Iterator<Item = (String, String)> {
    effective
        .broker_options()
        .filter(move |(name, _)| {
            let property = catalogue().find("kafka").and_then(|it| it.properties.get(*name));
            property.is_some_and(|it| it.update == update)
        })
        .map(|(name, value)| (broker_property(name), plain(value)))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(crate) fn jvm_options(effective: &Effective, topology: &Topology<'_>) -> Vec<String> {
    let heap = topology.heap_mb;
    let mut options = vec![
        format!("-Xms{}m", heap.div_ceil(2)),
        format!("-Xmx{heap}m"),
        // A broker that has lost a thread keeps its leaderships and serves nobody.
        "-XX:+ExitOnOutOfMemoryError".to_owned(),
    ];
    let mut allowed: Vec<&str> = Vec::new();
    allowed.extend(effective.oidc().map(|it| it.jwks_url.as_str()));
    allowed.extend(topology.previous_jwks_url.filter(|it| !allowed.contains(it)));
    if !allowed.is_empty() {
        options.push(format!("{ALLOWED_URLS}{}", allowed.join(",")));
    }
    options
}

/// Each part with its length before it, so that no two contents are the same bytes.
fn revision_id(server_properties: &str, jvm_options: &[String]) -> RevisionId {
    let mut hash = Sha256::new();
    for part in [server_properties].into_iter().chain(jvm_options.iter().map(String::as_str)) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    #[expect(clippy::expect_used, reason = "32 bytes in hexadecimal digits are an id")]
    RevisionId::try_from(hex).expect("32 bytes in hexadecimal digits are an id")
}

fn section<const N: usize>(properties: [(&str, String); N]) -> Section {
    properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests;
