//! Kafka services: what was asked for, and what follows from it.

mod brief;
mod create;
mod life;
mod probe;
mod update;

use std::collections::BTreeMap;

use model::{
    Node, ProjectName, RevisionId, Secret, ServiceId, ServiceName, ServiceState, Timestamp,
};
use serde_json::{Map, Value};
use sqlx::PgPool;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

pub use crate::services::brief::ServiceBrief;
pub use crate::services::create::{CreateServiceError, NewService};
pub use crate::services::life::TerminateError;
pub use crate::services::probe::ProbeCredentials;
pub use crate::services::update::{Applied, ApplyError, ServiceChange};
use crate::vault::{Column, Place, Vault, reread};
use crate::{Refusal, StoreError, decode, nodes, refusals, timestamp};

/// Kafka services.
#[derive(Clone, Debug)]
pub struct Services {
    pub(crate) pool: PgPool,
    pub(crate) vault: Vault,
}

/// A Kafka service.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "a row has what its table has")]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// The project that it belongs to.
    pub project: ProjectName,
    /// Its name.
    pub name: ServiceName,
    /// Its plan.
    pub plan: String,
    /// Kafka's cluster id.
    pub cluster_id: String,
    /// What users set; defaults are not in it.
    pub user_config: Map<String, Value>,
    /// The revision that every node shall run.
    pub target: RevisionId,
    /// Cluster-wide dynamic broker configuration.
    pub dynamic_config: BTreeMap<String, String>,
    /// The JWKS URL before the present one.
    pub previous_jwks_url: Option<String>,
    /// Whether it may be terminated or powered off.
    pub termination_protection: bool,
    /// Day of the week of the maintenance window.
    pub maintenance_dow: Option<String>,
    /// Start of the maintenance window, `HH:MM:SS` in UTC.
    pub maintenance_time: Option<String>,
    /// Whether changes that need a rolling restart wait for the maintenance window.
    pub apply_in_window: bool,
    /// `host:port` on which its REST proxy listens.
    pub rest_address: String,
    /// Whether a rollout is under way, or the service is switched off.
    pub state: ServiceState,
    /// Whether its nodes shall run.
    pub powered: bool,
    /// Whether it goes, with all that it has.
    pub terminating: bool,
    /// What people wrote on it, by key.
    pub tags: BTreeMap<String, String>,
    /// Grows with each change.
    pub generation: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Its nodes, by id.
    pub nodes: Vec<Node>,
    /// What Kafka refuses of what it shall have, oldest first.
    pub refusals: Vec<Refusal>,
}

/// Passwords of the platform's own principals within a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSecrets {
    /// Of [`model::Principal::BROKER`].
    pub broker: Secret,
    /// Of [`model::Principal::ADMIN`].
    pub admin: Secret,
    /// Of [`model::Principal::REST_PROXY`].
    pub rest_proxy: Secret,
}

#[expect(clippy::struct_excessive_bools, reason = "a row has what its table has")]
struct Row {
    service_id: Uuid,
    project_name: String,
    service_name: String,
    plan: String,
    cluster_id: String,
    user_config: Json<Map<String, Value>>,
    target_revision: String,
    dynamic_config: Json<BTreeMap<String, String>>,
    previous_jwks_url: Option<String>,
    termination_protection: bool,
    maintenance_dow: Option<String>,
    maintenance_time: Option<String>,
    apply_in_window: bool,
    rest_host: String,
    rest_port: i32,
    generation: i64,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    powered: bool,
    terminating: bool,
    tags: Json<BTreeMap<String, String>>,
    rolling: bool,
    nodes: Option<Json<Vec<NodeRow>>>,
    refusals: Option<Json<Vec<refusals::Row>>>,
}

/// Its number, host, ports of controller, internal and client listener, and rack.
type NodeRow = (i32, String, i32, i32, i32, String);

impl Services {
    /// Every service of a project, by name; those that are terminated are none of it.
    pub async fn list(&self, project: &ProjectName) -> Result<Vec<Service>, StoreError> {
        self.select(Some(project), None, None).await
    }

    /// The service of that name.
    pub async fn get(
        &self,
        project: &ProjectName,
        name: &ServiceName,
    ) -> Result<Option<Service>, StoreError> {
        Ok(self.select(Some(project), Some(name), None).await?.pop())
    }

    /// The service of that id, one that is terminated included.
    pub async fn by_id(&self, id: ServiceId) -> Result<Option<Service>, StoreError> {
        Ok(self.select(None, None, Some(id)).await?.pop())
    }

