//! What was seen of nodes last, for display.

use std::collections::BTreeMap;

use model::{NodeId, NodeLife, NodeStatus, ServiceId};
use sqlx::types::Json;
use uuid::Uuid;

use super::Nodes;
use crate::StoreError;

/// What was seen of the nodes of a service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodesSeen {
    /// What was published last and not longer than a minute ago.
    pub statuses: BTreeMap<NodeId, NodeStatus>,
    /// Those that are not there to stay.
    pub in_transit: BTreeMap<NodeId, NodeLife>,
}

impl NodesSeen {
    /// What is known of one of them.
    pub(crate) fn note(&mut self, node: NodeId, life: &str, status: Option<NodeStatus>) {
        if let Some(status) = status {
            self.statuses.insert(node, status);
        }
        if life != "active" {
            self.in_transit.insert(node, super::life(life));
        }
    }
}

impl Nodes {
    /// Of many services at once; one of which nothing is known is not in it.
    pub async fn seen(
        &self,
        services: &[ServiceId],
    ) -> Result<BTreeMap<ServiceId, NodesSeen>, StoreError> {
        let ids: Vec<Uuid> = services.iter().map(|it| it.0).collect();
        let rows = sqlx::query!(
            r#"select service_id, node_id, life,
                      case when status_at > now() - interval '1 minute' then status end
                          as "status: Json<NodeStatus>"
               from node where service_id = any($1)
                 and (life <> 'active' or status_at > now() - interval '1 minute')"#,
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        let mut seen: BTreeMap<ServiceId, NodesSeen> = BTreeMap::new();
        for row in rows {
            let of = seen.entry(ServiceId(row.service_id)).or_default();
            of.note(NodeId(row.node_id), &row.life, row.status.map(|it| it.0));
        }
        Ok(seen)
    }

    /// Nodes of a service that are not there to stay.
    pub async fn in_transit(
        &self,
        service: ServiceId,
    ) -> Result<BTreeMap<NodeId, NodeLife>, StoreError> {
        let seen = self.seen(&[service]).await?.remove(&service);
        Ok(seen.unwrap_or_default().in_transit)
    }
}
