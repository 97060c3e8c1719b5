//! SCRAM credentials of service users.

use std::collections::BTreeSet;

use kafka::{Admin, ScramMechanism};
use model::{ServiceId, Username};
use store::{ServiceUser, Store};
use tracing::info;

use super::DesiredError;
use crate::random::random_secret;

const MECHANISMS: [ScramMechanism; 2] = [ScramMechanism::Sha256, ScramMechanism::Sha512];

/// Gives Kafka each password that it was not given yet, and again if somebody took it away.
///
/// A broker that has just started answers from metadata that it has only begun to read. So a
/// credential that is `missing` counts as gone only when it was missing in the last pass too.
pub(super) async fn apply(
    store: &Store,
    admin: &Admin,
    service: ServiceId,
    users: &[ServiceUser],
    missing: &mut BTreeSet<Username>,
) -> Result<(), DesiredError> {
    let known = admin.describe_scram().await?;
    let before = std::mem::take(missing);
    for user in users.iter().filter(|it| !it.deleting) {
        let name = user.username.as_str();
        let has = known.get(name).map(Vec::as_slice).unwrap_or_default();
        let whole = MECHANISMS.iter().all(|it| has.contains(it));
        if user.applied_version == Some(user.password_version) {
            if whole {
                continue;
            }
            if !before.contains(&user.username) {
                missing.insert(user.username.clone());
                continue;
            }
        }
        for mechanism in MECHANISMS {
            admin.upsert_scram(name, mechanism, &user.password).await?;
        }
        store.users.mark_applied(service, &user.username, user.password_version).await?;
        info!(user = name, "credentials set");
    }
    Ok(())
}

/// Makes the credentials of removed users useless, and then forgets the users if their bindings are
/// gone: a name that is forgotten can be given to somebody else.
///
/// The credentials are overwritten with passwords that nobody knows, not removed: in Kafka 4.3.1 a
/// broker that reads the creation and the removal of a credential in one go, as it does when it
/// starts, ends up with none of that mechanism at all (`ScramDelta#apply` on an image without the
/// mechanism), and so locks every user out.
pub(super) async fn remove(
    store: &Store,
    admin: &Admin,
    service: ServiceId,
    users: &[ServiceUser],
    bindings_gone: bool,
) -> Result<(), DesiredError> {
    for user in users.iter().filter(|it| it.deleting) {
        for mechanism in MECHANISMS {
            let nobody_knows = random_secret().map_err(|_| DesiredError::Random)?;
            admin.upsert_scram(user.username.as_str(), mechanism, &nobody_knows).await?;
        }
        if bindings_gone {
            store.users.forget(service, &user.username).await?;
            info!(user = user.username.as_str(), "user removed");
        }
    }
    Ok(())
}
