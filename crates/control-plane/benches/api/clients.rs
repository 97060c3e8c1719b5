//! Clients that ask one after another, as many at once as is wanted.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use tokio::task::JoinSet;

/// Not counted: connections are made, and caches filled.
const WARM_UP: Duration = Duration::from_secs(2);

/// Asks the API. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Clients {
    client: Client,
    url: String,
    token: String,
}

impl Clients {
    pub(crate) fn new(url: &str, token: &str) -> Self {
        Self { client: Client::new(), url: url.to_owned(), token: token.to_owned() }
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<()> {
        self.send(self.client.get(format!("{}{path}", self.url))).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        self.send(self.client.put(format!("{}{path}", self.url)).json(body)).await
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<()> {
        let answer = request.bearer_auth(&self.token).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        if status.is_success() {
            return Ok(());
        }
        bail!("{status}: {}", String::from_utf8_lossy(&body));
    }
}

/// How long answers took.
pub(crate) struct Latencies {
    /// Sorted.
    nanos: Vec<u64>,
    secs: f64,
    asked: usize,
}

impl Latencies {
    /// The latency that so many do not exceed, in milliseconds.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into what was measured, and milliseconds"
    )]
    pub(crate) fn ms(&self, quantile: f64) -> f64 {
        let at = (self.nanos.len() as f64 * quantile).ceil() as usize;
        self.nanos.get(at.saturating_sub(1)).copied().unwrap_or_default() as f64 / 1e6
    }

    /// How many were asked, those that do not count included.
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    pub(crate) fn asked(&self) -> f64 {
        self.asked as f64
    }

    /// How many were answered a second.
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    pub(crate) fn per_second(&self) -> f64 {
        self.nanos.len() as f64 / self.secs
    }
}

/// Has so many clients ask for so long. `ask` gets how many times its client has asked before, and
/// which client it is. Anything that fails ends it.
pub(crate) async fn during<F>(time: Duration, clients: usize, ask: F) -> anyhow::Result<Latencies>
where
    F: AsyncAsk,
{
    let begin = Instant::now() + WARM_UP;
    let end = begin + time;
    let mut asking = JoinSet::new();
    for me in 0..clients {
        let ask = ask.clone();
        asking.spawn(async move {
            let (mut nanos, mut count) = (Vec::new(), 0);
            for nth in 0.. {
                let asked = Instant::now();
                if asked >= end {
                    break;
                }
                count += 1;
                ask.ask(nth, me).await?;
                if asked >= begin {
                    nanos.push(u64::try_from(asked.elapsed().as_nanos())?);
                }
            }
            anyhow::Ok((nanos, count))
        });
    }
    let (mut nanos, mut asked) = (Vec::new(), 0);
    while let Some(client) = asking.join_next().await {
        let (some, count) = client.context("a client")??;
        nanos.extend(some);
        asked += count;
    }
    nanos.sort_unstable();
    Ok(Latencies { nanos, secs: time.as_secs_f64(), asked })
}

/// What a client asks, again and again.
pub(crate) trait AsyncAsk: Clone + Send + 'static {
    /// Asks once.
    fn ask(&self, nth: usize, me: usize) -> impl Future<Output = anyhow::Result<()>> + Send;
}

impl<F, A> AsyncAsk for F
where
    F: Fn(usize, usize) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = anyhow::Result<()>> + Send,
{
    fn ask(&self, nth: usize, me: usize) -> impl Future<Output = anyhow::Result<()>> + Send {
        self(nth, me)
    }
}
