//! A browser of one test: opened, used, looked at when the test fails, and closed.

use std::fs;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder};
use futures::FutureExt as _;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::devtools::Chromium;
use super::driver::{Driver, capabilities};
use super::environment::required;
use super::journal::Journal;
use super::look::Look;

/// A browser with one page.
pub(crate) struct Browser {
    pub(super) client: Client,
    pub(super) journal: Journal,
    /// The process group of chromedriver and chromium.
    pub(crate) group: u32,
}

/// Opens a browser, has `test` use it, and closes it whatever happens. Fails if the test does, or if
/// a page logged an error or broke its content security policy. `name` is in the names of pictures.
pub(crate) async fn browse(name: &str, test: impl AsyncFnOnce(&Browser)) {
    let driver = Driver::start();
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities())
        .connect(&driver.url)
        .await
        .expect("chromedriver opens chromium");
    let browser = Browser { client, journal: Journal::default(), group: driver.group() };
    // Nothing that a panic leaves half-done is used afterwards: pictures and logs only.
    let used = AssertUnwindSafe(async {
        browser.look(Look::FIRST).await;
        test(&browser).await;
        browser.assert_nothing_wrong().await;
    });
    let result = used.catch_unwind().await;
    if result.is_err() {
        browser.describe_failure(name).await;
    }
    let closed = browser.client.close().await;
    drop(driver);
    if let Err(panic) = result {
        resume_unwind(panic);
    }
    closed.expect("the browser closes");
}

impl Browser {
    /// Goes to an address, and waits until the page is loaded.
    pub(crate) async fn open(&self, url: &str) {
        let opened = self.client.goto(url).await;
        opened.unwrap_or_else(|error| panic!("cannot open {url}: {error}"));
    }

    /// Where it is now.
    pub(crate) async fn url(&self) -> String {
        self.client.current_url().await.expect("a page is open").into()
    }

    /// Changes the screen and the colours, without loading the page anew.
    pub(crate) async fn look(&self, look: Look) {
        self.devtools("Emulation.setDeviceMetricsOverride", look.metrics()).await;
        self.devtools("Emulation.setEmulatedMedia", look.media()).await;
    }

    /// Runs a script in the page. A content security policy does not hold against it.
    pub(crate) async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        let result = self.client.execute(script, arguments).await;
        result.unwrap_or_else(|error| panic!("a script of the test failed: {error}\n{script}"))
    }

    /// What the page gets as JSON from an address of its own origin, with its cookies.
    pub(crate) async fn fetch(&self, path: &str) -> Value {
        let script = "const done = arguments[1];
            fetch(arguments[0]).then(it => it.json()).then(done, error => done(String(error)))";
        let answer = self.client.execute_async(script, vec![json!(path)]).await;
        answer.unwrap_or_else(|error| panic!("cannot fetch {path}: {error}"))
    }

    /// Writes a picture of the whole page, however long, to `NAME.png`.
    pub(crate) async fn screenshot(&self, name: &str) {
        self.capture(name, json!({ "format": "png", "captureBeyondViewport": true })).await;
    }

    /// Writes a picture of what a desktop shows, at half its size, to `NAME.png`: for documents.
    pub(crate) async fn screenshot_small(&self, name: &str) {
        let clip = json!({ "x": 0, "y": 0, "width": 1280, "height": 900, "scale": 0.5 });
        self.capture(name, json!({ "format": "png", "clip": clip })).await;
    }

    async fn capture(&self, name: &str, how: Value) {
        let taken = self.devtools("Page.captureScreenshot", how).await;
        let picture = STANDARD.decode(taken["data"].as_str().expect("a picture"));
        let saved = save(name, &picture.expect("it is in base64"));
        saved.unwrap_or_else(|error| panic!("cannot write {name}.png: {error}"));
    }

    /// A command of Chromium's own protocol.
    pub(super) async fn devtools(&self, command: &'static str, parameters: Value) -> Value {
        let result = self.client.issue_cmd(Chromium::Command(command, parameters)).await;
        result.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Says where a test was when it failed. What fails here is said too, and hides nothing.
    #[expect(clippy::print_stdout, reason = "it belongs to the message of the panic")]
    async fn describe_failure(&self, name: &str) {
        match self.description(name).await {
            Ok(text) => println!("{text}"),
            Err(error) => println!("cannot say more about {name}: {error}"),
        }
    }

    async fn description(&self, name: &str) -> Result<String, CmdError> {
        let url = self.client.current_url().await?;
        let picture = match save(&format!("FAILED-{name}"), &self.client.screenshot().await?) {
            Ok(path) => path.display().to_string(),
            Err(error) => error.to_string(),
        };
        let text = self.client.execute("return document.body.innerText", vec![]).await?;
        let text = text.as_str().unwrap_or_default();
        let logged = self.journal.all(&self.client).await?.join("\n");
        Ok(format!(
            "{name} failed at {url}\npicture: {picture}\n\
             the page says:\n{text}\nthe browser logged:\n{logged}"
        ))
    }
}

/// Where a picture of that name is written to.
pub(crate) fn picture_file(name: &str) -> PathBuf {
    PathBuf::from(required("TIDEGATE_TEST_SCREENSHOTS")).join(format!("{name}.png"))
}

fn save(name: &str, picture: &[u8]) -> std::io::Result<PathBuf> {
    let path = picture_file(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, picture)?;
    Ok(path)
}
