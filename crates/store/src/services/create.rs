//! Making a service: its row, its nodes, its first rollout, in one transaction.

use std::collections::BTreeMap;

use model::{Node, ProjectName, Revision, Secret, ServiceId, ServiceName};
use serde_json::{Map, Value, json};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use crate::events::{By, Entry};
use crate::rollouts::Reason;
use crate::vault::{Column, DataKey, Place, VaultError};
use crate::{ServiceSecrets, Services, StoreError, constraint, events, rollouts};

/// A service to be made.
#[derive(Clone, Debug)]
pub struct NewService {
    /// Its id.
    pub id: ServiceId,
    /// The project that it shall belong to.
    pub project: ProjectName,
    /// Its name.
    pub name: ServiceName,
    /// Its plan.
    pub plan: String,
    /// Kafka's cluster id: 22 characters of base64url, made at random.
    pub cluster_id: String,
    /// What the user set.
    pub user_config: Map<String, Value>,
    /// What follows from it for each node.
    pub revision: Revision,
    /// What follows from it for the cluster.
    pub dynamic_config: BTreeMap<String, String>,
    /// Whether it may be terminated.
    pub termination_protection: bool,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// Where its REST proxy shall listen.
    pub rest: (String, u16),
    /// Passwords of the platform's own principals, made at random.
    pub secrets: ServiceSecrets,
    /// The password of `avnadmin`, made at random.
    pub avnadmin_password: Secret,
    /// What whoever asked should know: an event beside the change, in its transaction.
    pub warnings: Vec<String>,
    /// Who asked for it.
    pub by: By,
}

/// Why a service was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateServiceError {
    /// There is one of that name in the project.
    #[error("a service of that name exists")]
    Exists,
    /// A port that it was given is in use by another service: choose again.
    #[error("a port is taken by another service")]
    PortTaken,
    /// There is no such project.
    #[error("no such project")]
    NoSuchProject,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<VaultError> for CreateServiceError {
    fn from(error: VaultError) -> Self {
        Self::Store(error.into())
    }
}

impl From<sqlx::Error> for CreateServiceError {
    fn from(error: sqlx::Error) -> Self {
        match constraint(&error) {
            Some("service_name_unique") => Self::Exists,
            Some("node_port_unique" | "service_rest_port_unique") => Self::PortTaken,
            Some("service_project_fkey") => Self::NoSuchProject,
            _ => Self::Store(error.into()),
        }
    }
}

impl Services {
    /// Makes a service with its nodes, the user `avnadmin`, the ACL entry `default` (`avnadmin` may
    /// do everything) and the rollout that brings it up.
    pub async fn create(&self, new: &NewService) -> Result<(), CreateServiceError> {
        let mut tx = self.pool.begin().await?;
        let key = self.vault.sealer(&mut tx).await?;
        insert_revision(&mut tx, &new.revision).await?;
        sqlx::query!(
            "insert into service (service_id, project_name, service_name, plan, cluster_id,
                                  user_config, target_revision, dynamic_config,
                                  termination_protection, rest_host, rest_port)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            new.id.0,
            new.project.as_str(),
            new.name.as_str(),
            new.plan,
            new.cluster_id,
            Json(&new.user_config) as _,
            new.revision.id.as_str(),
            Json(&new.dynamic_config) as _,
            new.termination_protection,
            new.rest.0,
            i32::from(new.rest.1)
        )
        .execute(&mut *tx)
        .await?;
        insert_nodes(&mut tx, new).await?;
        insert_secrets(&mut tx, new, &key).await?;
        let text = format!("service {} created with plan {}", new.name, new.plan);
        let after = json!({
            "plan": new.plan, "user_config": new.user_config,
            "termination_protection": new.termination_protection,
        });
        let done = Entry::new("service_create", &text).after(after);
        events::record_change(&mut tx, new.id, &new.by, &done).await?;
        rollouts::start(&mut tx, new.id, &new.revision.id, &new.by, Reason::Created).await?;
        events::warn(&mut tx, new.id, &new.by, &new.warnings).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The highest port that any service uses on any host, to choose the next ones from.
    pub async fn highest_port(&self) -> Result<Option<u16>, StoreError> {
        let highest = sqlx::query_scalar!(
            "select greatest((select max(client_port) from node),
                             (select max(rest_port) from service)) as highest"
        )
        .fetch_one(&self.pool)
        .await?;
        highest.map(crate::nodes::port).transpose()
    }
}

/// Keeps a revision; one with the same content is the same revision.
pub(super) async fn insert_revision(
    connection: &mut PgConnection,
    revision: &Revision,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into revision (revision_id, server_properties, jvm_options)
         values ($1, $2, $3) on conflict do nothing",
        revision.id.as_str(),
        revision.server_properties,
        Json(&revision.jvm_options) as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_nodes(tx: &mut PgConnection, new: &NewService) -> Result<(), sqlx::Error> {
    for node in &new.nodes {
        sqlx::query!(
            "insert into node (service_id, node_id, host, controller_port, internal_port,
                               client_port, rack, pinned_revision)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            new.id.0,
            node.id.0,
            node.host,
            i32::from(node.ports.controller),
            i32::from(node.ports.internal),
            i32::from(node.ports.client),
            node.rack,
            new.revision.id.as_str()
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// The passwords, and what `avnadmin` may do with its own.
async fn insert_secrets(
    tx: &mut PgConnection,
    new: &NewService,
    key: &DataKey,
) -> Result<(), CreateServiceError> {
    let seal = |column, secret| key.seal(Place::of_service(column, new.id), secret);
    sqlx::query!(
        "insert into service_secret (service_id, broker_password, admin_password, rest_proxy_password)
         values ($1, $2, $3, $4)",
        new.id.0,
        seal(Column::BrokerPassword, &new.secrets.broker)?,
        seal(Column::AdminPassword, &new.secrets.admin)?,
        seal(Column::RestProxyPassword, &new.secrets.rest_proxy)?
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into service_user (service_id, username, type, password)
         values ($1, 'avnadmin', 'primary', $2)",
        new.id.0,
        key.seal(Place::user(new.id, "avnadmin"), &new.avnadmin_password)?
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into acl_entry (service_id, acl_id, permission, topic, username)
         values ($1, 'default', 'admin', '*', 'avnadmin')",
        new.id.0
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}
