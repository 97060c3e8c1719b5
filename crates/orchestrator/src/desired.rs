//! Makes Kafka equal to what is wanted: users, topics, ACLs, dynamic configuration.
//!
//! Each part looks at what Kafka has, and changes only the difference; nothing that is not ours is
//! deleted. A part that fails is tried again with the next pass, and keeps none of the others from
//! being done.

mod acls;
mod dynamic;
mod topics;
mod users;

use std::collections::BTreeSet;

use kafka::{Admin, KafkaError};
use model::Username;
use store::{Service, Store, StoreError};

use crate::reported::chain;

/// Why a part could not be made as wanted.
#[derive(Debug, thiserror::Error)]
pub enum DesiredError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Kafka failed or refused.
    #[error("Kafka failed")]
    Kafka(#[from] KafkaError),
    /// The system has no random numbers.
    #[error("no random numbers")]
    Random,
}

/// One pass over everything that a service shall have. Returns what could not be done, in words.
///
/// Users go first, so that whoever an ACL is for exists; a user that is to be removed loses its
/// bindings before its name is forgotten.
///
/// `missing` is what the last pass did not find, for the next one; losing it costs one more pass.
pub async fn apply(
    store: &Store,
    admin: &Admin,
    service: &Service,
    missing: &mut BTreeSet<Username>,
) -> Vec<String> {
    let parts = [
        ("users", users::apply(store, admin, service.id, missing).await),
        ("topics", topics::apply(store, admin, service.id).await),
        ("ACLs", acls::apply(store, admin, service.id).await),
        ("dynamic configuration", dynamic::apply(admin, &service.dynamic_config).await),
        ("users to remove", users::remove(store, admin, service.id).await),
    ];
    let failed = parts.into_iter().filter_map(|(part, outcome)| {
        outcome.err().map(|error| format!("{part}: {}", chain(&error)))
    });
    failed.collect()
}
