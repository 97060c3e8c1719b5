//! What is in a service, as the API shows it: read on one connection.

use model::{AclEntry, KafkaAclEntry, ServiceId};

use crate::nodes::seen::seen;
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
        let kafka_acls = kafka_acls::entries(&mut *connection, service).await?;
        let nodes = seen(&mut *connection, &[service]).await?.remove(&service);
        // Whoever holds one and waits for another may wait for each other.
        drop(connection);
        let users = self.users.opened(service, users).await?;
        Ok(Contents { users, acls, kafka_acls, nodes: nodes.unwrap_or_default() })
    }
}
