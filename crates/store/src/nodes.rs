//! Nodes of services: where they are, what they are pinned to, what was seen of them.

pub(crate) mod seen;

use std::collections::BTreeMap;

use model::{Node, NodeId, NodeLife, NodePorts, NodeStatus, Revision, RevisionId, ServiceId};
use sqlx::PgPool;
use sqlx::types::Json;

use crate::events::{By, Entry};
pub use crate::nodes::seen::NodesSeen;
use crate::{StoreError, changes, constraint, decode};

/// Nodes of services.
#[derive(Clone, Debug)]
pub struct Nodes {
    pub(crate) pool: PgPool,
}

/// A node, and what it is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePin {
    /// The node.
    pub node: Node,
    /// The revision that it is started with, whoever starts it.
    pub revision: RevisionId,
}

/// Why nodes were not added.
#[derive(Debug, thiserror::Error)]
pub enum AddNodeError {
    /// The service is gone.
    #[error("there is no such service")]
    NoService,
    /// A node of that number is there, or another uses that port.
    #[error("a node of that number or port is there already")]
    Taken,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for AddNodeError {
    fn from(error: sqlx::Error) -> Self {
        match constraint(&error) {
            Some("node_pkey" | "node_port_unique") => Self::Taken,
            _ => Self::Store(error.into()),
        }
    }
}

/// A port, which the schema keeps as an integer.
pub(crate) fn port(number: i32) -> Result<u16, StoreError> {
    u16::try_from(number).map_err(decode)
}

/// A node from its columns; the ports are those of controller, internal and client listener.
pub(crate) fn node(
    id: i32,
    host: String,
    [controller, internal, client]: [i32; 3],
    rack: String,
) -> Result<Node, StoreError> {
    let ports = NodePorts {
        controller: port(controller)?,
        internal: port(internal)?,
        client: port(client)?,
    };
    Ok(Node { id: NodeId(id), host, ports, rack })
}

/// The life of a node that is not `active`, by its word.
fn life(word: &str) -> NodeLife {
    match word {
        "leaving" => NodeLife::Leaving,
        "emptied" => NodeLife::Emptied,
        _ => NodeLife::Joining,
    }
}

impl Nodes {
    /// Every node of a service that is to run, by id.
    pub async fn list(&self, service: ServiceId) -> Result<Vec<NodePin>, StoreError> {
        sqlx::query!(
            "select node_id, host, controller_port, internal_port, client_port, rack, pinned_revision
             from node where service_id = $1 and life <> 'emptied' order by node_id",
            service.0
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            let ports = [row.controller_port, row.internal_port, row.client_port];
            let node = node(row.node_id, row.host, ports, row.rack)?;
            let revision = RevisionId::try_from(row.pinned_revision).map_err(decode)?;
            Ok(NodePin { node, revision })
        })
        .collect()
    }

    /// Adds nodes to a service, with the revision that its others shall run.
    pub async fn add(
        &self,
        service: ServiceId,
        nodes: &[Node],
        by: &By,
    ) -> Result<(), AddNodeError> {
        let mut tx = self.pool.begin().await?;
        let target = sqlx::query_scalar!(
            "select target_revision from service where service_id = $1 for update",
            service.0
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(AddNodeError::NoService)?;
        for node in nodes {
            sqlx::query!(
                "insert into node (service_id, node_id, host, controller_port, internal_port,
                                   client_port, rack, pinned_revision, life)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, 'joining')",
                service.0,
                node.id.0,
                node.host,
                i32::from(node.ports.controller),
                i32::from(node.ports.internal),
                i32::from(node.ports.client),
                node.rack,
                target
            )
            .execute(&mut *tx)
            .await?;
        }
        let names: Vec<String> = nodes.iter().map(|it| it.id.to_string()).collect();
        let text = format!("nodes {} join the service", names.join(", "));
        Ok(changes::commit(tx, service, by, &Entry::new("nodes_added", &text)).await?)
    }

    /// Tells a node to give away all that it has and go. `false` if there is none that could.
    pub async fn dismiss(
        &self,
        service: ServiceId,
        node: NodeId,
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let told = sqlx::query!(
            "update node set life = 'leaving'
             where service_id = $1 and node_id = $2 and life not in ('leaving', 'emptied')",
            service.0,
            node.0
        )
        .execute(&mut *tx)
        .await?;
        if told.rows_affected() == 0 {
            return Ok(false);
        }
        let text = format!("node {node} leaves the service");
        changes::commit(tx, service, by, &Entry::new("node_dismissed", &text)).await?;
        Ok(true)
    }

    /// A node that has joined has its share of the partitions.
    pub async fn settle(&self, service: ServiceId, node: NodeId) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "update node set life = 'active'
             where service_id = $1 and node_id = $2 and life = 'joining'",
            service.0,
            node.0
        )
        .execute(&mut *tx)
        .await?;
        let text = format!("node {node} has its share of the partitions");
        changes::commit(tx, service, &By::orchestrator(), &Entry::new("node_joined", &text)).await
    }

    /// Whether a node that leaves has given away all that it had. One that got something anew in the
    /// meantime has to begin again.
    pub async fn emptied(
        &self,
        service: ServiceId,
        node: NodeId,
        is_empty: bool,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update node set life = case when $3 then 'emptied' else 'leaving' end
             where service_id = $1 and node_id = $2 and life in ('leaving', 'emptied')",
            service.0,
            node.0,
            is_empty
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Forgets a node that leaves: nothing of it runs any more, and Kafka has forgotten it.
    pub async fn forget(&self, service: ServiceId, node: NodeId) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "delete from node where service_id = $1 and node_id = $2 and life = 'emptied'",
            service.0,
            node.0
        )
        .execute(&mut *tx)
        .await?;
        let text = format!("node {node} has left the service");
        changes::commit(tx, service, &By::orchestrator(), &Entry::new("node_left", &text)).await
    }

    /// A revision by its id.
    pub async fn revision(&self, id: &RevisionId) -> Result<Option<Revision>, StoreError> {
        let row = sqlx::query!(
            r#"select server_properties, jvm_options as "jvm_options: Json<Vec<String>>"
               from revision where revision_id = $1"#,
            id.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| Revision {
            id: id.clone(),
            server_properties: row.server_properties,
            jvm_options: row.jvm_options.0,
        }))
    }

    /// How long restarts of each node took lately, in milliseconds.
    pub async fn usual_ms(&self, service: ServiceId) -> Result<BTreeMap<NodeId, i64>, StoreError> {
        let rows = sqlx::query!(
            r#"select node_id, usual_ms as "usual_ms!" from node
               where service_id = $1 and usual_ms is not null"#,
            service.0
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (NodeId(row.node_id), row.usual_ms)).collect())
    }

    /// Keeps how long a restart took: the latest counts a third.
    pub async fn took(&self, service: ServiceId, node: NodeId, ms: i64) -> Result<(), StoreError> {
        sqlx::query!(
            "update node set usual_ms = (2 * coalesce(usual_ms, $3) + $3) / 3
             where service_id = $1 and node_id = $2",
            service.0,
            node.0,
            ms
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Publishes what was seen. For display only.
    pub async fn publish(
        &self,
        service: ServiceId,
        statuses: &[NodeStatus],
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update node set status = seen.value, status_at = now()
             from jsonb_array_elements($2) as seen(value)
             where service_id = $1 and node_id = (seen.value->>'node')::int",
            service.0,
            Json(statuses) as _
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
