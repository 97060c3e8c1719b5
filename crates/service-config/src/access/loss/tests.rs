//! Who would lose what, and what gives it back.

mod laws;

use model::SeenAt::{Broker, RestProxy};
use model::{AclId, AclPattern, AclPermission, KafkaAclText};

use super::*;
use crate::access::tests::native::{HERE, parsed};

/// `ALLOW User:x Read Topic LITERAL t *`
pub(super) fn native(line: &str) -> KafkaAclEntry {
    let words: Vec<&str> = line.split(' ').collect();
    let [permission_type, principal, operation, resource_type, pattern_type, resource_name, host] =
        words[..]
    else {
        panic!("{line}");
    };
    let word = str::to_owned;
    parsed(&KafkaAclText {
        principal: word(principal),
        host: word(host),
        resource_type: word(resource_type),
        resource_name: word(resource_name),
        pattern_type: word(pattern_type),
        operation: word(operation),
        permission_type: word(permission_type),
    })
    .unwrap()
}

/// `read t user`
fn aiven(line: &str) -> AclEntry {
    let words: Vec<&str> = line.split(' ').collect();
    let [permission, topic, username] = words[..] else { panic!("{line}") };
    AclEntry {
        id: AclId("default".into()),
        permission: permission.parse::<AclPermission>().unwrap(),
        topic: AclPattern::topic(topic).unwrap(),
        username: AclPattern::username(username).unwrap(),
    }
}

/// Alice and Bob are users, passwords and tokens are accepted, and the REST proxy asks for them.
fn access(acl: &[&str], kafka_acl: &[&str]) -> Access {
    Access {
        acl: acl.iter().map(|it| aiven(it)).collect(),
        kafka_acl: kafka_acl.iter().map(|it| native(it)).collect(),
        users: ["alice", "bob"].map(|it| it.parse().unwrap()).into(),
        passwords: true,
        rest_authorization: true,
        principal_claim: Some("sub".into()),
    }
}

/// `alice Read Topic t`, which is proven; `?alice ...`, which is not; `- ...`, of nobody.
fn seen(at: SeenAt, line: &str, last: i64) -> (SeenAt, SeenUse) {
    let words: Vec<&str> = line.split(' ').collect();
    let [name, operation, resource_type, resource_name] = words[..] else { panic!("{line}") };
    let said = name.strip_prefix('?');
    let principal = said.unwrap_or(name);
    let seen_use = SeenUse {
        principal: (name != "-").then(|| Principal(principal.to_owned())),
        proven: said.is_none() && name != "-",
        resource_type: resource_type.parse().unwrap(),
        resource_name: resource_name.into(),
        operation: operation.parse().unwrap(),
        last: Timestamp(last),
    };
    seen_use.check().unwrap();
    (at, seen_use)
}

fn claims(principal: &str, claims: &[(&str, &str)]) -> SeenClaims {
    let claims = claims.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    SeenClaims { principal: Principal(principal.into()), claims, absent: BTreeSet::new() }
}

/// A loss and what gives it back, a line each.
fn told(losses: &[Loss]) -> String {
    let mut lines = Vec::new();
    for it in losses {
        let places: Vec<&str> = it.seen_at.iter().map(|it| it.as_str()).collect();
        let operations: Vec<&str> = it.operations.iter().map(|it| it.as_str()).collect();
        lines.push(format!(
            "{} {} {} {} at {}{}: {}",
            it.principal.as_ref().map_or("-", |it| it.0.as_str()),
            operations.join(","),
            it.resource_type.as_str(),
            it.resource_name,
            places.join(","),
            if it.certain { "" } else { " perhaps" },
            it.reason
        ));
        lines.extend(it.acls.iter().map(|it| format!("  {}", it.command("s").unwrap_or_default())));
    }
    lines.join("\n")
}

fn lost(before: &Access, after: &Access, uses: &[(SeenAt, &str)], claims: &[SeenClaims]) -> String {
    lost_by(before, after, uses, (claims, Watching::Never))
}

