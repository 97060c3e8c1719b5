//! An installation in which everything can be changed, and control planes on it.

use std::time::Duration;

use control_plane::{alarm, token_hash, token_prefix};
use http::StatusCode;
use model::{Grants, Role, Scope, ServiceId};
use rolling::{End, Policy};
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use testkit::bench::{Addresses, Fleet, SimulatedBrokers};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::proxy::Proxy;
use super::snapshot::{Snapshot, Tables};
use crate::harness::{Answer, Api, SERVICE, add_token, settings, store};

/// May do everything.
pub(crate) const ROOT: &str = "token-of-root";
/// Of the REST proxy of `my-kafka`.
const REST_PROXY: &str = "token-of-proxy";

/// Services `my-kafka` (a change waits for its window) and `idle`, with one of each thing.
pub(crate) struct World {
    pub(crate) pool: PgPool,
    pub(crate) proxy: Proxy,
    pub(crate) tables: Tables,
    /// As it is at first.
    pub(crate) start: Snapshot,
    pub(crate) acl: String,
    pub(crate) kafka_acl: String,
    pub(crate) rollout: String,
    /// How it is reached through the proxy.
    pub(crate) options: PgConnectOptions,
    /// Brokers of `my-kafka`, as long as this value lives.
    _kafka: JoinSet<()>,
}

/// A control plane on this pool.
pub(crate) fn control_plane(pool: &PgPool) -> Api {
    let (_, wake) = alarm(CancellationToken::new());
    Api::of(store(pool), settings(), wake, None)
}

/// The token of who may ask for that: a REST proxy, or whoever may do everything.
pub(crate) fn token_for(path: &str) -> &'static str {
    if path.starts_with("/v1/rest-proxy/") { REST_PROXY } else { ROOT }
}

/// Asks as root, or as the REST proxy what only that may.
pub(crate) async fn ask(api: &Api, method: &str, path: &str, body: Option<Value>) -> Answer {
    api.call_as(token_for(path), method, path, body).await
}

fn id(answer: &Value, of: &str) -> String {
    answer[of]["id"].as_str().unwrap().to_owned()
}

async fn fill(api: &Api) -> (String, String) {
    let post = async |path: &str, body| {
        let answer = ask(api, "POST", &format!("{SERVICE}{path}"), Some(body)).await;
        answer.ok()
    };
    post("/user", json!({ "username": "alice" })).await;
    let acl = json!({ "permission": "read", "topic": "orders", "username": "alice" });
    let acl = post("/acl", acl).await["acl"].as_array().unwrap().last().unwrap()["id"].clone();
    let kafka_acl = id(&post("/kafka/acl", kafka_acl("User:alice")).await, "acl");
    post("/quota", json!({ "user": "alice", "consumer_byte_rate": 1000 })).await;
    post("/nodes", json!({ "count": 1 })).await;
    let probe = format!("{SERVICE}/probe-credentials");
    ask(api, "PUT", &probe, Some(probe_credentials("probe"))).await.ok();
    let tags = json!({ "tags": { "team": "orders" } });
    ask(api, "PUT", &format!("{SERVICE}/tags"), Some(tags)).await.ok();
    (acl.as_str().unwrap().to_owned(), kafka_acl)
}

pub(crate) fn kafka_acl(principal: &str) -> Value {
    json!({
        "principal": principal, "resource_name": "orders", "resource_type": "Topic",
        "pattern_type": "LITERAL", "operation": "Read", "permission_type": "ALLOW",
    })
}

pub(crate) fn probe_credentials(client: &str) -> Value {
    json!({
        "token_url": "https://idp.example.com/token", "client_id": client,
        "client_secret": "hunter2", "parameters": { "audience": "kafka" },
    })
}

/// A change of `my-kafka` for which its nodes restart.
pub(crate) fn restarts(ms: i64) -> Value {
    json!({ "kafka": { "group_max_session_timeout_ms": ms } })
}

