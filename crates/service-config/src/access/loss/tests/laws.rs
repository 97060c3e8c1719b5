//! What holds whatever was seen and whatever is changed.

use proptest::prelude::*;

use super::*;
use crate::access::tests::{entry, native::native};

fn access() -> impl Strategy<Value = Access> {
    (
        prop::collection::vec(entry(), 0..3),
        prop::collection::vec(native(), 0..5),
        prop::collection::btree_set("[uv]{1,2}", 0..4),
        any::<bool>(),
        any::<bool>(),
        prop::option::of(prop::sample::select(vec!["sub", "azp", "ssn"])),
    )
        .prop_map(|(acl, kafka_acl, users, passwords, rest_authorization, claim)| Access {
            acl,
            kafka_acl,
            users: users.iter().map(|it| it.parse().unwrap()).collect(),
            passwords,
            rest_authorization,
            principal_claim: claim.map(str::to_owned),
        })
}

fn a_use() -> impl Strategy<Value = (SeenAt, SeenUse)> {
    let who = prop::sample::select(vec!["-", "u", "?u", "vv", "?vv", "auth0|1", "?a*", "x*"]);
    let what = prop::sample::select(vec![
        "Read Topic a",
        "Write Topic a",
        "Describe Topic ab",
        "Write Topic ab",
        "Alter Topic ab",
        "Read Group any",
        "Describe Group an",
        "Write TransactionalId b",
        "IdempotentWrite Cluster kafka-cluster",
    ]);
    let at = prop::sample::select(SeenAt::ALL.to_vec());
    (at, who, what, 0..100_i64).prop_map(|(at, who, what, last)| {
        // Only a REST proxy hears of a name without a proof.
        let at = if who.starts_with(['-', '?']) { RestProxy } else { at };
        seen(at, &format!("{who} {what}"), last)
    })
}

fn known() -> impl Strategy<Value = Vec<SeenClaims>> {
    let name = || prop::sample::select(vec!["u", "vv", "auth0|1", "new", "n*w"]);
    prop::collection::vec((name(), name()).prop_map(|(it, azp)| claims(it, &[("azp", azp)])), 0..3)
}

/// Who loses what, where.
fn lost_uses(losses: &[Loss]) -> BTreeSet<(Option<Principal>, SeenAt, String, AclOperation)> {
    let each = |it: &Loss| {
        let mut uses = Vec::new();
        for at in &it.seen_at {
            for operation in &it.operations {
                let name = format!("{} {}", it.resource_type.as_str(), it.resource_name);
                uses.push((it.principal.clone(), *at, name, *operation));
            }
        }
        uses
    };
    losses.iter().flat_map(each).collect()
}

fn add(access: &mut Access, proposal: Proposal) {
    let id = AclId("default".into());
    match proposal {
        Proposal::Acl { permission, topic, username } => {
            access.acl.push(AclEntry { id, permission, topic, username });
        }
        Proposal::KafkaAcl(acl) => access.kafka_acl.push(KafkaAclEntry { id, acl }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_stays_as_it_is_takes_nothing_away(
        same in access(),
        uses in prop::collection::vec(a_use(), 0..12),
        known in known(),
    ) {
        prop_assert_eq!(would_lose(&same, &same, &uses, (&known, Watching::FromNow)), []);
    }

    #[test]
    fn with_the_acls_that_are_named_nothing_is_lost_that_an_acl_can_give(
        before in access(),
        after in access(),
        uses in prop::collection::vec(a_use(), 0..12),
        known in known(),
    ) {
        let mut after = after;
        let first = would_lose(&before, &after, &uses, (&known, Watching::FromNow));
        let mut last = Timestamp(i64::MAX);
        for it in &first {
            prop_assert!(it.last <= last && !it.operations.is_empty() && !it.reason.is_empty());
            last = it.last;
        }
        for proposal in first.iter().flat_map(|it| it.acls.clone()) {
            add(&mut after, proposal);
        }
        let then = would_lose(&before, &after, &uses, (&known, Watching::FromNow));
        prop_assert!(then.iter().all(|it| it.acls.is_empty()), "{}", told(&then));
        // What can be given back is given back: it is not only not named any more.
        for it in &then {
            prop_assert!(
                !it.reason.contains("no ACL allows") || it.reason.contains("no ACL can"),
                "{}", it.reason
            );
        }
        prop_assert!(lost_uses(&then).is_subset(&lost_uses(&first)));
    }

    #[test]
    fn another_entry_that_allows_takes_nothing_away(
        before in access(),
        after in access(),
        more in (prop::collection::vec(entry(), 0..2), prop::collection::vec(native(), 0..3)),
        uses in prop::collection::vec(a_use(), 0..12),
        known in known(),
    ) {
        let first = lost_uses(&would_lose(&before, &after, &uses, (&known, Watching::FromNow)));
        let mut after = after;
        after.acl.extend(more.0);
        let denies = |it: &KafkaAclEntry| it.acl.text().permission_type == "DENY";
        after.kafka_acl.extend(more.1.into_iter().filter(|it| !denies(it)));
        let then = lost_uses(&would_lose(&before, &after, &uses, (&known, Watching::FromNow)));
        prop_assert!(then.is_subset(&first), "{then:?}\n{first:?}");
    }
}
