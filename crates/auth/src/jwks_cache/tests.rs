//! The cache against a source that does as it is told.

use std::collections::VecDeque;

use futures::future::BoxFuture;
use testkit::issuer::{Alg, Issuer};
use tokio::sync::mpsc;

use super::*;
use crate::fetch::Fetched;

type Answer = Result<Vec<u8>, JwksError>;

/// Gives each answer when the test gives it, and none otherwise.
struct Scripted {
    answers: tokio::sync::Mutex<mpsc::Receiver<Answer>>,
}

impl KeySource for Scripted {
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, JwksError>> {
        Box::pin(async {
            let answer = self.answers.lock().await.recv().await;
            let body = answer.unwrap_or(Err(JwksError::Timeout))?;
            Ok(Fetched { body, max_age: None })
        })
    }

    fn name(&self) -> &'static str {
        "scripted"
    }
}

fn cache() -> (JwksCache, mpsc::Sender<Answer>) {
    let (sender, receiver) = mpsc::channel(8);
    let source = Scripted { answers: tokio::sync::Mutex::new(receiver) };
    (JwksCache::start(Box::new(source)), sender)
}

fn keys(issuer: &Issuer) -> Vec<u8> {
    issuer.jwks().to_string().into_bytes()
}

#[tokio::test]
async fn the_first_requests_wait_for_the_first_keys() {
    let (cache, source) = cache();
    let issuer = Issuer::new("https://idp").unwrap();
    let kid = issuer.key(Alg::Es256).kid().to_owned();
    let find = cache.find(Some(&kid), Algorithm::ES256);
    let (found, sent) = tokio::join!(find, source.send(Ok(keys(&issuer))));
    sent.unwrap();
    assert!(found.is_ok());
}

#[tokio::test]
async fn nobody_waits_longer_than_two_seconds() {
    let (cache, _source) = cache();
    let started = Instant::now();
    let found = cache.find(Some("k"), Algorithm::ES256).await;
    assert_eq!(found.unwrap_err(), AuthError::KeysUnavailable);
    let waited = started.elapsed();
    assert!(waited >= MAX_WAIT && waited < MAX_WAIT * 2, "{waited:?}");
}

#[tokio::test]
async fn a_bad_answer_leaves_the_old_keys_in_use() {
    let (cache, source) = cache();
    let issuer = Issuer::new("https://idp").unwrap();
    let kid = issuer.key(Alg::Es256).kid().to_owned();
    source.send(Ok(keys(&issuer))).await.unwrap();
    assert!(cache.find(Some(&kid), Algorithm::ES256).await.is_ok());
    // The unknown key makes it fetch again, and the answer has no key at all.
    source.send(Ok(br#"{"keys":[]}"#.to_vec())).await.unwrap();
    let found = cache.find(Some("unknown"), Algorithm::ES256).await;
    assert_eq!(found.unwrap_err(), AuthError::UnknownKey);
    assert!(cache.find(Some(&kid), Algorithm::ES256).await.is_ok());
}

#[tokio::test]
async fn a_key_that_is_gone_is_not_used_any_more() {
    let (cache, source) = cache();
    let issuer = Issuer::new("https://idp").unwrap();
    let old = issuer.key(Alg::Es256).kid().to_owned();
    source.send(Ok(keys(&issuer))).await.unwrap();
    assert!(cache.find(Some(&old), Algorithm::ES256).await.is_ok());
    issuer.rotate(false).unwrap();
    let new = issuer.key(Alg::Es256).kid().to_owned();
    source.send(Ok(keys(&issuer))).await.unwrap();
    assert!(cache.find(Some(&new), Algorithm::ES256).await.is_ok());
    let found = cache.find(Some(&old), Algorithm::ES256).await;
    assert_eq!(found.unwrap_err(), AuthError::UnknownKey);
}

#[test]
fn keys_are_trusted_for_a_day() {
    let now = Instant::now();
    let snapshot = Snapshot { keys: KeySet::default(), fetched_at: now };
    assert!(snapshot.is_trusted(now + HARD_STALE - Duration::from_secs(1)));
    assert!(!snapshot.is_trusted(now + HARD_STALE));
}

#[test]
fn pauses_double_and_have_bounds() {
    let pauses: VecDeque<u64> = (0..8).map(|n| retry_pause(n).as_secs()).collect();
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(retry_pause(u32::MAX), MAX_RETRY);
    assert_eq!(jittered(Duration::from_secs(100), 0), Duration::from_secs(90));
    assert_eq!(jittered(Duration::from_secs(100), 255), Duration::from_secs(110));
}
