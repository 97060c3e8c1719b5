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
        wishes: ConsumerWishes {
            group: "g".to_owned(),
            auto_commit: true,
            earliest: true,
            fetch_min_bytes: 1,
        },
    }
}

fn consumers(limits: Limits) -> Consumers {
    Consumers::new(limits, TaskTracker::new())
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
    let later = Timestamp::now().plus_ms(61_000);
    let used = consumers.find(&alice, "g", "i").unwrap();
    consumers.sweep(later);
    drop(used);
    assert!(consumers.find(&alice, "g", "i").is_ok());
    consumers.sweep(later);
    assert!(consumers.find(&alice, "g", "i").is_err());
}
