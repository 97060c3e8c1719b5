//! Fills the database: projects of services, users and ACL entries.

use std::time::Instant;

use anyhow::Context as _;
use control_plane::{api_token, token_hash, token_prefix};
use model::{Grants, Node, NodeId, NodePorts, Role, Scope, ServiceName, UrlPolicy};
use service_config::{Rendered, Rules, Topology, UserConfig, effective, render};
use sqlx::{PgPool, Postgres, QueryBuilder};
use store::{By, MasterKeys, NewToken, Store};
use uuid::Uuid;

pub(crate) const PER_PROJECT: usize = 500;
/// What people ask of an installation that is large.
pub(crate) const LARGE: Size = Size { projects: 20, users: 100, at_one: 0 };
/// What the console is asked for.
pub(crate) const ONE_PROJECT: Size = Size { projects: 1, users: 20, at_one: 10_000 };
/// The service that has more than the others.
pub(crate) const ONE: usize = 250;
/// As an operator's, and of use here only.
pub(crate) const MASTER_KEY: &str = "YmVuY2htYXJrLWtleS1vZi10aGlydHktdHdvLWJ5dGU=";

/// How much there shall be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// How many projects, of [`PER_PROJECT`] services each.
    pub(crate) projects: usize,
    /// How many users each service has, and how many ACL entries.
    users: i32,
    /// How many ACL entries one service has beside those.
    at_one: i32,
}

/// What there is.
pub(crate) struct Seeded {
    pub(crate) services: f64,
    pub(crate) users: f64,
    /// How long it took to seal every password.
    pub(crate) sealing_secs: f64,
    /// Opens every project.
    pub(crate) token: String,
}

pub(crate) fn project_name(at: usize) -> String {
    format!("project-{}", at / PER_PROJECT % LARGE.projects)
}

pub(crate) fn service_name(at: usize) -> String {
    format!("kafka-{}", at % PER_PROJECT)
}

pub(crate) fn service_path(at: usize) -> String {
    format!("/v1/project/{}/service/{}", project_name(at), service_name(at))
}

/// A service as the program makes it, but for its passwords.
struct Service {
    id: Uuid,
    at: usize,
    nodes: Vec<Node>,
    rendered: Rendered,
}

impl Service {
    fn new(at: usize) -> anyhow::Result<Self> {
        let node = |id: i32| -> anyhow::Result<Node> {
            let first = u16::try_from(20_000 + 10 * (at % 4_000))?;
            let ports = NodePorts { controller: first, internal: first + 1, client: first + 2 };
            // Each node is on a host of its own, and ports repeat after a while.
            let host = format!("host-{}-{id}.example.net", at / 4_000);
            Ok(Node { id: NodeId(id), host, ports, rack: format!("rack-{id}") })
        };
        let nodes = (1..=3).map(node).collect::<anyhow::Result<Vec<_>>>()?;
        let rules = Rules { url_policy: UrlPolicy::HttpsOnly };
        let effective = effective(&config(), &rules).map_err(|it| anyhow::anyhow!("{it:?}"))?;
        let name: ServiceName = service_name(at).parse()?;
        let topology =
            Topology { service_name: &name, nodes: &nodes, previous_jwks_url: None, heap_mb: 512 };
        Ok(Self { id: Uuid::now_v7(), at, rendered: render(&effective, &topology), nodes })
    }
}

fn config() -> UserConfig {
    let config = serde_json::json!({ "kafka_authentication_methods": { "sasl": true } });
    config.as_object().cloned().unwrap_or_default()
}

