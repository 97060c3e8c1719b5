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
    SeenClaims { principal: Principal("alice".into()), claims }
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
    assert!(claims("ssn", "1").check().unwrap_err().to_string().contains("'claims' 'ssn'"));
    assert!(claims("azp", "").check().is_err());
}

#[test]
fn a_report_has_a_bound() {
    let report = |n| SeenReport { uses: vec![a_use(); n], claims: Vec::new() };
    assert_eq!(report(SeenReport::MOST).check(), Ok(()));
    let error = report(SeenReport::MOST + 1).check().unwrap_err().to_string();
    assert_eq!(error, "Invalid 'uses' '1001': there may be at most 1000");
}
