//! Which requests share a session, and how long one lives.

use std::sync::atomic::{AtomicI32, Ordering};

use super::*;
use crate::settings::Settings;
use crate::testing;

fn settings() -> Settings {
    let settings = Settings::new();
    settings.apply(testing::settings("127.0.0.1:1"));
    settings
}

fn sessions(limits: Limits) -> Sessions {
    Sessions::new(limits, testing::directories(), TaskTracker::new())
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
    assert!(first.holds(newest.token.as_deref()));
    sessions.session(&testing::caller(&settings, "alice", 3, 60_000)).unwrap();
    assert!(first.holds(newest.token.as_deref()), "an older token does not replace it");
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
    sessions.sweep(Timestamp::now().plus_ms(REFUSAL_KEPT_MS + 1), settings.generation());
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
    let sessions = Sessions::new(testing::limits(), directories, TaskTracker::new());
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
    let later = Timestamp::now().plus_ms(300_001);
    sessions.sweep(later, settings.generation());
    assert!(!session.has_ended());
    drop(consumer);
    sessions.sweep(later, settings.generation());
    assert!(session.has_ended());
}
