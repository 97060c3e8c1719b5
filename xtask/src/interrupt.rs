//! Ctrl-C and SIGTERM become a flag, so that what was started is stopped in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};

static ASKED: AtomicBool = AtomicBool::new(false);

/// From here on Ctrl-C no longer ends this process: [`check`] reports it.
pub(crate) fn catch() -> anyhow::Result<()> {
    ctrlc::set_handler(|| ASKED.store(true, Ordering::SeqCst)).context("cannot watch for Ctrl-C")
}

/// Whether somebody asked us to stop.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Forgets the request: what follows is the stopping itself.
pub(crate) fn clear() {
    ASKED.store(false, Ordering::SeqCst);
}

/// An error if somebody asked us to stop.
pub(crate) fn check() -> anyhow::Result<()> {
    if asked() {
        bail!("interrupted");
    }
    Ok(())
}

/// Sleeps for `pause`, or until somebody asks us to stop.
pub(crate) fn sleep(pause: Duration) -> anyhow::Result<()> {
    let step = Duration::from_millis(50);
    let mut left = pause;
    while !left.is_zero() {
        check()?;
        let nap = left.min(step);
        thread::sleep(nap);
        left -= nap;
    }
    check()
}
