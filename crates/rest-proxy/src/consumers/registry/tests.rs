//! Whose instance is whose.

use std::time::Duration;

use super::*;
use crate::clients::ConsumerWishes;
use crate::formats::Format;
use crate::testing;

fn options(idle_ms: Option<i64>) -> Options {
    Options {
        format: Format::Json,
        request_timeout: Duration::from_secs(1),
        max_bytes: 1024,
        idle_ms,
        include_headers: false,
        wishes: ConsumerWishes {
            group: "g".to_owned(),
            auto_commit: true,
            earliest: true,
            fetch_min_bytes: 1,
            read_committed: true,
        },
    }
}

fn consumers(limits: Limits) -> Consumers {
    Consumers::new(limits, Arc::default())
}

fn create(consumers: &Consumers, principal: &str, name: &str) -> Result<(), ApiError> {
    let owner = testing::owner(principal);
    consumers.create(owner, "g".to_owned(), name.to_owned(), options(None))
}

#[test]
fn a_principal_cannot_see_or_touch_anothers_instance() {
    let consumers = consumers(testing::limits());
    create(&consumers, "alice", "i").unwrap();
    let refused = consumers.find(&testing::owner("bob"), "g", "i").err().unwrap();
    assert_eq!(refused.to_string(), "Consumer for ('g', 'i') not found");
    assert!(consumers.find(&Owner::Proxy, "g", "i").is_err());

    create(&consumers, "bob", "i").unwrap();
    let bobs = consumers.find(&testing::owner("bob"), "g", "i").unwrap();
    assert!(consumers.delete(&bobs).is_none());
    assert!(consumers.find(&testing::owner("bob"), "g", "i").is_err());
    assert!(consumers.find(&testing::owner("alice"), "g", "i").is_ok());
}

#[test]
fn the_same_principal_of_another_issuer_is_another() {
    let consumers = consumers(testing::limits());
    create(&consumers, "alice", "i").unwrap();
    let other = Owner::Oidc { issuer: "https://other".into(), principal: "alice".into() };
    assert!(consumers.find(&other, "g", "i").is_err());
    let user = Owner::User { username: "alice".into() };
    assert!(consumers.find(&user, "g", "i").is_err(), "nor is a service user of that name");
    consumers.create(user.clone(), "g".to_owned(), "i".to_owned(), options(None)).unwrap();
    let users = consumers.find(&user, "g", "i").unwrap();
    consumers.delete(&users);
    assert!(consumers.find(&testing::owner("alice"), "g", "i").is_ok());
}

#[test]
fn names_are_taken_once_and_instances_are_bounded() {
    let limits = Limits { max_consumers_per_principal: 2, max_consumers: 3, ..testing::limits() };
    let consumers = consumers(limits);
    let status = |result: Result<(), ApiError>| result.err().map(|it| it.kind().0.as_u16());
    assert_eq!(status(create(&consumers, "alice", "1")), None);
    assert_eq!(status(create(&consumers, "alice", "1")), Some(409));
    assert_eq!(status(create(&consumers, "alice", "2")), None);
    assert_eq!(status(create(&consumers, "alice", "3")), Some(429));
    assert_eq!(status(create(&consumers, "bob", "1")), None);
    assert_eq!(status(create(&consumers, "carol", "1")), Some(503));
}

#[test]
fn who_is_not_asked_for_is_forgotten_but_not_during_a_request() {
    let limits = Limits { consumer_retention_secs: 60, ..testing::limits() };
    let consumers = consumers(limits);
    let alice = testing::owner("alice");
    create(&consumers, "alice", "i").unwrap();
    let used = consumers.find(&alice, "g", "i").unwrap();
    let before = Timestamp::now();
    let due = consumers.sweep(before).unwrap();
    assert!(due >= before.plus_ms(60_000), "in use, it is not idle at all");
    drop(used);
    if let Some(later) = consumers.sweep(due) {
        assert!(later > due, "the time since the end of its last request counts");
        assert_eq!(consumers.sweep(later), None);
    }
    create(&consumers, "alice", "i").unwrap();
    let due = consumers.sweep(Timestamp::now()).unwrap();
    assert_eq!(consumers.sweep(due.plus_ms(-1)), Some(due), "exact to the millisecond");
    assert_eq!(consumers.sweep(due), None);
    assert!(consumers.find(&alice, "g", "i").is_err());
}

#[test]
fn the_service_says_when_an_idle_instance_ends() {
    let consumers = consumers(testing::limits());
    let owner = testing::owner("alice");
    consumers.create(owner, "g".to_owned(), "i".to_owned(), options(Some(7_000))).unwrap();
    let due = consumers.sweep(Timestamp::now()).unwrap();
    assert!(due <= Timestamp::now().plus_ms(7_000));
    assert_eq!(consumers.sweep(due), None);
}
