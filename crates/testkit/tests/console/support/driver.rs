//! Chromedriver and the browser that it starts, gone at the end.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use fantoccini::wd::Capabilities;
use serde_json::json;

use super::environment::required;

/// A chromedriver of one test. Dropping it ends it and its browser.
pub(super) struct Driver {
    process: Child,
    pub(super) url: String,
}

impl Driver {
    /// Starts one on a free port. The kernel ends it with the thread of this test, should nobody
    /// come to drop it (Ctrl-C), and chromium with it.
    pub(super) fn start() -> Self {
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", &required("TIDEGATE_TEST_CHROMEDRIVER"), "--port=0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cannot run setpriv");
        let said = BufReader::new(process.stdout.take().expect("its output"));
        let port = said.lines().map_while(Result::ok).find_map(|line| port_of(&line));
        let port = port.expect("chromedriver says on which port it listens");
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _ended = self.process.wait();
    }
}

/// The port in `ChromeDriver was started successfully on port 40047.`
fn port_of(line: &str) -> Option<u16> {
    line.strip_prefix("ChromeDriver was started successfully on port ")?
        .trim_end_matches('.')
        .parse()
        .ok()
}

/// What browser is wanted.
pub(super) fn capabilities() -> Capabilities {
    let wanted = json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": {
            "binary": required("TIDEGATE_TEST_CHROMIUM"),
            "args": [
                "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                "--hide-scrollbars", "--lang=en", "--disable-background-networking",
                "--window-size=1280,1000",
            ],
        },
        "timeouts": { "script": 20_000, "pageLoad": 20_000, "implicit": 0 },
    });
    wanted.as_object().expect("it is an object").clone()
}
