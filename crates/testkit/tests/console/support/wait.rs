//! Waiting for a page to say something. The only place where time is let pass.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::browser::Browser;

/// How long a page may take for what needs no broker.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long a part of a page may take that is looked for while somebody types.
const SOON: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Browser {
    /// Waits until the page shows `text`, as people read it.
    pub(crate) async fn wait_for_text(&self, text: &str) {
        self.wait_for_text_within(text, PATIENCE).await;
    }

    /// The same for what takes longer.
    pub(crate) async fn wait_for_text_within(&self, text: &str, within: Duration) {
        let what = format!("the text {text:?}");
        self.wait_until(&what, within, async || {
            let shown = self.text().await;
            if shown.contains(text) { Ok(()) } else { Err(shown) }
        })
        .await;
    }

    /// Waits until the address begins so, and the page there is loaded.
    pub(crate) async fn wait_for_url(&self, prefix: &str) {
        self.wait_until(&format!("the address {prefix}"), PATIENCE, async || {
            let url = self.url().await;
            let ready =
                self.script("return document.readyState", vec![]).await == json!("complete");
            if ready && url.starts_with(prefix) { Ok(()) } else { Err(url) }
        })
        .await;
    }

    /// Waits until the script returns `true`.
    pub(crate) async fn wait_for_script(&self, what: &str, script: &str) {
        self.wait_until(what, SOON, async || match self.script(script, vec![]).await {
            Value::Bool(true) => Ok(()),
            _ => Err(self.text().await),
        })
        .await;
    }

    /// Looks until it is so. `look` says in its `Err` what is so instead.
    pub(crate) async fn wait_until(
        &self,
        what: &str,
        within: Duration,
        mut look: impl AsyncFnMut() -> Result<(), String>,
    ) {
        let started = Instant::now();
        while let Err(last) = look().await {
            let waited = started.elapsed();
            assert!(waited < within, "not within {within:?}: {what}; instead:\n{last}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What the page shows, as people read it.
    pub(crate) async fn text(&self) -> String {
        // Between two pages there is no body.
        let text = self.script("return document.body ? document.body.innerText : ''", vec![]).await;
        text.as_str().unwrap_or_default().to_owned()
    }
}
