//! Which requests share a session, and how long one lives.

use std::sync::atomic::{AtomicI32, Ordering};

use super::*;
use crate::settings::Settings;
use crate::testing;

fn settings() -> Settings {
    let settings = Settings::new(testing::idp());
    settings.apply(testing::settings("127.0.0.1:1"));
    settings
}

fn sessions(limits: Limits) -> Sessions {
    sessions_of(limits, testing::directories())
}

fn sessions_of(limits: Limits, directories: Directories) -> Sessions {
    let logins = Arc::new(Logins::new(&limits));
    let (tracker, metrics) = (TaskTracker::new(), Metrics::new());
    Sessions::new(limits, directories, logins, tracker, Arc::default(), metrics)
}

fn count(sessions: &Sessions) -> usize {
    sessions.open.values().len()
}

#[tokio::test]
async fn a_session_is_found_by_principal_and_keeps_its_latest_token() {
    let (settings, sessions) = (settings(), sessions(testing::limits()));
    let first = sessions.session(&testing::caller(&settings, "alice", 1, 60_000)).unwrap();
    let again = sessions.session(&testing::caller(&settings, "alice", 2, 120_000)).unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    let newest = testing::caller(&settings, "alice", 2, 120_000);
    assert!(first.runs_on(&newest.credential));
    sessions.session(&testing::caller(&settings, "alice", 3, 60_000)).unwrap();
    assert!(first.runs_on(&newest.credential), "an older token does not replace it");
    let other = sessions.session(&testing::caller(&settings, "bob", 4, 60_000)).unwrap();
    assert!(!Arc::ptr_eq(&first, &other));
}

#[tokio::test]
async fn nothing_outlives_its_token() {
    let (settings, sessions) = (settings(), sessions(testing::limits()));
    let session = sessions.session(&testing::caller(&settings, "alice", 1, 60_000)).unwrap();
    let generation = settings.generation();
    sessions.sweep(Timestamp::now().plus_ms(59_000), generation);
    assert!(!session.has_ended());
    sessions.sweep(Timestamp::now().plus_ms(60_001), generation);
    assert!(session.has_ended() && count(&sessions) == 0);
    assert_eq!(session.ended_error().kind().0.as_u16(), 401);
}

#[tokio::test]
async fn a_refused_token_is_refused_at_once_and_another_starts_anew() {
    let (settings, sessions) = (settings(), sessions(testing::limits()));
    let caller = testing::caller(&settings, "alice", 1, 60_000);
    let session = sessions.session(&caller).unwrap();
    session.refused();
    sessions.sweep(Timestamp::now(), settings.generation());
    assert_eq!(sessions.session(&caller).err().unwrap().kind().0.as_u16(), 401);
    let fresh = sessions.session(&testing::caller(&settings, "alice", 2, 60_000)).unwrap();
    assert!(!Arc::ptr_eq(&session, &fresh));

    fresh.refused();
    sessions.sweep(Timestamp::now().plus_ms(10_001), settings.generation());
    assert!(sessions.session(&caller).is_ok(), "after a while it is tried again");
}

#[tokio::test]
async fn other_settings_mean_other_clients() {
    let (settings, sessions) = (settings(), sessions(testing::limits()));
    let old = sessions.session(&testing::caller(&settings, "alice", 1, 60_000)).unwrap();
    let mut wanted = testing::settings("127.0.0.1:1");
    wanted.producer.linger_ms = 5;
    settings.apply(wanted);
    let new = sessions.session(&testing::caller(&settings, "alice", 1, 60_000)).unwrap();
    assert!(old.has_ended() && !new.has_ended());
}

#[tokio::test]
async fn a_request_under_older_settings_does_not_end_newer_clients() {
    let (settings, sessions) = (settings(), sessions(testing::limits()));
    let late = testing::caller(&settings, "alice", 1, 60_000);
    let mut wanted = testing::settings("127.0.0.1:1");
    wanted.producer.linger_ms = 5;
    settings.apply(wanted);
    let caller = testing::caller(&settings, "alice", 1, 60_000);
    let new = sessions.session(&caller).unwrap();
    assert_eq!(sessions.session(&late).err().unwrap().kind().0.as_u16(), 503);
    assert!(!new.has_ended());
    assert!(Arc::ptr_eq(&new, &sessions.session(&caller).unwrap()));
}