/// Brokers for the first three nodes of a service, which do what they are told.
async fn kafka(api: &Api, service: ServiceId, pool: &PgPool) -> JoinSet<()> {
    let password = api.store.services.secrets(service).await.unwrap().unwrap().admin;
    let simulated = SimulatedBrokers { clusters: 1, password: password.expose().to_owned() };
    let fleet = Fleet::listen(&simulated).await.unwrap();
    let Addresses { port, hosts } = fleet.addresses().clone();
    for (node, host) in (1..).zip(&hosts[0]) {
        sqlx::query(
            "update node set host = $3, internal_port = $4 where service_id = $1 and node_id = $2",
        )
        .bind(service.0)
        .bind(node)
        .bind(host)
        .bind(i32::from(port))
        .execute(pool)
        .await
        .unwrap();
    }
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { fleet.serve().await.unwrap() });
    tasks
}

impl World {
    pub(crate) async fn new(pool: &PgPool) -> Self {
        let api = Api::empty(pool).await;
        add_token(&api.store, ROOT, Grants::one(Scope::Everywhere, Role::Admin)).await;
        for name in ["idle", "my-kafka"] {
            let body = json!({
                "service_name": name, "service_type": "kafka", "plan": "business-4",
                "user_config": { "kafka_rest": true },
            });
            let made = ask(&api, "POST", "/v1/project/dev/service", Some(body)).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
            let (project, name) = ("dev".parse().unwrap(), name.parse().unwrap());
            let service = api.store.services.get(&project, &name).await.unwrap().unwrap().id;
            let active = api.store.rollouts.active(service, Policy::default()).await;
            api.store.rollouts.end(service, &active.unwrap().unwrap(), End::Done).await.unwrap();
        }
        let (acl, kafka_acl) = fill(&api).await;
        let topic = store::DesiredTopic {
            name: "orders".parse().unwrap(),
            partitions: 3,
            replication: 3,
            config: [].into(),
            tags: Vec::new(),
            deleting: false,
            problem: None,
        };
        let service = api.service().await.id;
        api.store.topics.create(service, &topic, &"test".into()).await.unwrap();
        let token = token_hash(REST_PROXY);
        api.store.tokens.replace_rest_proxy(&token, service).await.unwrap();
        let kafka = kafka(&api, service, pool).await;
        // A week is long, and every day has another.
        let dow = if is_monday_or_close() { "thursday" } else { "monday" };
        let waits = json!({
            "maintenance": { "dow": dow, "time": "03:00:00" },
            "tidegate": { "apply": "in_maintenance_window" }, "user_config": restarts(1_700_000),
        });
        ask(&api, "PUT", SERVICE, Some(waits)).await.ok();
        let rollout = api.store.rollouts.active(service, Policy::default()).await.unwrap();
        let rollout = rollout.unwrap().id.to_string();
        let tables = Tables::of(pool).await;
        let proxy = Proxy::start(pool).await;
        let options = proxy.options(pool).await;
        let mut world = Self {
            pool: pool.clone(),
            start: tables.look().await,
            proxy,
            tables,
            acl,
            kafka_acl,
            rollout,
            options,
            _kafka: kafka,
        };
        // Uses of tokens are not written down from now on.
        sqlx::query("update api_token set last_used_at = '2100-01-01'")
            .execute(pool)
            .await
            .unwrap();
        world.start = world.tables.look().await;
        world
    }

    /// A control plane behind the proxy, with that many connections. With one, the flights of a request
    /// come in an order, and a request that needs two at once does not end.
    pub(crate) fn behind_proxy(&self, connections: u32, patience: Duration) -> (Api, PgPool) {
        let pool = store::pool_options()
            .max_connections(connections)
            .acquire_timeout(patience)
            .connect_lazy_with(self.options.clone());
        (control_plane(&pool), pool)
    }

    /// The start of root's token.
    pub(crate) fn root_prefix() -> String {
        token_prefix(ROOT)
    }
}

fn is_monday_or_close() -> bool {
    // 1970-01-01 was a Thursday.
    let day = (model::Timestamp::now().0 / 86_400_000 + 3) % 7;
    matches!(day, 6 | 0)
}
