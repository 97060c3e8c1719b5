//! Kafka services: what was asked for, and what follows from it.

mod brief;
mod create;
mod life;
mod probe;
mod row;
mod update;

use std::collections::BTreeMap;

use model::{
    Node, ProjectName, RevisionId, Secret, ServiceId, ServiceName, ServiceState, Timestamp,
};
use serde_json::{Map, Value};
use sqlx::{PgExecutor, PgPool};

use crate::changes::Announcer;
use crate::contents::ContentsReader;
pub use crate::services::brief::ServiceBrief;
pub use crate::services::create::{CreateServiceError, NewService};
pub use crate::services::life::TerminateError;
pub use crate::services::probe::ProbeCredentials;
use crate::services::row::{Row, query_services};
pub use crate::services::update::{Applied, ApplyError, ServiceChange};
use crate::vault::{Column, Place, Vault, reread};
use crate::{Refusal, StoreError};

/// Kafka services.
#[derive(Clone, Debug)]
pub struct Services {
    pub(crate) pool: PgPool,
    pub(crate) vault: Vault,
    pub(crate) announcer: Announcer,
    pub(crate) contents: ContentsReader,
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

impl Services {
    /// Every service of a project, by name; those that are terminated are none of it.
    pub async fn list(&self, project: &ProjectName) -> Result<Vec<Service>, StoreError> {
        let rows = query_services!(
            "from service where project_name = $1 and not terminating order by service_name",
            project.as_str()
        );
        let rows = rows.fetch_all(&self.pool).await?;
        rows.into_iter().map(Row::into_service).collect()
    }

    /// The service of that name.
    pub async fn get(
        &self,
        project: &ProjectName,
        name: &ServiceName,
    ) -> Result<Option<Service>, StoreError> {
        get(&self.pool, project, name).await
    }

    /// The service of that id, one that is terminated included.
    pub async fn by_id(&self, id: ServiceId) -> Result<Option<Service>, StoreError> {
        let row = query_services!("from service where service_id = $1", id.0);
        row.fetch_optional(&self.pool).await?.map(Row::into_service).transpose()
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
}

/// The service of that name.
pub(crate) async fn get(
    from: impl PgExecutor<'_>,
    project: &ProjectName,
    name: &ServiceName,
) -> Result<Option<Service>, StoreError> {
    let row = query_services!(
        "from service where project_name = $1 and service_name = $2 and not terminating",
        project.as_str(),
        name.as_str()
    );
    row.fetch_optional(from).await?.map(Row::into_service).transpose()
}

/// The state of a service whose nodes shall run or not, with a rollout under way or not.
const fn service_state(powered: bool, rolling: bool) -> ServiceState {
    match (powered, rolling) {
        (false, _) => ServiceState::PowerOff,
        (true, true) => ServiceState::Rebuilding,
        (true, false) => ServiceState::Running,
    }
}
