//! Makes Kafka equal to what is wanted: users, topics, ACLs, dynamic configuration.
//!
//! Each part looks at what Kafka has, and changes only the difference; nothing that is not ours is
//! deleted. A part that fails is logged and tried again with the next pass, and keeps none of the
//! others from being done.

mod acls;
mod dynamic;
mod topics;
mod users;

use std::error::Error;

use kafka::{Admin, KafkaError};
use store::{Service, Store, StoreError};
use tracing::warn;

/// Why a part could not be made as wanted.
#[derive(Debug, thiserror::Error)]
pub enum DesiredError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Kafka failed or refused.
    #[error("Kafka failed")]
    Kafka(#[from] KafkaError),
}

/// One pass over everything that a service shall have. Returns how many parts failed.
///
/// Users go first, so that whoever an ACL is for exists; a user that is to be removed loses its
/// bindings before its name is forgotten.
pub async fn apply(store: &Store, admin: &Admin, service: &Service) -> usize {
    let parts = [
        ("users", users::apply(store, admin, service.id).await),
        ("topics", topics::apply(store, admin, service.id).await),
        ("acls", acls::apply(store, admin, service.id).await),
        ("dynamic configuration", dynamic::apply(admin, &service.dynamic_config).await),
        ("users to remove", users::remove(store, admin, service.id).await),
    ];
    let mut failed = 0;
    for (part, outcome) in parts {
        if let Err(error) = outcome {
            failed += 1;
            warn!(part, error = &error as &dyn Error, "cannot make Kafka as wanted");
        }
    }
    failed
}