fn lost_by(
    before: &Access,
    after: &Access,
    uses: &[(SeenAt, &str)],
    claims: (&[SeenClaims], Watching),
) -> String {
    // The earlier in the list, the later it was seen.
    let dated = uses.iter().zip((0..1000).rev());
    let uses: Vec<_> = dated.map(|((at, line), last)| seen(*at, line, last)).collect();
    told(&would_lose(before, after, &uses, claims))
}

#[test]
fn authorization_at_the_rest_proxy_refuses_whoever_is_nobody_or_has_no_acl() {
    let after = access(&["read in alice"], &["DENY User:bob All Topic LITERAL secret *"]);
    let before = Access { rest_authorization: false, ..after.clone() };
    let uses = [
        (RestProxy, "- Write Topic in"),
        (RestProxy, "?alice Read Topic in"),
        (RestProxy, "?alice Write Topic in"),
        (RestProxy, "?carol Write Topic in"),
        (RestProxy, "auth0|1 Write Topic in"),
        (RestProxy, "auth0|1 Read Group g"),
        (RestProxy, "?bob Read Topic secret"),
        (RestProxy, "?bob Read Topic out"),
        (RestProxy, "?bob Write Topic out"),
        (RestProxy, "?bob Describe Topic out"),
        // Nothing changes at brokers.
        (Broker, "dave Write Topic in"),
    ];
    insta::assert_snapshot!(lost(&before, &after, &uses, &[]));
    assert_eq!(lost(&after, &before, &uses, &[]), "");
}

#[test]
fn an_acl_that_goes_takes_with_it_what_no_other_allows() {
    let before = access(
        &["readwrite t alice", "read t* *"],
        &[
            "ALLOW User:auth0|1 Read Topic PREFIXED t *",
            "ALLOW User:auth0|1 Read Topic LITERAL t1 *",
        ],
    );
    let mut after = access(&["read t* *"], &["ALLOW User:auth0|1 Read Topic LITERAL t1 *"]);
    let uses = [
        (Broker, "alice Write Topic t"),
        (RestProxy, "alice Write Topic t"),
        (Broker, "alice Read Topic t"),
        (Broker, "alice IdempotentWrite Cluster kafka-cluster"),
        (Broker, "alice Write TransactionalId tx"),
        (Broker, "bob Read Topic t"),
        (Broker, "auth0|1 Read Topic t1"),
        (Broker, "auth0|1 Describe Topic t2"),
        (Broker, "auth0|1 Read Topic t3"),
        // Never allowed, so not lost.
        (Broker, "bob Write Topic t"),
    ];
    insta::assert_snapshot!(lost(&before, &after, &uses, &[]));
    // An idempotent producer needs no more than some topic to write to.
    after.kafka_acl.push(native("ALLOW User:alice Write Topic LITERAL other *"));
    let idempotent = [(Broker, "alice IdempotentWrite Cluster kafka-cluster")];
    assert_eq!(lost(&before, &after, &idempotent, &[]), "");
}

#[test]
fn a_denial_wins_and_no_acl_makes_up_for_it() {
    let before = access(&["readwrite * alice"], &[]);
    let denial = |host: &str| {
        let line = format!("DENY User:* Write Topic PREFIXED t {host}");
        access(&["readwrite * alice"], &[&line])
    };
    let uses = [(Broker, "alice Write Topic t1"), (Broker, "alice Describe Topic t1")];
    assert_eq!(
        lost(&before, &denial("*"), &uses, &[]),
        "alice Write Topic t1 at broker: DENY User:* Write on PREFIXED Topic t denies it, and no \
         ACL that allows can make up for that"
    );
    assert_eq!(
        lost(&before, &denial(HERE), &uses, &[]),
        "alice Write Topic t1 at broker perhaps: DENY User:* Write on PREFIXED Topic t from \
         10.0.0.1 denies it, and no ACL that allows can make up for that. Not certain: from some \
         addresses it is allowed"
    );
}

#[test]
fn without_its_user_a_name_has_only_a_token_and_native_acls() {
    let before = access(&["readwrite * *"], &["ALLOW User:alice Read Topic LITERAL t *"]);
    let after = Access { users: ["bob".parse().unwrap()].into(), ..before.clone() };
    let uses = [
        (Broker, "alice Read Topic t"),
        (Broker, "alice Write Topic t"),
        (Broker, "bob Read Topic t"),
    ];
    insta::assert_snapshot!("a_user_goes", lost(&before, &after, &uses, &[]));
    let off = |it: &Access| Access { principal_claim: None, ..it.clone() };
    insta::assert_snapshot!(
        "a_user_goes_and_oidc_is_off",
        lost(&off(&before), &off(&after), &uses, &[])
    );
}

