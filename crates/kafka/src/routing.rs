//! Which broker a request goes to, and the one connection to it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kafka_protocol::protocol::StrBytes;
use model::NodeId;
use tokio::time::{Instant, timeout_at};

use crate::config::AdminConfig;
use crate::connection::{Connection, Settings};
use crate::error::KafkaError;
use crate::sasl::{self, Credential};

/// Addresses, and the connections to them.
#[derive(Debug)]
pub(crate) struct Router {
    bootstrap: Vec<String>,
    credential: Credential,
    settings: Settings,
    slots: Mutex<HashMap<String, Slot>>,
    known: Mutex<Known>,
}

/// The connection to one address. Who finds it empty opens it; the others wait for that.
type Slot = Arc<tokio::sync::Mutex<Option<Session>>>;

#[derive(Clone, Debug)]
struct Session {
    connection: Arc<Connection>,
    /// When the login is too old for another request: the broker would close the connection.
    renew_at: Option<Instant>,
}

impl Session {
    fn is_usable(&self) -> bool {
        self.connection.is_open() && self.renew_at.is_none_or(|at| Instant::now() < at)
    }
}

/// What was learnt of the cluster, to be forgotten at any time.
#[derive(Debug, Default)]
struct Known {
    nodes: BTreeMap<NodeId, String>,
    /// The address that answered last.
    good: Option<String>,
}

impl Router {
    pub(crate) fn new(config: AdminConfig) -> Self {
        let client_id = StrBytes::from_string(config.client_id);
        Self {
            bootstrap: config.bootstrap,
            credential: config.credential,
            settings: Settings { client_id, timeout: config.timeout },
            slots: Mutex::default(),
            known: Mutex::default(),
        }
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every address that may answer for the cluster, the most promising first.
    pub(crate) fn candidates(&self) -> Vec<String> {
        let known = lock(&self.known);
        let mut candidates: Vec<String> = Vec::new();
        for address in known.good.iter().chain(&self.bootstrap).chain(known.nodes.values()) {
            if !candidates.contains(address) {
                candidates.push(address.clone());
            }
        }
        candidates
    }

    /// The last known address of a broker.
    pub(crate) fn address_of(&self, node: NodeId) -> Option<String> {
        lock(&self.known).nodes.get(&node).cloned()
    }

    /// The ids of all brokers that are known.
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        lock(&self.known).nodes.keys().copied().collect()
    }

    /// Remembers where the brokers are.
    pub(crate) fn learn(&self, nodes: BTreeMap<NodeId, String>) {
        let mut slots = lock(&self.slots);
        slots.retain(|address, _| {
            self.bootstrap.contains(address) || nodes.values().any(|it| it == address)
        });
        lock(&self.known).nodes = nodes;
    }

    /// Asks here first from now on.
    pub(crate) fn prefer(&self, address: &str) {
        let mut known = lock(&self.known);
        if known.good.as_deref() != Some(address) {
            known.good = Some(address.to_owned());
        }
    }

    /// Asks elsewhere first from now on.
    pub(crate) fn avoid(&self, address: &str) {
        let other = self.candidates().into_iter().find(|it| it != address);
        lock(&self.known).good = other;
    }

    /// The connection to `address`, opened and logged in if there is none that can be used.
    pub(crate) async fn connection(
        &self,
        address: &str,
        deadline: Instant,
    ) -> Result<Arc<Connection>, KafkaError> {
        let slot = Arc::clone(lock(&self.slots).entry(address.to_owned()).or_default());
        let opening = async {
            let mut slot = slot.lock().await;
            if let Some(session) = slot.as_ref().filter(|it| it.is_usable()) {
                return Ok(Arc::clone(&session.connection));
            }
            *slot = None;
            let session = self.open(address, deadline).await?;
            let connection = Arc::clone(&session.connection);
            *slot = Some(session);
            Ok(connection)
        };
        // Somebody with more time may hold the slot.
        timeout_at(deadline, opening).await.unwrap_or_else(|_| {
            let source = std::io::ErrorKind::TimedOut.into();
            Err(KafkaError::Unreachable { address: address.to_owned(), source })
        })
    }

    async fn open(&self, address: &str, deadline: Instant) -> Result<Session, KafkaError> {
        let connection = Connection::open(address, self.settings.clone(), deadline).await?;
        let lifetime = sasl::login(&connection, &self.credential, deadline).await?;
        tracing::debug!(address, ?lifetime, "connected to Kafka");
        // A new connection at 85 % of the session's life, as Kafka's own clients log in again.
        let renew_at = lifetime.map(|it| Instant::now() + it.mul_f64(0.85));
        Ok(Session { connection: Arc::new(connection), renew_at })
    }
}

/// `host:port`, as sockets want it.
pub(crate) fn address(host: &str, port: i32) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Locks; what is inside is whole after any panic, for no code of ours panics while it changes it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::Secret;

    use super::*;

    fn router(bootstrap: &[&str]) -> Router {
        Router::new(AdminConfig {
            bootstrap: bootstrap.iter().map(|&it| it.to_owned()).collect(),
            credential: Credential::OauthBearer { token: Secret::new("t".to_owned()) },
            client_id: "test".to_owned(),
            timeout: Duration::from_secs(1),
        })
    }

    #[test]
    fn the_address_that_answered_last_is_asked_first_and_one_that_failed_later() {
        let router = router(&["a:1", "b:1"]);
        assert_eq!(router.candidates(), ["a:1", "b:1"]);
        router.learn([(NodeId(1), "a:1".to_owned()), (NodeId(2), "c:1".to_owned())].into());
        router.prefer("c:1");
        assert_eq!(router.candidates(), ["c:1", "a:1", "b:1"]);
        router.avoid("c:1");
        assert_ne!(router.candidates()[0], "c:1");
        router.avoid("a:1");
        assert_ne!(router.candidates()[0], "a:1");
    }
}
