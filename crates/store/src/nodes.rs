//! Nodes of services: where they are, what they are pinned to, what was seen of them.

use std::collections::BTreeMap;

use model::{Node, NodeId, NodePorts, NodeStatus, Revision, RevisionId, ServiceId};
use sqlx::PgPool;
use sqlx::types::Json;

use crate::{StoreError, decode};

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

impl Nodes {
    /// Every node of a service, by id.
    pub async fn list(&self, service: ServiceId) -> Result<Vec<NodePin>, StoreError> {
        sqlx::query!(
            "select node_id, host, controller_port, internal_port, client_port, rack, pinned_revision
             from node where service_id = $1 order by node_id",
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

    /// What was published last and not longer than a minute ago.
    pub async fn statuses(
        &self,
        service: ServiceId,
    ) -> Result<BTreeMap<NodeId, NodeStatus>, StoreError> {
        let rows = sqlx::query!(
            r#"select node_id, status as "status!: Json<NodeStatus>" from node
               where service_id = $1 and status is not null
                 and status_at > now() - interval '1 minute'"#,
            service.0
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (NodeId(row.node_id), row.status.0)).collect())
    }
}