#[test]
fn another_claim_gives_whoever_comes_by_a_token_another_name() {
    let before = access(
        &["read t alice"],
        &[
            "ALLOW User:id-1 Read Topic LITERAL t *",
            "ALLOW User:id-2 Read Topic LITERAL t *",
            "ALLOW User:id-3 Read Topic LITERAL t *",
            "ALLOW User:shop Read Topic LITERAL t *",
            "ALLOW User:id-5 Read Group PREFIXED g *",
        ],
    );
    let after = Access { principal_claim: Some("azp".into()), ..before.clone() };
    let known = [
        claims("id-1", &[("azp", "shop")]),
        claims("id-2", &[("azp", " o'shop ")]),
        claims("id-3", &[("sub", "id-3")]),
        claims("id-5", &[("azp", "alice")]),
    ];
    let uses = [
        (Broker, "id-1 Read Topic t"),
        (Broker, "id-2 Read Topic t"),
        (RestProxy, "id-3 Read Topic t"),
        (RestProxy, "id-4 Read Topic t"),
        (RestProxy, "id-5 Read Group g1"),
        (RestProxy, "alice Read Topic t"),
    ];
    insta::assert_snapshot!(lost(&before, &after, &uses, &known));
}

#[test]
fn of_a_claim_that_is_not_common_it_is_said_since_when_its_values_are_kept() {
    let acls = ["id-1", "id-2", "id-3", "id-4", "e-1"]
        .map(|it| format!("ALLOW User:{it} Read Topic LITERAL t *"));
    let before = access(&[], &acls.each_ref().map(String::as_str));
    let after = Access { principal_claim: Some("employee_id".into()), ..before.clone() };
    let absent = ["employee_id".to_owned()].into();
    let known = [
        claims("id-1", &[("employee_id", "e-1")]),
        claims("id-2", &[("azp", "shop")]),
        SeenClaims { absent, ..claims("id-3", &[("azp", "shop")]) },
    ];
    let uses = [
        (RestProxy, "id-1 Read Topic t"),
        (RestProxy, "id-2 Read Topic t"),
        (RestProxy, "id-3 Read Topic t"),
        (RestProxy, "id-4 Read Topic t"),
    ];
    let lost = |watching| lost_by(&before, &after, &uses, (&known, watching));
    let told = [Watching::Never, Watching::FromNow, Watching::Since(Timestamp(1_795_291_200_000))]
        .map(|it| format!("{it:?}:\n{}", lost(it)));
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn without_oidc_or_passwords_nobody_comes_by_them() {
    let before = access(&["read t alice"], &["ALLOW User:id-1 Read Topic LITERAL t *"]);
    let uses = [(Broker, "id-1 Read Topic t"), (Broker, "alice Read Topic t")];
    let no_oidc = Access { principal_claim: None, ..before.clone() };
    let no_passwords = Access { passwords: false, ..before.clone() };
    insta::assert_snapshot!("oidc_goes", lost(&before, &no_oidc, &uses, &[]));
    insta::assert_snapshot!("passwords_go", lost(&before, &no_passwords, &uses, &[]));
    let neither = Access { passwords: false, ..no_oidc.clone() };
    assert_eq!(
        lost(&no_oidc, &neither, &uses, &[]),
        "alice Read Topic t at broker: no password is accepted"
    );
}

#[test]
fn what_an_acl_cannot_name_is_said() {
    let after = access(&[], &[]);
    let before = Access { rest_authorization: false, ..after.clone() };
    let uses = [
        (RestProxy, "a*b Read Topic t"),
        (RestProxy, "id-1 Read Group *"),
        (RestProxy, "-x Write Topic -t"),
        (RestProxy, "id-1 Describe DelegationToken x"),
    ];
    insta::assert_snapshot!(lost(&before, &after, &uses, &[]));
}
