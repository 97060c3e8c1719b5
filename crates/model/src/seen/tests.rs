//! What a report may say.

use super::*;

fn a_use() -> SeenUse {
    SeenUse {
        principal: Some(Principal("alice".into())),
        proven: true,
        resource_type: ResourceType::Topic,
        resource_name: "orders".into(),
        operation: AclOperation::Write,
        last: Timestamp(1_795_291_200_000),
    }
}

fn claims(name: &str, value: &str) -> SeenClaims {
    let claims = [(name.to_owned(), value.to_owned())].into();
    SeenClaims { principal: Principal("alice".into()), claims, absent: BTreeSet::new() }
}

#[test]
fn what_nobody_can_have_seen_is_refused_with_key_value_and_rule() {
    let wrong = |change: fn(&mut SeenUse)| {
        let mut it = a_use();
        change(&mut it);
        it.check().unwrap_err().to_string()
    };
    let named = |name: &str| Some(Principal(name.into()));
    let own = SeenUse { principal: named(" rest-proxy"), ..a_use() };
    assert_eq!(
        own.check().unwrap_err().to_string(),
        "Invalid 'principal' ' rest-proxy': nobody who is seen is called '*', nor with a space in \
         front or behind"
    );
    assert!(SeenUse { principal: named("*"), ..a_use() }.check().is_err());
    assert!(SeenUse { principal: named(&"é".repeat(257)), ..a_use() }.check().is_err());
    assert!(SeenUse { principal: named(&"é".repeat(256)), ..a_use() }.check().is_ok());
    assert!(SeenUse { principal: None, proven: false, ..a_use() }.check().is_ok());
    assert!(wrong(|it| it.principal = None).contains("'proven' 'true'"));
    assert!(wrong(|it| it.resource_name = "a\0".into()).contains(r"'a\0'"));
    assert!(wrong(|it| it.operation = AclOperation::All).contains("'operation' 'All'"));
    assert!(wrong(|it| it.operation = AclOperation::IdempotentWrite).contains("operation"));
    assert_eq!(claims("azp", "shop").check(), Ok(()));
    assert!(claims("a\nb", "1").check().unwrap_err().to_string().contains(r"'claims' 'a\nb'"));
    assert!(claims("azp", "").check().is_err());
    let absent = [String::new()].into();
    let error = SeenClaims { absent, ..claims("azp", "shop") }.check().unwrap_err();
    assert!(error.to_string().contains("'absent' ''"), "{error}");
    let many: BTreeSet<String> = (0..=MOST_CLAIMS).map(|it| it.to_string()).collect();
    let many = SeenClaims { absent: many, ..claims("azp", "shop") };
    assert!(many.check().unwrap_err().to_string().contains("'absent' '101'"));
}

#[test]
fn of_claims_that_are_not_watched_nothing_is_left() {
    let watched = ["employee_id", "badge"].map(str::to_owned).into();
    let all = [("azp", "shop"), ("ssn", "1"), ("employee_id", "e1")];
    let told = SeenClaims {
        principal: Principal("alice".into()),
        claims: all.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
        absent: ["badge", "tax"].map(str::to_owned).into(),
    };
    assert_eq!(told.check(), Ok(()));
    let left = told.only(&watched);
    assert_eq!(left.claims.keys().collect::<Vec<_>>(), ["azp", "employee_id"]);
    assert_eq!(left.absent.iter().collect::<Vec<_>>(), ["badge"]);
    let left = told.only(&BTreeSet::new());
    assert_eq!((left.claims.len(), left.absent.len()), (1, 0));
}

#[test]
fn only_a_name_that_is_not_common_is_watched() {
    for name in ["employee_id", "https://example.com/client", &"é".repeat(256)] {
        assert!(is_watchable(name), "{name}");
    }
    for name in ["", "sub", "azp", "a\u{7}", &"é".repeat(257)] {
        assert!(!is_watchable(name), "{name:?}");
    }
}

#[test]
fn a_report_has_a_bound() {
    let report = |n| SeenReport { uses: vec![a_use(); n], claims: Vec::new() };
    assert_eq!(report(SeenReport::MOST).check(), Ok(()));
    let error = report(SeenReport::MOST + 1).check().unwrap_err().to_string();
    assert_eq!(error, "Invalid 'uses' '1001': there may be at most 1000");
}
