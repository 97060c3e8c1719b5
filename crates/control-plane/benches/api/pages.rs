//! The pages of the console: how long the server takes, and how much a browser has to load for the first.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::header::{ACCEPT_ENCODING, COOKIE, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use sqlx::PgPool;

use crate::clients::during;
use crate::seed::{ONE, ONE_PROJECT, service_path};
use crate::{print, select};

/// What is behind the address of a service, and what it is called. Not those of topics and of starting
/// a rollout, which ask Kafka.
const OF_SERVICE: [(&str, &str); 14] = [
    ("overview", ""),
    ("service users", "/users"),
    ("acls", "/acls"),
    ("acls, sorted", "/acls?sort=-topic"),
    ("acls, filtered", "/acls?q=topic-9"),
    ("acls, last page", "/acls?page=200"),
    ("quotas", "/quotas"),
    ("service settings", "/settings"),
    ("configure", "/settings/configure"),
    ("oidc", "/oidc"),
    ("authorization", "/authorization"),
    ("rollouts", "/rollouts"),
    ("events", "/events"),
    ("events, filtered", "/events?text=nothing-has-it"),
];

/// A browser with a session.
#[derive(Clone)]
struct Browser {
    client: Client,
    url: String,
    cookie: String,
}

/// Prints a row for each page, beside the cheapest question to Postgres.
pub(crate) async fn measure(
    pool: &PgPool,
    url: &str,
    token: &str,
    time: Duration,
) -> anyhow::Result<()> {
    let bare = during(time, 1, select(pool, ONE_PROJECT)).await?;
    let browser = Browser::sign_in(url, token).await?;
    let service = format!("/console{}", service_path(ONE).trim_start_matches("/v1"));
    let pages = OF_SERVICE.map(|(name, end)| (name, format!("{service}{end}")));
    let of_all = [("services", "/console"), ("sessions", "/console/sessions")];
    let of_all = of_all.map(|(name, path)| (name, path.to_owned()));
    for (name, path) in of_all.into_iter().chain(pages) {
        let browser = browser.clone();
        let ask = move |_: usize, _: usize| {
            let (browser, path) = (browser.clone(), path.clone());
            async move { browser.get(&path).await.map(|_| ()) }
        };
        let latencies = during(time, 1, ask).await?;
        print(&format!("page {name}: p50"), latencies.ms(0.5), "ms", Some(bare.ms(0.5)));
        print(&format!("page {name}: p95"), latencies.ms(0.95), "ms", Some(bare.ms(0.95)));
    }
    print("first page with all that it loads", browser.weight("/console").await?, "kB", None);
    Ok(())
}

impl Browser {
    async fn sign_in(url: &str, token: &str) -> anyhow::Result<Self> {
        let client = Client::builder().redirect(Policy::none()).build()?;
        let form = format!("token={token}&return_to=/console");
        let request = client.post(format!("{url}/console/sign-in")).header(ORIGIN, url);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form).send().await?;
        ensure!(answer.status() == StatusCode::SEE_OTHER, "sign-in: {}", answer.status());
        let cookie = answer.headers().get(SET_COOKIE).context("no cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { client, url: url.to_owned(), cookie })
    }

    /// What is sent, as it is on the wire.
    async fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let request = self.client.get(format!("{}{path}", self.url)).header(COOKIE, &self.cookie);
        let answer = request.header(ACCEPT_ENCODING, "gzip").send().await?;
        ensure!(answer.status() == StatusCode::OK, "{path}: {}", answer.status());
        Ok(answer.bytes().await?.to_vec())
    }

    /// A page and the files of ours that it names, in thousands of bytes.
    #[expect(clippy::cast_precision_loss, reason = "a count of bytes")]
    async fn weight(&self, path: &str) -> anyhow::Result<f64> {
        let mut bytes = self.get(path).await?.len();
        let plain = self.client.get(format!("{}{path}", self.url)).header(COOKIE, &self.cookie);
        let html = plain.send().await?.text().await?;
        let named = html.split('"').filter(|it| it.starts_with("/console/assets/"));
        for file in named.collect::<std::collections::BTreeSet<_>>() {
            bytes += self.get(file).await?.len();
        }
        Ok(bytes as f64 / 1_000.0)
    }
}
