//! The cache against a source that does as it is told.

use std::collections::VecDeque;

use reqwest::header::HeaderValue;
use testkit::issuer::{Alg, Issuer};
use tokio::sync::mpsc;

use super::*;
use crate::fetch::{Fetching, Known};
use crate::http::Document;

type Answered = Result<Vec<u8>, JwksError>;

/// Gives each answer when the test gives it, and none otherwise.
struct Scripted {
    answers: tokio::sync::Mutex<mpsc::Receiver<Answered>>,
}

impl KeySource for Scripted {
    fn fetch<'a>(&'a self, known: Option<&'a Known>) -> Fetching<'a> {
        Box::pin(async move {
            let answer = self.answers.lock().await.recv().await;
            let body = answer.unwrap_or(Err(JwksError::Timeout))?;
            let address: Arc<str> = "https://idp/jwks".into();
            if known.is_some_and(|it| it.etag.as_bytes() == etag(&body).as_bytes()) {
                return Ok((Answer::Unchanged { fresh: None }, address));
            }
            let etag = Some(etag(&body));
            Ok((Answer::Document(Document { body, etag, fresh: None }), address))
        })
    }

    fn name(&self) -> &'static str {
        "scripted"
    }
}

fn etag(body: &[u8]) -> HeaderValue {
    let sum: u64 = body.iter().map(|&it| u64::from(it)).sum();
    HeaderValue::from(sum)
}

fn cache() -> (JwksCache, mpsc::Sender<Answered>) {
    cache_with(KeyTimes::default())
}

fn cache_with(times: KeyTimes) -> (JwksCache, mpsc::Sender<Answered>) {
    let (sender, receiver) = mpsc::channel(8);
    let source = Scripted { answers: tokio::sync::Mutex::new(receiver) };
    (JwksCache::start(Box::new(source), times), sender)
}

fn keys(issuer: &Issuer) -> Vec<u8> {
    issuer.jwks().to_string().into_bytes()
}

#[tokio::test]
async fn the_first_requests_wait_for_the_first_keys() {
    let (cache, source) = cache();
    let issuer = Issuer::new("https://idp").unwrap();
    let kid = issuer.key(Alg::Es256).kid().to_owned();
    let find = cache.find(Some(&kid), Algorithm::Es256);
    let (found, sent) = tokio::join!(find, source.send(Ok(keys(&issuer))));
    sent.unwrap();
    assert!(found.is_ok());
}

#[tokio::test]
async fn who_does_not_wait_has_a_missing_key_fetched_all_the_same() {
    let (cache, source) = cache();
    let (old, new) = (Issuer::new("https://idp").unwrap(), Issuer::new("https://idp").unwrap());
    let kid = |issuer: &Issuer| issuer.key(Alg::Es256).kid().to_owned();
    let at_hand = |kid: &str| cache.find_at_hand(Some(kid), Algorithm::Es256);
    assert_eq!(at_hand(&kid(&old)).unwrap_err(), AuthError::KeysUnavailable);
    source.send(Ok(keys(&old))).await.unwrap();
    source.send(Ok(keys(&new))).await.unwrap();
    let found = async {
        while at_hand(&kid(&new)).is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), found).await.expect("nobody fetched the second keys");
}

#[tokio::test]
async fn nobody_waits_longer_than_two_seconds() {
    let (cache, _source) = cache();
    let started = Instant::now();
    let found = cache.find(Some("k"), Algorithm::Es256).await;
    assert_eq!(found.unwrap_err(), AuthError::KeysUnavailable);
    let waited = started.elapsed();
    assert!(waited >= Duration::from_secs(2) && waited < Duration::from_secs(4), "{waited:?}");
}