    /// The ids of all services of this installation.
    pub async fn ids(&self) -> Result<Vec<ServiceId>, StoreError> {
        let ids = sqlx::query_scalar!("select service_id from service order by service_id")
            .fetch_all(&self.pool)
            .await?;
        Ok(ids.into_iter().map(ServiceId).collect())
    }

    /// The passwords of a service's own principals.
    pub async fn secrets(&self, id: ServiceId) -> Result<Option<ServiceSecrets>, StoreError> {
        reread(|| self.secrets_once(id)).await
    }

    async fn secrets_once(&self, id: ServiceId) -> Result<Option<ServiceSecrets>, StoreError> {
        let row = sqlx::query!(
            "select broker_password, admin_password, rest_proxy_password
             from service_secret where service_id = $1",
            id.0
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let open = async |column, text: String| {
            self.vault.open(Place::of_service(column, id), &text).await
        };
        Ok(Some(ServiceSecrets {
            broker: open(Column::BrokerPassword, row.broker_password).await?,
            admin: open(Column::AdminPassword, row.admin_password).await?,
            rest_proxy: open(Column::RestProxyPassword, row.rest_proxy_password).await?,
        }))
    }

    async fn select(
        &self,
        project: Option<&ProjectName>,
        name: Option<&ServiceName>,
        id: Option<ServiceId>,
    ) -> Result<Vec<Service>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select service_id, project_name, service_name, plan, cluster_id,
                      user_config as "user_config: Json<Map<String, Value>>", target_revision,
                      dynamic_config as "dynamic_config: Json<BTreeMap<String, String>>",
                      previous_jwks_url, termination_protection, maintenance_dow, maintenance_time,
                      apply_in_window, rest_host, rest_port, generation, created_at, updated_at, powered,
                      terminating, tags as "tags: Json<BTreeMap<String, String>>",
                      exists (select from rollout
                              where rollout.service_id = service.service_id
                                and ended_at is null) as "rolling!",
                      (select jsonb_agg(jsonb_build_array(node_id, host, controller_port,
                                                          internal_port, client_port, rack)
                                        order by node_id)
                       from node where node.service_id = service.service_id)
                          as "nodes: Json<Vec<NodeRow>>",
                      (select jsonb_agg(jsonb_build_array(aggregate, name, message,
                                                          (extract(epoch from since) * 1000)::bigint)
                                        order by since, aggregate, name)
                       from desired_refusal refusal
                       where refusal.service_id = service.service_id)
                          as "refusals: Json<Vec<refusals::Row>>"
               from service
               where ($1::text is null or project_name = $1)
                 and ($2::text is null or service_name = $2)
                 and ($3::uuid is null and not terminating or service_id = $3)
               order by service_name"#,
            project.map(ProjectName::as_str),
            name.map(ServiceName::as_str),
            id.map(|it| it.0)
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Row::into_service).collect()
    }
}

impl Row {
    fn into_service(self) -> Result<Service, StoreError> {
        let nodes = self.nodes.map(|it| it.0).unwrap_or_default();
        let nodes = nodes.into_iter().map(|(id, host, controller, internal, client, rack)| {
            nodes::node(id, host, [controller, internal, client], rack)
        });
        Ok(Service {
            id: ServiceId(self.service_id),
            project: ProjectName::try_from(self.project_name).map_err(decode)?,
            name: ServiceName::try_from(self.service_name).map_err(decode)?,
            plan: self.plan,
            cluster_id: self.cluster_id,
            user_config: self.user_config.0,
            target: RevisionId::try_from(self.target_revision).map_err(decode)?,
            dynamic_config: self.dynamic_config.0,
            previous_jwks_url: self.previous_jwks_url,
            termination_protection: self.termination_protection,
            maintenance_dow: self.maintenance_dow,
            maintenance_time: self.maintenance_time,
            apply_in_window: self.apply_in_window,
            rest_address: format!("{}:{}", self.rest_host, self.rest_port),
            state: service_state(self.powered, self.rolling),
            powered: self.powered,
            terminating: self.terminating,
            tags: self.tags.0,
            generation: self.generation,
            created_at: timestamp(self.created_at),
            updated_at: timestamp(self.updated_at),
            nodes: nodes.collect::<Result<_, _>>()?,
            refusals: self.refusals.map(|it| refusals::read(it.0)).unwrap_or_default(),
        })
    }
}

/// The state of a service whose nodes shall run or not, with a rollout under way or not.
const fn service_state(powered: bool, rolling: bool) -> ServiceState {
    match (powered, rolling) {
        (false, _) => ServiceState::PowerOff,
        (true, true) => ServiceState::Rebuilding,
        (true, false) => ServiceState::Running,
    }
}
