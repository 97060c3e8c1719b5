//! Makes Kafka equal to what is wanted: users, topics, ACLs, quotas, dynamic configuration.
//!
//! Each part looks at what Kafka has, and changes only the difference; nothing that is not ours is
//! deleted. A part that fails is tried again with the next pass, and keeps none of the others from
//! being done.

mod acls;
mod dynamic;
mod quotas;
mod refusals;
mod topics;
mod users;

use std::collections::BTreeSet;

use kafka::{Admin, KafkaError};
use model::Username;
use store::{Aggregate, Service, Store, StoreError};
use web::chain;

use self::refusals::{note, refused};

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
    // Once: who is removed after this keeps name and bindings until the next pass.
    let users = match store.users.list(service.id).await {
        Ok(users) => users,
        Err(error) => return vec![chain(&error)],
    };
    let credentials = users::apply(store, admin, service.id, &users, missing).await;
    let topics = topics::apply(store, admin, service.id).await;
    let acls = acls::apply(store, admin, service.id, &users).await;
    let quotas = quotas::apply(store, admin, service.id).await;
    let dynamic = dynamic::apply(admin, service).await;
    let removed = users::remove(store, admin, service.id, &users, acls.is_ok()).await;
    let noted = [
        (Aggregate::User, refused(&credentials)),
        (Aggregate::Topic, topics.as_ref().ok().cloned()),
        (Aggregate::Acl, refused(&acls)),
        (Aggregate::Quota, refused(&quotas)),
        (Aggregate::DynamicConfig, refused(&dynamic)),
    ];
    let mut unnoted = Vec::new();
    for (aggregate, refused) in noted {
        if let Err(error) = note(store, service, aggregate, refused.as_ref()).await {
            unnoted.push(format!("refusals of {}: {}", aggregate.as_str(), chain(&error)));
        }
    }
    let parts = [
        ("users", credentials),
        ("topics", topics.map(drop)),
        ("ACLs", acls),
        ("quotas", quotas),
        ("dynamic configuration", dynamic),
        ("users to remove", removed),
    ];
    let failed = parts.into_iter().filter_map(|(part, outcome)| {
        outcome.err().map(|error| format!("{part}: {}", chain(&error)))
    });
    failed.chain(unnoted).collect()
}