#[tokio::test]
async fn a_bad_answer_leaves_the_old_keys_in_use() {
    let (cache, source) = cache();
    let issuer = Issuer::new("https://idp").unwrap();
    let kid = issuer.key(Alg::Es256).kid().to_owned();
    source.send(Ok(keys(&issuer))).await.unwrap();
    assert!(cache.find(Some(&kid), Algorithm::Es256).await.is_ok());
    // The unknown key makes it fetch again, and the answer has no key at all.
    source.send(Ok(br#"{"keys":[]}"#.to_vec())).await.unwrap();
    let found = cache.find(Some("unknown"), Algorithm::Es256).await;
    assert_eq!(found.unwrap_err(), AuthError::UnknownKey);
    assert!(cache.find(Some(&kid), Algorithm::Es256).await.is_ok());
}

#[tokio::test]
async fn a_key_that_is_gone_is_not_used_any_more() {
    let (cache, source) = cache();
    let issuer = Issuer::new("https://idp").unwrap();
    let old = issuer.key(Alg::Es256).kid().to_owned();
    source.send(Ok(keys(&issuer))).await.unwrap();
    assert!(cache.find(Some(&old), Algorithm::Es256).await.is_ok());
    issuer.rotate(false).unwrap();
    let new = issuer.key(Alg::Es256).kid().to_owned();
    source.send(Ok(keys(&issuer))).await.unwrap();
    assert!(cache.find(Some(&new), Algorithm::Es256).await.is_ok());
    let found = cache.find(Some(&old), Algorithm::Es256).await;
    assert_eq!(found.unwrap_err(), AuthError::UnknownKey);
}

#[tokio::test(start_paused = true)]
async fn old_keys_are_trusted_for_a_while_and_not_for_ever() {
    let (cache, source) = cache();
    let issuer = Issuer::new("https://idp").unwrap();
    let kid = issuer.key(Alg::Es256).kid().to_owned();
    let state = || cache.status("https://idp".into()).state;
    assert_eq!(state(), KeysState::Missing);
    source.send(Ok(keys(&issuer))).await.unwrap();
    assert!(cache.find(Some(&kid), Algorithm::Es256).await.is_ok());
    assert_eq!((state(), cache.generation()), (KeysState::Fresh, Some(1)));
    // From now on every fetch fails.
    drop(source);
    sleep(Duration::from_hours(23)).await;
    assert!(cache.find(Some(&kid), Algorithm::Es256).await.is_ok());
    assert_eq!((state(), cache.generation()), (KeysState::Stale, Some(1)));
    assert!(cache.status("https://idp".into()).failures > 1000);
    sleep(Duration::from_hours(1)).await;
    let found = cache.find(Some(&kid), Algorithm::Es256).await;
    assert_eq!(found.unwrap_err(), AuthError::KeysUnavailable);
    assert_eq!((state(), cache.generation()), (KeysState::Expired, None));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_changes_nothing_makes_the_keys_young_again() {
    let (cache, source) = cache();
    let issuer = Issuer::new("https://idp").unwrap();
    let kid = issuer.key(Alg::Es256).kid().to_owned();
    // Nearly a day of `304`, then a day without an answer.
    for _ in 0..200 {
        source.send(Ok(keys(&issuer))).await.unwrap();
    }
    drop(source);
    assert!(cache.find(Some(&kid), Algorithm::Es256).await.is_ok());
    sleep(Duration::from_hours(20)).await;
    assert!(cache.find(Some(&kid), Algorithm::Es256).await.is_ok());
    assert_eq!(cache.generation(), Some(1), "the same keys");
}

#[tokio::test]
async fn a_rotation_is_another_generation() {
    let (cache, source) = cache();
    let issuer = Issuer::new("https://idp").unwrap();
    source.send(Ok(keys(&issuer))).await.unwrap();
    let kid = issuer.key(Alg::Es256).kid().to_owned();
    assert_eq!(cache.find(Some(&kid), Algorithm::Es256).await.unwrap().generation, 1);
    issuer.rotate(true).unwrap();
    source.send(Ok(keys(&issuer))).await.unwrap();
    let kid = issuer.key(Alg::Es256).kid().to_owned();
    assert_eq!(cache.find(Some(&kid), Algorithm::Es256).await.unwrap().generation, 2);
    assert_eq!(cache.generation(), Some(2));
}

#[test]
fn pauses_double_and_have_bounds() {
    let times = KeyTimes::default();
    let pauses: VecDeque<u64> = (0..8).map(|n| retry_pause(&times, n).as_secs()).collect();
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(retry_pause(&times, u32::MAX), times.max_retry);
    assert_eq!(jittered(Duration::from_secs(100), 0), Duration::from_secs(90));
    assert_eq!(jittered(Duration::from_secs(100), 255), Duration::from_secs(110));
}
