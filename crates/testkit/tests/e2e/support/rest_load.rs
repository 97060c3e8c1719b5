//! A load over HTTP beside the test: producers that send each record until it is acknowledged, and
//! consumers that commit what they got. Everything is remembered, so that in the end it can be told
//! whether a record was lost, skipped, repeated or out of order, and what failed how.

mod client;
mod log;
mod producers;
mod readers;
mod report;

use std::sync::Arc;
use std::time::{Duration, Instant};

use testkit::issuer::TokenRequest;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::client::Client;
use self::log::Log;
use self::report::Report;
use super::{Stack, wait_until};

/// As whom the load comes.
const USER: &str = "alice";
const PARTITIONS: usize = 6;
/// Enough that each half of the partitions has keys.
const STREAMS: usize = 12;
/// The consumer instances: the group of each. One alone, which may never jump, and two that share.
const READERS: [usize; 3] = [0, 1, 1];
const GROUPS: usize = 2;
/// How long after a fault everything has to work again at the latest. Generous: the machine may be
/// slow, and what it took is written down.
const RECOVERY: Duration = Duration::from_mins(2);

/// A running load.
pub(crate) struct RestLoad {
    shared: Arc<Shared>,
    producers: JoinSet<()>,
    readers: JoinSet<()>,
}

/// What its tasks share.
struct Shared {
    stack: Arc<Stack>,
    client: Client,
    log: Log,
    topic: String,
    /// How long each producer rests between two records, and each consumer between two turns.
    pace: Duration,
    producing: CancellationToken,
    reading: CancellationToken,
}

impl RestLoad {
    /// Starts it with a topic of its own, and waits until all of it works. It comes with tokens like
    /// `wish`; who makes it short-lived has to renew it.
    pub(crate) async fn start(stack: &Arc<Stack>, wish: TokenRequest, pace: Duration) -> Self {
        let topic = stack.name("rest-load");
        stack.topic(&topic, PARTITIONS).await;
        stack.user(USER).await;
        // Also for topics that do not exist: of others, a stranger learns nothing.
        stack.add_acl("readwrite", &format!("{}*", stack.name("rest")), USER).await;
        let (log, client) = (Log::new(), Client::new(stack, wish).await);
        wait_until("the load may write", Duration::from_secs(30), async || {
            let path = format!("/topics/{topic}");
            let answer = stack.rest("GET", &path, Some(&client.token())).await;
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
        })
        .await;
        let shared = Arc::new(Shared {
            stack: Arc::clone(stack),
            client,
            log,
            topic,
            pace,
            producing: CancellationToken::new(),
            reading: CancellationToken::new(),
        });
        let (mut producers, mut readers) = (JoinSet::new(), JoinSet::new());
        for stream in 0..STREAMS {
            producers.spawn(producers::produce(Arc::clone(&shared), stream));
        }
        for reader in 0..READERS.len() {
            readers.spawn(readers::read(Arc::clone(&shared), reader));
        }
        let load = Self { shared, producers, readers };
        load.mark("start");
        load.recovered().await;
        load
    }

    /// As whom it comes.
    pub(crate) fn user() -> TokenRequest {
        TokenRequest::of(USER)
    }

    /// Begins another window: what ends from now on counts there. After [`Self::recovered`] nothing
    /// is on its way that began before.
    pub(crate) fn mark(&self, name: &str) {
        self.shared.log.mark(name);
    }

    /// How many requests were answered or failed.
    pub(crate) fn requests(&self) -> usize {
        self.shared.log.requests()
    }

    /// Gets a new token, which every request from now on comes with.
    pub(crate) async fn renew_token(&self) {
        self.shared.client.renew(&self.shared.stack).await.expect("a token");
    }

    pub(crate) fn token(&self) -> String {
        self.shared.client.token()
    }

    /// Waits until all of it works: each producer was acknowledged a record begun from now on, each
    /// group has read it, and each consumer has committed. Returns how long that took.
    pub(crate) async fn recovered(&self) -> Duration {
        let since = Instant::now();
        let ((), took) = wait_until("the load goes on, all of it", RECOVERY, async || {
            self.shared.log.missing_since(since).map_or(Ok(()), Err)
        })
        .await;
        took
    }

    /// Lets each producer end with an acknowledged record, and reads to the end.
    pub(crate) async fn finish(mut self) -> Report {
        self.shared.producing.cancel();
        ended("the producers end", &mut self.producers).await;
        wait_until("each group has read every acknowledged record", RECOVERY, async || {
            self.shared.log.unread().map_or(Ok(()), Err)
        })
        .await;
        self.shared.reading.cancel();
        ended("the consumers end", &mut self.readers).await;
        let Self { shared, .. } = self;
        let topics = format!("{}*", shared.stack.name("rest"));
        shared.stack.delete_acl("readwrite", &topics, USER).await;
        shared.stack.delete_topic(&shared.topic).await;
        let shared = Arc::into_inner(shared).expect("nobody else is left");
        Report::new(shared.log.into_book())
    }
}

async fn ended(what: &str, tasks: &mut JoinSet<()>) {
    let all = async { while let Some(Ok(())) = tasks.join_next().await {} };
    tokio::time::timeout(RECOVERY, all).await.unwrap_or_else(|_| panic!("not in time: {what}"));
    assert!(tasks.is_empty(), "a task of the load panicked");
}