/// Fills an empty database that has our schema; one that was filled before stays as it is.
pub(crate) async fn fill(pool: &PgPool, url: &str, size: Size) -> anyhow::Result<Seeded> {
    let keys = MasterKeys::parse(&MASTER_KEY.to_owned().into())?;
    let store = Store::connect(url, store::CONNECTIONS)?.with_keys(keys);
    let there: i64 = sqlx::query_scalar("select count(*) from service").fetch_one(pool).await?;
    for project in (0..size.projects).filter(|_| there == 0) {
        let name = format!("project-{project}").parse()?;
        store.projects.ensure(&name, &By::from("bench")).await?;
        let services: Vec<Service> = (0..PER_PROJECT)
            .map(|it| Service::new(project * PER_PROJECT + it))
            .collect::<anyhow::Result<_>>()?;
        insert(pool, &services).await?;
    }
    let users = if there == 0 { users(pool, size).await? } else { there * i64::from(size.users) };
    let began = Instant::now();
    if there == 0 {
        store.keys.rotate(|_| {}).await?;
    }
    let sealing_secs = began.elapsed().as_secs_f64();
    sqlx::query("vacuum analyze").execute(pool).await?;
    let token = api_token()?;
    let new = NewToken {
        hash: token_hash(token.expose()),
        prefix: token_prefix(token.expose()),
        owner: "bench".into(),
        grants: Grants::one(Scope::Everywhere, Role::Admin),
        description: String::new(),
        max_age_secs: None,
        extend_when_used: false,
    };
    store.tokens.add(&new, &By::from("bench")).await?;
    let services: i64 = sqlx::query_scalar("select count(*) from service").fetch_one(pool).await?;
    Ok(Seeded {
        services: float(services),
        users: float(users),
        sealing_secs,
        token: token.expose().to_owned(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a count of rows")]
const fn float(count: i64) -> f64 {
    count as f64
}

/// Services with nodes, as they are after their first rollout.
async fn insert(pool: &PgPool, services: &[Service]) -> anyhow::Result<()> {
    let mut revisions = QueryBuilder::<Postgres>::new(
        "insert into revision (revision_id, server_properties, jvm_options) ",
    );
    revisions.push_values(services, |mut row, it| {
        let revision = &it.rendered.revision;
        row.push_bind(revision.id.as_str())
            .push_bind(&revision.server_properties)
            .push_bind(serde_json::json!(revision.jvm_options));
    });
    revisions.build().execute(pool).await.context("revisions")?;
    let mut rows = QueryBuilder::<Postgres>::new(
        "insert into service (service_id, project_name, service_name, plan, cluster_id, user_config,
                              target_revision, dynamic_config, rest_host, rest_port) ",
    );
    rows.push_values(services, |mut row, it| {
        row.push_bind(it.id)
            .push_bind(project_name(it.at))
            .push_bind(service_name(it.at))
            .push_bind("business-4")
            .push_bind(format!("{:022}", it.at))
            .push_bind(serde_json::Value::Object(config()))
            .push_bind(it.rendered.revision.id.as_str())
            .push_bind(serde_json::json!(it.rendered.dynamic))
            .push_bind(&it.nodes[0].host)
            .push_bind(i32::from(it.nodes[0].ports.client) + 1);
    });
    rows.build().execute(pool).await.context("services")?;
    let nodes = services.iter().flat_map(|it| it.nodes.iter().map(move |node| (it, node)));
    let mut rows = QueryBuilder::<Postgres>::new(
        "insert into node (service_id, node_id, host, controller_port, internal_port, client_port,
                           rack, pinned_revision, status, status_at) ",
    );
    rows.push_values(nodes, |mut row, (service, node)| {
        let status = serde_json::json!({
            "node": node.id.0, "state": "running",
            "revision": service.rendered.revision.id.as_str(), "active_controller": false,
            "waiting_for": null, "phase": null,
        });
        row.push_bind(service.id)
            .push_bind(node.id.0)
            .push_bind(&node.host)
            .push_bind(i32::from(node.ports.controller))
            .push_bind(i32::from(node.ports.internal))
            .push_bind(i32::from(node.ports.client))
            .push_bind(&node.rack)
            .push_bind(service.rendered.revision.id.as_str())
            .push_bind(status)
            .push("now() + interval '1 day'");
    });
    rows.build().execute(pool).await.context("nodes")?;
    Ok(())
}

/// Users, ACL entries, secrets and an ended rollout for each service. Returns how many users.
async fn users(pool: &PgPool, size: Size) -> anyhow::Result<i64> {
    let statements = [
        "insert into service_secret (service_id, broker_password, admin_password, rest_proxy_password)
         select service_id, 'b-' || service_id, 'a-' || service_id, 'r-' || service_id from service",
        "insert into rollout (rollout_id, service_id, target_revision, started_by, ended_at, outcome)
         select gen_random_uuid(), service_id, target_revision, 'bench', now(), 'done' from service",
        "update service set stable_revision = target_revision, stable_user_config = user_config,
                            stable_dynamic_config = dynamic_config",
    ];
    for statement in statements {
        sqlx::query(statement).execute(pool).await?;
    }
    let users = sqlx::query(
        "insert into service_user (service_id, username, type, password, applied_version)
         select service_id, case n when 1 then 'avnadmin' else 'user-' || n end,
                case n when 1 then 'primary' else 'normal' end, md5(service_id || '-' || n), 1
         from service, generate_series(1, $1) as n",
    )
    .bind(size.users)
    .execute(pool)
    .await?;
    sqlx::query(
        "insert into acl_entry (service_id, acl_id, permission, topic, username)
         select service_id, 'acl' || lpad(to_hex(n), 11, '0'), 'readwrite', 'topic-' || n || '*',
                'user-' || n
         from service, generate_series(1, $1) as n",
    )
    .bind(size.users)
    .execute(pool)
    .await?;
    sqlx::query(
        "insert into acl_entry (service_id, acl_id, permission, topic, username)
         select service_id, 'one' || lpad(to_hex(n), 11, '0'), 'read', 'other-' || n,
                'user-' || 2 + n % $2
         from service, generate_series(1, $1) as n where service_name = $3",
    )
    .bind(size.at_one)
    .bind(size.users - 1)
    .bind(service_name(ONE))
    .execute(pool)
    .await?;
    Ok(i64::try_from(users.rows_affected())?)
}
