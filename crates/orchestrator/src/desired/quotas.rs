//! Client quotas that the API was asked for. Those that others set are left alone.

use std::collections::BTreeMap;

use kafka::Admin;
use model::{ClientQuota, Principal, QuotaEntity, QuotaKey, ServiceId};
use store::Store;
use tracing::info;

use super::DesiredError;

/// What a platform's own principal may take: more than a broker has. A petabyte a second, and ten
/// thousand threads.
const EXEMPT: f64 = 1_000_000_000_000_000.0;
const EXEMPT_PERCENTAGE: f64 = 1_000_000.0;

/// What shall become of limits in Kafka: a value, or nothing.
type Changes = BTreeMap<ClientQuota, Option<f64>>;

/// Sets what differs, removes what is to be removed, and then forgets it. What Kafka refuses of one
/// entity keeps the others from nothing, and is tried again with the next pass.
pub(super) async fn apply(
    store: &Store,
    admin: &Admin,
    service: ServiceId,
) -> Result<(), DesiredError> {
    let stored = store.quotas.list(service).await?;
    if stored.is_empty() {
        return Ok(());
    }
    let actual = admin.describe_quotas().await?;
    let changes = difference(&stored, &actual);
    if !changes.is_empty() {
        admin.alter_quotas(&changes).await?;
        info!(limits = changes.len(), "client quotas changed");
    }
    let removed = stored.into_iter().filter(|(_, limit)| limit.is_none());
    let removed: Vec<ClientQuota> = removed.map(|(quota, _)| quota).collect();
    if !removed.is_empty() {
        store.quotas.forget(service, &removed).await?;
    }
    Ok(())
}

/// What has to change. A limit that is to be removed is removed also if Kafka did not show it: a
/// broker that has just started knows little yet, and what is forgotten stays for good.
fn difference(stored: &Changes, actual: &BTreeMap<ClientQuota, f64>) -> Changes {
    let differs = |(quota, limit): &(&ClientQuota, &Option<f64>)| {
        limit.is_none() || actual.get(quota) != limit.as_ref()
    };
    let mut changes: Changes =
        stored.iter().filter(differs).map(|(quota, limit)| (quota.clone(), *limit)).collect();
    changes.extend(exemptions(stored, actual));
    changes
}

/// The orchestrator's own admin calls and probe are for no user's quota: throttled, they would look
/// like a cluster in trouble. A limit for everybody applies to them too, unless the platform's
/// principal has one of its own, which Kafka prefers. Nobody else can name that principal, so its
/// quotas need no ownership.
fn exemptions(stored: &Changes, actual: &BTreeMap<ClientQuota, f64>) -> Changes {
    let removes = stored.values().any(Option::is_none);
    let change = |key: QuotaKey| {
        let quota = ClientQuota { entity: QuotaEntity::of_user(Principal::ADMIN), key };
        let is_reached = stored.iter().any(|(other, limit)| {
            let of_everybody = other.entity.user().is_none_or(|it| it.to_kafka().is_none());
            limit.is_some() && other.key == key && of_everybody
        });
        let has = actual.get(&quota).copied();
        match (is_reached, has) {
            (true, has) if has == Some(exempt(key)) => None,
            (true, _) => Some((quota, Some(exempt(key)))),
            (false, None) if !removes => None,
            (false, _) => Some((quota, None)),
        }
    };
    QuotaKey::ALL.into_iter().filter_map(change).collect()
}

const fn exempt(key: QuotaKey) -> f64 {
    match key {
        QuotaKey::ConsumerByteRate | QuotaKey::ProducerByteRate => EXEMPT,
        QuotaKey::RequestPercentage => EXEMPT_PERCENTAGE,
    }
}

#[cfg(test)]
mod tests {
    use model::QuotaName;
    use proptest::prelude::*;

    use super::*;

    fn entity(user: Option<&str>, client_id: Option<&str>) -> QuotaEntity {
        let name = |key, it: Option<&str>| it.map(|it| QuotaName::parse(key, it).unwrap());
        QuotaEntity::new(name("user", user), name("client-id", client_id)).unwrap()
    }

    fn rate(user: &str) -> ClientQuota {
        ClientQuota { entity: entity(Some(user), None), key: QuotaKey::ConsumerByteRate }
    }

    fn own(key: QuotaKey) -> ClientQuota {
        ClientQuota { entity: QuotaEntity::of_user(Principal::ADMIN), key }
    }

