//! ACL bindings that follow from Aiven's entries.

use std::collections::BTreeSet;

use kafka::Admin;
use model::{AclBinding, ServiceId, Username};
use service_config::access::bindings;
use store::{ServiceUser, Store};
use tracing::info;

use super::DesiredError;

/// What has to change.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    /// To be claimed and then created.
    missing: Vec<AclBinding>,
    /// To be deleted and then released, also if Kafka did not show it: a broker that has just started
    /// knows little yet, and a binding that is released without being deleted stays for good.
    surplus: Vec<AclBinding>,
}

/// Creates what is missing and deletes what is ours and not wanted any more. A binding is written
/// down as ours before it is created, so that a crash between the two loses none.
pub(super) async fn apply(
    store: &Store,
    admin: &Admin,
    service: ServiceId,
    users: &[ServiceUser],
) -> Result<(), DesiredError> {
    let entries = store.acls.list(service).await?;
    let users: BTreeSet<Username> =
        users.iter().filter(|it| !it.deleting).map(|it| it.username.clone()).collect();
    let topics = admin.describe_topics(None).await?;
    let topics: BTreeSet<String> =
        topics.into_iter().filter(|it| !it.internal).map(|it| it.name).collect();
    let wanted = bindings(&entries, &users, &topics);
    let owned = store.acls.owned(service).await?;
    let actual = admin.describe_acls().await?;
    let Difference { missing, surplus } = difference(&wanted, &owned, &actual);
    // What is to be taken away goes first: it matters more.
    if !surplus.is_empty() {
        admin.delete_acls(&surplus).await?;
        store.acls.release(service, &surplus).await?;
        info!(bindings = surplus.len(), "ACL bindings deleted");
    }
    if !missing.is_empty() {
        store.acls.claim(service, &missing).await?;
        admin.create_acls(&missing).await?;
        info!(bindings = missing.len(), "ACL bindings created");
    }
    Ok(())
}

fn difference(
    wanted: &BTreeSet<AclBinding>,
    owned: &BTreeSet<AclBinding>,
    actual: &BTreeSet<AclBinding>,
) -> Difference {
    let surplus = owned.difference(wanted).cloned().collect();
    // One that is there without being ours is claimed too: from now on it is ours to delete.
    let missing = wanted.iter().filter(|it| !actual.contains(it) || !owned.contains(it));
    Difference { missing: missing.cloned().collect(), surplus }
}

#[cfg(test)]
mod tests {
    use model::{AclHost, AclOperation, AclPermissionType, PatternType, Principal, ResourceType};

    use super::*;

    fn binding(topic: &str) -> AclBinding {
        AclBinding {
            principal: Principal("alice".into()),
            host: AclHost::ANY,
            resource_type: ResourceType::Topic,
            resource_name: topic.into(),
            pattern_type: PatternType::Literal,
            operation: AclOperation::Read,
            permission_type: AclPermissionType::Allow,
        }
    }

    fn set(topics: &[&str]) -> BTreeSet<AclBinding> {
        topics.iter().map(|it| binding(it)).collect()
    }

    #[test]
    fn only_what_is_ours_is_deleted() {
        let found = difference(&set(&["a", "b"]), &set(&["b", "c", "d"]), &set(&["b", "c", "x"]));
        assert_eq!(found.missing, [binding("a")]);
        assert_eq!(found.surplus, [binding("c"), binding("d")], "shown or not");
    }

    #[test]
    fn a_binding_that_somebody_deleted_is_created_again() {
        let found = difference(&set(&["a"]), &set(&["a"]), &set(&[]));
        assert_eq!(found.missing, [binding("a")]);
    }
}
