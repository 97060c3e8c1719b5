//! What is in a service, as the API shows it: read on one connection, by few statements. Each is a
//! trip to Postgres and back, and for a few rows that costs more than the rows.

use model::{AclEntry, KafkaAclEntry, NodeId, NodeStatus, ServiceId};
use serde::Deserialize;
use sqlx::pool::PoolConnection;
use sqlx::types::Json;
use sqlx::{PgExecutor, PgPool, Postgres};

use crate::vault::{VaultError, reread};
use crate::{NodesSeen, ServiceUser, Store, StoreError, Users, acls, kafka_acls, users};

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

/// Reads what is in services.
#[derive(Clone, Debug)]
pub(crate) struct ContentsReader {
    pub(crate) pool: PgPool,
    pub(crate) users: Users,
}

impl ContentsReader {
    /// What is in a service. The parts are read one after another, each as it is then.
    pub(crate) async fn of(&self, service: ServiceId) -> Result<Contents, StoreError> {
        reread(async || self.once(self.pool.acquire().await?, service).await).await
    }

    /// The same, on a connection that somebody has at hand.
    pub(crate) async fn on(
        &self,
        connection: PoolConnection<Postgres>,
        service: ServiceId,
    ) -> Result<Contents, StoreError> {
        match self.once(connection, service).await {
            Err(StoreError::Vault(VaultError::MissingDataKey { .. })) => self.of(service).await,
            done => done,
        }
    }

    async fn once(
        &self,
        mut connection: PoolConnection<Postgres>,
        service: ServiceId,
    ) -> Result<Contents, StoreError> {
        let users = users::rows(&mut *connection, service).await?;
        let acls = acls::entries(&mut *connection, service).await?;
        let (kafka_acls, nodes) = kafka_acls_and_nodes(&mut *connection, service).await?;
        // Whoever holds one and waits for another may wait for each other.
        drop(connection);
        let users = self.users.opened(service, users).await?;
        Ok(Contents { users, acls, kafka_acls, nodes })
    }
}

impl Store {
    /// What is in a service. The parts are read one after another, each as it is then.
    pub async fn contents(&self, service: ServiceId) -> Result<Contents, StoreError> {
        self.services.contents.of(service).await
    }
}

/// What was seen of a node.
#[derive(Debug, Deserialize)]
struct Node {
    id: i32,
    life: String,
    status: Option<NodeStatus>,
}

/// Kafka-native ACL entries, oldest first, and nodes: of most services there are so few that one
/// statement for both is faster.
async fn kafka_acls_and_nodes(
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
