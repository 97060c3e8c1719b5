//! Admin clients, one for each service, and what their errors are to a client of ours.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kafka::{Admin, AdminConfig, Credential, ErrorCode, KafkaError};
use model::{Node, Principal, ServiceId};
use store::{Service, Store};

use crate::error::ApiError;

/// How long a client of ours waits for Kafka at most.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Admin clients of services, on listeners that no change of OIDC touches. Clones share them.
#[derive(Clone, Debug)]
pub struct Admins {
    store: Store,
    clients: Arc<Mutex<HashMap<ServiceId, Admin>>>,
}

impl Admins {
    /// None yet.
    pub fn new(store: Store) -> Self {
        Self { store, clients: Arc::default() }
    }

    /// The admin client of a service. Nodes and passwords of a service never change.
    pub(crate) async fn of(&self, service: &Service) -> Result<Admin, ApiError> {
        if let Some(client) = self.clients().get(&service.id) {
            return Ok(client.clone());
        }
        let secrets = self.store.services.secrets(service.id).await?;
        let secrets = secrets.ok_or(ApiError::NotFound("Service"))?;
        let client = Admin::new(AdminConfig {
            bootstrap: service.nodes.iter().map(Node::internal_address).collect(),
            credential: Credential::Plain {
                username: Principal::ADMIN.to_owned(),
                password: secrets.admin,
            },
            client_id: "tidegate-control-plane".to_owned(),
            timeout: TIMEOUT,
        });
        Ok(self.clients().entry(service.id).or_insert(client).clone())
    }

    fn clients(&self) -> std::sync::MutexGuard<'_, HashMap<ServiceId, Admin>> {
        // Each change is one insertion, so that a panic elsewhere has left a whole map behind.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<KafkaError> for ApiError {
    fn from(error: KafkaError) -> Self {
        let away = match &error {
            KafkaError::Unreachable { .. } | KafkaError::Timeout { .. } => true,
            _ => error.code().is_some_and(|it| it.is_retriable()),
        };
        match error.code() {
            Some(ErrorCode::UnknownTopicOrPartition) => Self::NotFound("Topic"),
            Some(ErrorCode::TopicAlreadyExists) => Self::Conflict("Topic already exists".into()),
            Some(ErrorCode::InvalidReplicationFactor) => Self::Conflict(refusal(&error)),
            Some(
                ErrorCode::InvalidConfig
                | ErrorCode::InvalidPartitions
                | ErrorCode::InvalidReplicaAssignment
                | ErrorCode::InvalidRequest
                | ErrorCode::InvalidTopicException
                | ErrorCode::PolicyViolation,
            ) => Self::Invalid(refusal(&error)),
            _ if away => Self::Unavailable("Kafka", error.into()),
            _ => Self::Internal(error.into()),
        }
    }
}

/// Why Kafka refused, in its own words where it has some.
fn refusal(error: &KafkaError) -> String {
    match error {
        KafkaError::Broker { message: Some(message), .. } => format!("Kafka refuses it: {message}"),
        other => other.to_string(),
    }
}
