//! What is in a service, as the API shows it: read on one connection, by few statements. Each is a
//! trip to Postgres and back, and for a few rows that costs more than the rows.

use model::{AclEntry, KafkaAclEntry, NodeId, NodeStatus, ServiceId};
use serde::Deserialize;
use sqlx::PgExecutor;
use sqlx::types::Json;

use crate::vault::reread;
use crate::{NodesSeen, ServiceUser, Store, StoreError, acls, kafka_acls, users};

/// What is in a service, and was seen of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// Its users, those to be removed included, by name.
    pub users: Vec<ServiceUser>,
    /// ACL entries, oldest first.
    pub acls: Vec<AclEntry>,
    /// Kafka-native ACL entries, oldest first.
    pub kafka_acls: Vec<KafkaAclEntry>,
    /// Its nodes, as they were seen last.
    pub nodes: NodesSeen,
}

impl Store {
    /// What is in a service. The parts are read one after another, each as it is then.
    pub async fn contents(&self, service: ServiceId) -> Result<Contents, StoreError> {
        reread(|| self.contents_once(service)).await
    }

    async fn contents_once(&self, service: ServiceId) -> Result<Contents, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let users = users::rows(&mut *connection, service).await?;
        let acls = acls::entries(&mut *connection, service).await?;
        let (kafka_acls, nodes) = few(&mut *connection, service).await?;
        // Whoever holds one and waits for another may wait for each other.
        drop(connection);
        let users = self.users.opened(service, users).await?;
        Ok(Contents { users, acls, kafka_acls, nodes })
    }
}

/// What was seen of a node.
#[derive(Debug, Deserialize)]
struct Node {
    id: i32,
    life: String,
    status: Option<NodeStatus>,
}

/// That of which there are few rows: Kafka-native ACL entries, oldest first, and nodes.
async fn few(
    from: impl PgExecutor<'_>,
    service: ServiceId,
) -> Result<(Vec<KafkaAclEntry>, NodesSeen), StoreError> {
    let row = sqlx::query!(
        r#"select
             (select jsonb_agg(to_jsonb(entry) order by created_at, acl_id)
              from kafka_acl_entry entry where service_id = $1)
                 as "kafka_acls: Json<Vec<kafka_acls::Row>>",
             (select jsonb_agg(jsonb_build_object('id', node_id, 'life', life, 'status', status))
              from (select node_id, life,
                           case when status_at > now() - interval '1 minute' then status end as status
                    from node where service_id = $1) node
              where life <> 'active' or status is not null)
                 as "nodes: Json<Vec<Node>>""#,
        service.0
    )
    .fetch_one(from)
    .await?;
    let entries = row.kafka_acls.map(|it| it.0).unwrap_or_default();
    let entries = entries.into_iter().map(KafkaAclEntry::try_from).collect::<Result<_, _>>()?;
    let mut seen = NodesSeen::default();
    for Node { id, life, status } in row.nodes.map(|it| it.0).unwrap_or_default() {
        seen.note(NodeId(id), &life, status);
    }
    Ok((entries, seen))
}
