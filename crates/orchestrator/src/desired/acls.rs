//! ACL bindings that follow from Aiven's entries and from Kafka-native ones.

use std::collections::BTreeSet;

use kafka::Admin;
use model::{AclBinding, AclPermissionType, ServiceId, Username};
use service_config::access::bindings;
use store::{ServiceUser, Store};
use tracing::info;

use super::DesiredError;

/// What has to change, restrictions first: at no moment is anything allowed that was not allowed
/// before and will not be allowed afterwards.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    /// Takes rights away: allowances go, denials come.
    restrict: Step,
    /// Gives rights: denials go, allowances come.
    relax: Step,
}

/// One half of a difference: what is taken away, and then what is made.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    /// To be deleted and then released, also if Kafka did not show it: a broker that has just started
    /// knows little yet, and a binding that is released without being deleted stays for good.
    surplus: Vec<AclBinding>,
    /// To be claimed and then created.
    missing: Vec<AclBinding>,
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
    let native = store.kafka_acls.list(service).await?;
    let users: BTreeSet<Username> =
        users.iter().filter(|it| !it.deleting).map(|it| it.username.clone()).collect();
    let topics = admin.describe_topics(None).await?;
    let topics: BTreeSet<String> =
        topics.into_iter().filter(|it| !it.internal).map(|it| it.name).collect();
    let wanted = bindings(&entries, &native, &users, &topics);
    let owned = store.acls.owned(service).await?;
    let actual = admin.describe_acls().await?;
    let Difference { restrict, relax } = difference(&wanted, &owned, &actual);
    for Step { surplus, missing } in [restrict, relax] {
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
    }
    Ok(())
}

fn difference(
    wanted: &BTreeSet<AclBinding>,
    owned: &BTreeSet<AclBinding>,
    actual: &BTreeSet<AclBinding>,
) -> Difference {
    let denies = |it: &&AclBinding| it.permission_type == AclPermissionType::Deny;
    let (denials_gone, allowances_gone) = owned.difference(wanted).partition(denies);
    // One that is there without being ours is claimed too: from now on it is ours to delete.
    let missing = wanted.iter().filter(|it| !actual.contains(it) || !owned.contains(it));
    let (denials, allowances) = missing.partition(denies);
    let step = |surplus: Vec<&AclBinding>, missing: Vec<&AclBinding>| Step {
        surplus: surplus.into_iter().cloned().collect(),
        missing: missing.into_iter().cloned().collect(),
    };
    Difference { restrict: step(allowances_gone, denials), relax: step(denials_gone, allowances) }
}

#[cfg(test)]
mod tests {
    use model::{AclHost, AclOperation, PatternType, Principal, ResourceType};

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

    fn denial(topic: &str) -> AclBinding {
        AclBinding { permission_type: AclPermissionType::Deny, ..binding(topic) }
    }

    fn set(topics: &[&str]) -> BTreeSet<AclBinding> {
        topics.iter().map(|it| binding(it)).collect()
    }

    #[test]
    fn only_what_is_ours_is_deleted() {
        let found = difference(&set(&["a", "b"]), &set(&["b", "c", "d"]), &set(&["b", "c", "x"]));
        assert_eq!(found.relax, Step { surplus: vec![], missing: vec![binding("a")] });
        let surplus = vec![binding("c"), binding("d")];
        assert_eq!(found.restrict, Step { surplus, missing: vec![] }, "shown or not");
    }

    #[test]
    fn a_binding_that_somebody_deleted_is_created_again() {
        let found = difference(&set(&["a"]), &set(&["a"]), &set(&[]));
        assert_eq!(found.relax.missing, [binding("a")]);
    }

    #[test]
    fn what_is_denied_is_denied_before_anything_is_allowed() {
        let wanted = [binding("new"), denial("new")].into();
        let owned = [binding("old"), denial("old")].into();
        let found = difference(&wanted, &owned, &owned);
        let restrict = Step { surplus: vec![binding("old")], missing: vec![denial("new")] };
        let relax = Step { surplus: vec![denial("old")], missing: vec![binding("new")] };
        assert_eq!(found, Difference { restrict, relax });
    }
}
