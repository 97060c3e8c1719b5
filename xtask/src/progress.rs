//! A line for each part of the stack: its name, what it waits for, the time it took, its result.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::interrupt;

/// The line of one part, from its start to its result.
pub(crate) struct Part {
    name: &'static str,
    started: Instant,
    live: bool,
    said: RefCell<String>,
    ended: Cell<bool>,
}

impl Part {
    /// Starts the clock.
    pub(crate) fn new(name: &'static str) -> Self {
        let part = Self {
            name,
            started: Instant::now(),
            live: io::stderr().is_terminal(),
            said: RefCell::default(),
            ended: Cell::new(false),
        };
        if part.live {
            part.waits_for("");
        }
        part
    }

    /// Shows what it waits for. On a terminal the line is drawn anew, elsewhere a new reason is a
    /// new line.
    pub(crate) fn waits_for(&self, reason: &str) {
        if self.live {
            draw(&format!("\r\x1b[2K{}", self.line("…", reason)));
        } else if *self.said.borrow() != reason {
            self.said.replace(reason.to_owned());
            draw(&format!("{}\n", self.line("…", reason)));
        }
    }

    /// Leaves the line to a program that writes to the terminal itself.
    pub(crate) fn hands_over_to(&self, program: &str) {
        self.waits_for(program);
        if self.live {
            draw("\n");
        }
    }

    /// Ends the line.
    pub(crate) fn done(&self, result: &str) {
        self.ended.set(true);
        let clear = if self.live { "\r\x1b[2K" } else { "" };
        draw(&format!("{clear}{}\n", self.line("✓", result)));
    }

    /// Takes the line back: there was nothing to wait for.
    pub(crate) fn unmentioned(&self) {
        self.ended.set(true);
        if self.live {
            draw("\r\x1b[2K");
        }
    }

    /// Asks until there is an answer. `ask` gives what it waits for as long as there is none.
    pub(crate) fn until<T>(
        &self,
        patience: Duration,
        mut ask: impl FnMut() -> anyhow::Result<Result<T, String>>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + patience;
        loop {
            let reason = match ask()? {
                Ok(answer) => return Ok(answer),
                Err(reason) => reason,
            };
            self.waits_for(&reason);
            if Instant::now() >= deadline {
                bail!("{}: waited {} s for {reason}", self.name, patience.as_secs());
            }
            interrupt::sleep(Duration::from_millis(200))?;
        }
    }

    fn line(&self, sign: &str, text: &str) -> String {
        let secs = self.started.elapsed().as_secs_f64();
        format!("  {sign} {:<14} {secs:>6.1} s  {text}", self.name)
    }
}

impl Drop for Part {
    /// A part that failed leaves its last line standing.
    fn drop(&mut self) {
        if self.live && !self.ended.get() {
            draw("\n");
        }
    }
}

fn draw(text: &str) {
    // A closed terminal is no reason to stop halfway.
    let mut out = io::stderr().lock();
    let _closed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
