//! Waiting for something to become so. The only place where time is let pass.

use std::time::{Duration, Instant};

/// How long between two looks at something quick, and at something that is not.
const LOOK_EVERY: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(200)];
/// What takes longer is not quick. Looking costs processor time, which others need to get done.
const QUICK: Duration = Duration::from_secs(5);

/// Looks until it is so, and gives what it is and how long it took. `look` says in its `Err` what
/// is so instead; the last of them is reported when the time is over.
pub(crate) async fn wait_until<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> (T, Duration) {
    let started = Instant::now();
    loop {
        match look().await {
            Ok(value) => return (value, started.elapsed()),
            Err(last) => {
                let waited = started.elapsed();
                assert!(waited < within, "not within {within:?}: {what}; instead: {last}");
            }
        }
        tokio::time::sleep(LOOK_EVERY[usize::from(started.elapsed() > QUICK)]).await;
    }
}

/// Lets time pass: for a fault that has to last, and for the pace of a load.
pub(crate) async fn let_pass(time: Duration) {
    tokio::time::sleep(time).await;
}