    #[test]
    fn what_differs_is_set_and_only_what_is_ours_is_removed() {
        let stored = [
            (rate("same"), Some(1.0)),
            (rate("drifted"), Some(2.0)),
            (rate("missing"), Some(3.0)),
            (rate("leaving"), None),
            (rate("unseen"), None),
        ];
        let actual = [("same", 1.0), ("drifted", 9.0), ("leaving", 4.0), ("foreign", 5.0)]
            .map(|(name, it)| (rate(name), it));
        let mut changes = difference(&stored.into(), &actual.into());
        changes.retain(|it, _| it.entity != QuotaEntity::of_user(Principal::ADMIN));
        let expected = [
            (rate("drifted"), Some(2.0)),
            (rate("missing"), Some(3.0)),
            (rate("leaving"), None),
            (rate("unseen"), None),
        ];
        assert_eq!(changes, expected.into());
    }

    #[test]
    fn the_orchestrator_is_exempt_while_something_applies_to_everybody() {
        let wanted = |quota: &ClientQuota, actual: &[(ClientQuota, f64)]| {
            let stored = [(quota.clone(), Some(7.0))].into();
            let mut actual: BTreeMap<_, _> = actual.iter().cloned().collect();
            actual.insert(quota.clone(), 7.0);
            difference(&stored, &actual)
        };
        let key = QuotaKey::ConsumerByteRate;
        let exempted: Changes = [(own(key), Some(EXEMPT))].into();
        for (user, client_id) in [
            (Some("default"), None),
            (None, Some("default")),
            (None, Some("app")),
            (Some("default"), Some("app")),
        ] {
            let quota = ClientQuota { entity: entity(user, client_id), key };
            assert_eq!(wanted(&quota, &[]), exempted, "{}", quota.entity);
            assert_eq!(wanted(&quota, &[(own(key), 5.0)]), exempted, "somebody changed it");
            assert_eq!(wanted(&quota, &[(own(key), EXEMPT)]), [].into(), "done");
        }
        assert_eq!(wanted(&rate("alice"), &[]), [].into(), "it is for alice only");
        assert_eq!(wanted(&rate("alice"), &[(own(key), EXEMPT)]), [(own(key), None)].into());
    }

    /// Seen or not: nobody asks again once the last one is forgotten.
    #[test]
    fn with_the_last_limit_the_exemption_goes() {
        let changes = difference(&[(rate("default"), None)].into(), &[].into());
        assert!(QuotaKey::ALL.iter().all(|key| changes.get(&own(*key)) == Some(&None)));
    }

    fn some_quota() -> impl Strategy<Value = ClientQuota> {
        let name = prop::sample::select(vec![None, Some("default"), Some("a"), Some("b")]);
        let key = prop::sample::select(QuotaKey::ALL.to_vec());
        (name.clone(), name, key).prop_filter_map("nobody's", |(user, client_id, key)| {
            let name = |it: Option<&str>| it.map(|it| QuotaName::parse("user", it).unwrap());
            Some(ClientQuota { entity: QuotaEntity::new(name(user), name(client_id))?, key })
        })
    }

    proptest! {
        /// After one pass Kafka has what is stored and whatever others set, and a second one would
        /// change nothing but remove what is not forgotten yet.
        #[test]
        fn one_pass_is_enough(
            stored in prop::collection::btree_map(some_quota(), prop::option::of(1_u8..9), 0..6),
            foreign in prop::collection::btree_map(some_quota(), 1_u8..9, 0..6),
        ) {
            let stored: Changes = stored.into_iter().map(|(it, limit)| (it, limit.map(f64::from))).collect();
            let before: BTreeMap<_, _> = foreign.into_iter().map(|(it, limit)| (it, f64::from(limit))).collect();
            let mut kafka = before.clone();
            for (quota, limit) in difference(&stored, &kafka) {
                match limit {
                    Some(limit) => drop(kafka.insert(quota, limit)),
                    None => drop(kafka.remove(&quota)),
                }
            }
            for (quota, limit) in &stored {
                prop_assert_eq!(kafka.get(quota), limit.as_ref());
            }
            for (quota, limit) in before.iter().filter(|(it, _)| !stored.contains_key(it)) {
                prop_assert_eq!(kafka.get(quota), Some(limit), "not ours");
            }
            prop_assert!(difference(&stored, &kafka).values().all(Option::is_none));
        }
    }
}