#[tokio::test]
async fn a_partition_beyond_what_is_known_is_asked_for() {
    let partitions = Arc::new(AtomicI32::new(2));
    let directories = testing::directories_of(Arc::clone(&partitions));
    let sessions = sessions_of(testing::limits(), directories);
    let session = sessions.session(&testing::caller(&settings(), "alice", 1, 60_000)).unwrap();
    let orders = "orders".parse().unwrap();
    assert_eq!(session.partitions(&orders, None).await.unwrap(), 2);
    partitions.store(3, Ordering::Relaxed);
    assert_eq!(session.partitions(&orders, Some(1)).await.unwrap(), 2);
    assert_eq!(session.partitions(&orders, Some(2)).await.unwrap(), 3);
    assert_eq!(session.partitions(&orders, None).await.unwrap(), 3);
}

#[tokio::test]
async fn the_pool_is_bounded_and_spares_who_has_consumers() {
    let (settings, sessions) =
        (settings(), sessions(Limits { max_sessions: 2, ..testing::limits() }));
    let open =
        |name: &str, serial| sessions.session(&testing::caller(&settings, name, serial, 60_000));
    let alice = open("alice", 1).unwrap();
    let consumer = alice.count_consumer();
    let bob = open("bob", 2).unwrap();
    let carol = open("carol", 3).unwrap();
    assert!(bob.has_ended() && !alice.has_ended());
    let consumers = (carol.count_consumer(), consumer);
    assert_eq!(open("dave", 4).err().unwrap().kind().0.as_u16(), 503);
    drop(consumers);
    assert!(open("dave", 4).is_ok() && count(&sessions) == 2);
}

#[tokio::test]
async fn an_idle_session_is_closed_but_not_with_consumers() {
    let (settings, sessions) = (settings(), sessions(testing::limits()));
    let caller = testing::caller(&settings, "alice", 1, 3_600_000);
    let session = sessions.session(&caller).unwrap();
    let consumer = session.count_consumer();
    let generation = settings.generation();
    let due = session.last_used().plus_ms(300_000);
    let expiry = sessions.sweep(due, generation);
    assert_eq!(expiry, session.expires_at(), "its consumers are not idle");
    drop(consumer);
    let before = due.plus_ms(-1);
    assert_eq!(sessions.sweep(before, generation), Some(due), "the next look is exact");
    assert!(!session.has_ended());
    sessions.sweep(due, generation);
    assert!(session.has_ended());
}

#[tokio::test]
async fn a_refused_login_is_looked_into_when_its_grace_is_over() {
    let settings = settings();
    let sessions = sessions_of(testing::limits(), testing::refusing());
    let caller = testing::caller(&settings, "alice", 1, 3_600_000);
    let session = sessions.session(&caller).unwrap();
    session.health().note(rdkafka::error::RDKafkaErrorCode::Authentication);
    sessions.tools.wake.notified().await;
    let due = sessions.sweep(Timestamp::now(), settings.generation()).unwrap();
    assert!(due.ms_since(Timestamp::now()) <= 1_000);
    sessions.sweep(due, settings.generation());
    session.ended().await;
    assert_eq!(sessions.session(&caller).err().unwrap().to_string(), crate::error::REFUSED);
}

#[tokio::test]
async fn another_password_replaces_the_session_and_a_wrong_one_does_not_touch_it() {
    let (settings, sessions) = (settings(), sessions(testing::limits()));
    let caller = |password: &str| testing::user(&settings, "alice", password);
    let first = sessions.session(&caller("old")).unwrap();
    sessions.dismiss(first.owner(), &caller("wrong").credential);
    assert!(Arc::ptr_eq(&first, &sessions.session(&caller("old")).unwrap()));
    // A caller is only made of a password that was proven.
    let second = sessions.session(&caller("new")).unwrap();
    assert!(first.has_ended() && !second.has_ended() && count(&sessions) == 1);
    sessions.dismiss(second.owner(), &caller("new").credential);
    assert_eq!(second.ended_error().kind().0.as_u16(), 401);
}
