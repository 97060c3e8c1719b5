//! Chromedriver and the browser that it starts, gone at the end.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fantoccini::wd::Capabilities;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;

use super::environment::required;

/// A chromedriver of one test. Dropping it ends it and its browser.
pub(super) struct Driver {
    process: Child,
    pub(super) url: String,
    /// Profile of the browser, and whatever else it leaves.
    scratch: PathBuf,
}

impl Driver {
    /// Starts one on a free port.
    ///
    /// Should nobody come to drop it (Ctrl-C), the kernel ends it with the thread of this test, and
    /// chromium, which it talks to by a pipe, ends with it.
    pub(super) fn start() -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-console-{}-{number}", std::process::id());
        let scratch = std::env::temp_dir().join(name);
        fs::create_dir(&scratch).unwrap_or_else(|error| panic!("{}: {error}", scratch.display()));
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", &required("TIDEGATE_TEST_CHROMEDRIVER"), "--port=0"])
            .env("TMPDIR", &scratch)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cannot run setpriv");
        let said = BufReader::new(process.stdout.take().expect("its output"));
        let port = said.lines().map_while(Result::ok).find_map(|line| port_of(&line));
        let port = port.expect("chromedriver says on which port it listens");
        Self { process, url: format!("http://127.0.0.1:{port}"), scratch }
    }

    /// The process group of driver and browser.
    pub(super) fn group(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.group()).ok().and_then(Pid::from_raw) {
            let _gone = kill_process_group(group, Signal::KILL);
        }
        let _ended = self.process.wait();
        let deadline = Instant::now() + Duration::from_secs(5);
        while processes_of(self.group()) > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _left = fs::remove_dir_all(&self.scratch);
    }
}

/// How many processes run in a group.
pub(crate) fn processes_of(group: u32) -> usize {
    let processes = fs::read_dir("/proc").expect("there is a /proc").flatten();
    let stats = processes.filter_map(|it| fs::read_to_string(it.path().join("stat")).ok());
    stats.filter(|stat| group_of(stat) == Some(group)).count()
}

/// The group of a process that runs. Its name is in brackets and may hold anything, so count from
/// the last bracket.
fn group_of(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let runs = !matches!(fields.next()?, "Z" | "X");
    let group = fields.nth(1)?.parse().ok()?;
    runs.then_some(group)
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
                "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                "--hide-scrollbars", "--lang=en", "--disable-background-networking",
                "--window-size=1280,1000",
            ],
        },
        "timeouts": { "script": 20_000, "pageLoad": 20_000, "implicit": 0 },
    });
    wanted.as_object().expect("it is an object").clone()
}
