//! `tidegate-load` beside the test: it produces and consumes all through what happens.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::task::JoinSet;

use super::{Login, Stack, wait_until};

/// Its user and its topic.
const NAME: &str = "e2e-load";

/// A running load.
pub(crate) struct Load {
    child: Child,
    input: ChildStdin,
    acked: Arc<AtomicU64>,
    _reader: JoinSet<()>,
}

impl Load {
    /// Starts it, with a user and a topic that avn makes, and lets a baseline pass.
    pub(crate) async fn start(stack: &Stack) -> Self {
        stack.topic(NAME, 6).await;
        stack.with_acl("readwrite", NAME, NAME).await;
        let login = stack.user(NAME).await;
        wait_until("the load may produce", Duration::from_secs(20), async || {
            stack.produce(&login, NAME, "warm").await.map_err(|it| it.to_string())
        })
        .await;
        let Login::Scram { username, password } = login else { unreachable!("a SCRAM user") };
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate-load"))
            .args(["roll", "--bootstrap", &stack.bootstrap(), "--topic", NAME])
            .args(["--username", &username, "--security-protocol", &stack.security_protocol])
            .env("TIDEGATE_LOAD_PASSWORD", password)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("cannot run tidegate-load");
        let input = child.stdin.take().expect("its input");
        let acked = Arc::new(AtomicU64::new(0));
        let mut reader = JoinSet::new();
        reader.spawn(follow(child.stderr.take().expect("its errors"), Arc::clone(&acked)));
        let mut load = Self { child, input, acked, _reader: reader };
        load.acked_more_than(0).await;
        load.mark("baseline").await;
        load.acked_more_than(1_000).await;
        load
    }

    /// Begins another window.
    pub(crate) async fn mark(&mut self, name: &str) {
        let line = format!("mark {name}\n");
        self.input.write_all(line.as_bytes()).await.expect("tidegate-load reads its input");
    }

    /// Waits for its progress.
    async fn acked_more_than(&mut self, count: u64) {
        let what = format!("more than {count} records acknowledged");
        let Self { child, acked, .. } = self;
        wait_until(&what, Duration::from_mins(2), async || {
            let ended = child.try_wait().expect("it is our child");
            assert!(ended.is_none(), "tidegate-load ended: {ended:?}");
            let acked = acked.load(Ordering::Relaxed);
            if acked > count { Ok(()) } else { Err(acked.to_string()) }
        })
        .await;
    }

    /// Ends it, and gives its report.
    pub(crate) async fn finish(self) -> Value {
        let Self { child, input, .. } = self;
        drop(input);
        let output = child.wait_with_output().await.expect("tidegate-load ends");
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(said.trim()).unwrap_or_else(|error| {
            panic!("tidegate-load ({}) printed no report: {error}: {said}", output.status)
        })
    }
}

/// Shows what it says, and reads how far it is.
#[expect(clippy::print_stdout, reason = "it is seen if the test fails")]
async fn follow(errors: ChildStderr, acked: Arc<AtomicU64>) {
    let mut lines = BufReader::new(errors).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let count = line.split_whitespace().find_map(|it| it.strip_prefix("acked=")?.parse().ok());
        if let Some(count) = count {
            acked.store(count, Ordering::Relaxed);
        }
        println!("load: {line}");
    }
}
