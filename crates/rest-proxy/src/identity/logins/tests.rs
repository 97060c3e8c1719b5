//! What a password costs, and what a wrong one does.

use std::sync::atomic::AtomicUsize;

use futures::FutureExt;

use super::*;
use crate::testing;

/// Kafka, which lets in one password and counts the logins. Each takes a tenth of a second.
#[derive(Default)]
struct Door {
    good: Mutex<Fingerprint>,
    asked: AtomicUsize,
    away: std::sync::atomic::AtomicBool,
}

impl Door {
    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }

    async fn prove(&self, logins: &Logins, user: &str, password: &str) -> Option<u16> {
        let owner = Owner::User { username: user.into() };
        let fingerprint = logins.fingerprint(user, &Secret::new(password.to_owned()));
        let probe = move || {
            let probed = async move {
                self.asked.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(100)).await;
                let (address, reason) = ("a:1".to_owned(), "no".to_owned());
                if self.away.load(Ordering::Relaxed) {
                    let source = std::io::ErrorKind::TimedOut.into();
                    return Err(KafkaError::Unreachable { address, source });
                }
                let good = *locked(&self.good) == fingerprint;
                let mechanism = "SCRAM-SHA-256";
                good.then_some(()).ok_or(KafkaError::Authentication { address, mechanism, reason })
            };
            probed.boxed()
        };
        let proven = logins.prove(&owner, fingerprint, &probe).await;
        proven.err().map(|it| it.kind().0.as_u16())
    }
}

fn logins(limits: &Limits) -> (Logins, Door) {
    let logins = Logins::new(limits);
    let good = logins.fingerprint("alice", &Secret::new("good".to_owned()));
    (logins, Door { good: Mutex::new(good), ..Door::default() })
}

#[tokio::test(start_paused = true)]
async fn a_right_password_is_asked_once_by_all_and_again_after_a_while() {
    let (logins, door) = logins(&testing::limits());
    let all = (0..20).map(|_| door.prove(&logins, "alice", "good"));
    assert!(futures::future::join_all(all).await.iter().all(Option::is_none));
    assert_eq!(door.asked(), 1, "the others waited for the first");
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!((door.prove(&logins, "alice", "good").await, door.asked()), (None, 0));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!((door.prove(&logins, "alice", "good").await, door.asked()), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_remembered_and_leaves_the_right_one_alone() {
    let (logins, door) = logins(&testing::limits());
    assert_eq!(door.prove(&logins, "alice", "good").await, None);
    door.asked();
    for _ in 0..5 {
        assert_eq!(door.prove(&logins, "alice", "bad").await, Some(401));
        assert_eq!(door.prove(&logins, "alice", "good").await, None);
    }
    assert_eq!(door.asked(), 1);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!((door.prove(&logins, "alice", "bad").await, door.asked()), (Some(401), 1));
}

#[tokio::test(start_paused = true)]
async fn a_password_that_was_changed_is_out_with_the_next_check() {
    let (logins, door) = logins(&testing::limits());
    assert_eq!(door.prove(&logins, "alice", "good").await, None);
    *locked(&door.good) = logins.fingerprint("alice", &Secret::new("new".to_owned()));
    assert_eq!(door.prove(&logins, "alice", "new").await, None);
    door.asked();
    // A user has one password: the old one is asked for as if it had never been seen.
    assert_eq!((door.prove(&logins, "alice", "good").await, door.asked()), (Some(401), 1));

    *locked(&door.good) = [0; 32];
    assert_eq!(door.prove(&logins, "alice", "new").await, None, "still good for a while");
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(door.prove(&logins, "alice", "new").await, Some(401));
    assert_eq!(door.asked(), 2, "tried once more, for a broker that has just started");
    assert_eq!((door.prove(&logins, "alice", "new").await, door.asked()), (Some(401), 0));
}

#[tokio::test(start_paused = true)]
async fn guesses_wait_for_each_other_and_not_the_right_password_for_them() {
    let limits = Limits { max_logins: 2, max_logins_waiting: 3, ..testing::limits() };
    let (logins, door) = logins(&limits);
    assert_eq!(door.prove(&logins, "alice", "good").await, None);
    door.asked();
    tokio::time::advance(Duration::from_mins(1)).await;
    let started = Instant::now();
    let names: Vec<String> = (0..9).map(|it| format!("guess-{it}")).collect();
    let guesses = names.iter().map(|it| door.prove(&logins, "alice", it));
    let again = async { (door.prove(&logins, "alice", "good").await, started.elapsed()) };
    let (guesses, again) = tokio::join!(futures::future::join_all(guesses), again);
    assert_eq!(again, (None, Duration::from_millis(100)));
    let count = |status| guesses.iter().filter(|it| **it == Some(status)).count();
    assert_eq!((count(401), count(503)), (5, 4));
    assert_eq!(started.elapsed(), Duration::from_millis(300), "two at a time");
}

#[tokio::test(start_paused = true)]
async fn kafka_away_is_no_wrong_password() {
    let (logins, door) = logins(&testing::limits());
    door.away.store(true, Ordering::Relaxed);
    assert_eq!(door.prove(&logins, "alice", "good").await, Some(503));
    door.away.store(false, Ordering::Relaxed);
    assert_eq!(door.prove(&logins, "alice", "good").await, None);
}

#[tokio::test(start_paused = true)]
async fn one_who_hangs_up_leaves_the_trial_to_the_next() {
    let (logins, door) = logins(&testing::limits());
    let short = timeout(Duration::from_millis(50), door.prove(&logins, "alice", "good"));
    let (gone, next) = tokio::join!(short, door.prove(&logins, "alice", "good"));
    assert!(gone.is_err() && next.is_none());
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut refused = Refused::default();
    let until = Instant::now() + Duration::from_mins(1);
    for number in 0..2 * MOST_REMEMBERED {
        let mut fingerprint = [0; 32];
        fingerprint[..8].copy_from_slice(&number.to_le_bytes());
        refused.add(fingerprint, until);
    }
    assert!(!refused.has(&[0; 32]), "the oldest is forgotten");
    assert_eq!((refused.until.len(), refused.order.len()), (MOST_REMEMBERED, MOST_REMEMBERED));
}
