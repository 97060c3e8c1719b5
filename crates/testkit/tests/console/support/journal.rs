//! What the browser logged about the pages: errors, and what their content security policy stopped.

use std::cell::RefCell;

use fantoccini::Client;
use fantoccini::error::CmdError;
use serde_json::Value;

use super::browser::Browser;
use super::devtools::Chromium;
use super::wait::PATIENCE;

/// Everything that was logged since the browser was opened.
#[derive(Default)]
pub(super) struct Journal(RefCell<Vec<Entry>>);

#[derive(Clone, Debug)]
struct Entry {
    /// `SEVERE`, `WARNING`, `INFO`, `DEBUG`.
    level: String,
    /// `security` for a content security policy, `network`, `javascript`, `console-api`, ...
    source: String,
    message: String,
}

impl Journal {
    /// Everything, a line each.
    pub(super) async fn all(&self, client: &Client) -> Result<Vec<String>, CmdError> {
        self.read(client).await?;
        Ok(self.0.borrow().iter().map(Entry::line).collect())
    }

    async fn read(&self, client: &Client) -> Result<(), CmdError> {
        let fresh = client.issue_cmd(Chromium::Log).await?;
        let entries = fresh.as_array().into_iter().flatten().map(Entry::parse);
        self.0.borrow_mut().extend(entries);
        Ok(())
    }
}

impl Entry {
    fn parse(entry: &Value) -> Self {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        Self { level: text("level"), source: text("source"), message: text("message") }
    }

    fn is_wrong(&self) -> bool {
        self.level == "SEVERE" || self.is_of_policy()
    }

    fn is_of_policy(&self) -> bool {
        self.source == "security" || self.message.contains("Content Security Policy")
    }

    fn line(&self) -> String {
        format!("{} {} {}", self.level, self.source, self.message)
    }
}

impl Browser {
    /// Fails if a page logged an error, or did something that its policy forbids. Each test ends
    /// with this by itself.
    pub(crate) async fn assert_nothing_wrong(&self) {
        let wrong = self.wrong(Entry::is_wrong).await;
        assert!(wrong.is_empty(), "the browser logged:\n{}", wrong.join("\n"));
    }

    /// Waits for the errors that a test wants, and takes them from the log, so that it does not fail by
    /// them: what contains `text`.
    pub(crate) async fn expect_error(&self, text: &str) {
        let what = format!("an error with {text:?} in the log");
        self.wait_until(&what, PATIENCE, async || {
            self.journal.read(&self.client).await.expect("chromium gives its log");
            let mut entries = self.journal.0.borrow_mut();
            let before = entries.len();
            entries.retain(|it| !(it.is_wrong() && it.message.contains(text)));
            if entries.len() < before { Ok(()) } else { Err(format!("{entries:?}")) }
        })
        .await;
    }

    async fn wrong(&self, is_wrong: impl Fn(&Entry) -> bool) -> Vec<String> {
        self.journal.read(&self.client).await.expect("chromium gives its log");
        let entries = self.journal.0.borrow();
        entries.iter().filter(|it| is_wrong(it)).map(Entry::line).collect()
    }
}
