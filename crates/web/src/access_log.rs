//! One line for each request, and not so many that they cost more than the requests.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing::{Level, event};

/// What `RUST_LOG` calls these lines.
macro_rules! line {
    ($($fields:tt)*) => { event!(target: "access", parent: None, Level::INFO, $($fields)*) };
}

/// Which requests get a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessLogMode {
    /// Each one.
    #[default]
    All,
    /// Those that were answered with a status of 400 and above, or not at all.
    Errors,
    /// None.
    Off,
}

/// Writes the lines.
#[derive(Debug)]
pub struct AccessLog {
    mode: AccessLogMode,
    good: Budget,
    /// Apart, so that neither hides the other.
    bad: Budget,
    began: Instant,
}

/// A request and what became of it.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// Its method.
    pub method: &'a str,
    /// The template of its path, or `None` for what matched no route.
    pub route: Option<&'a str>,
    /// The status of the answer; 499 if the caller did not wait for it.
    pub status: u16,
    /// From the head of the request to the head of the answer.
    pub duration: Duration,
    pub(crate) request_id: &'a str,
    pub(crate) request_bytes: Option<u64>,
    pub(crate) response_bytes: Option<u64>,
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) client: Option<SocketAddr>,
    pub(crate) trace_id: Option<&'a str>,
    pub(crate) session: Option<String>,
}

impl Default for AccessLog {
    fn default() -> Self {
        Self::new(AccessLogMode::All, 0)
    }
}

impl AccessLog {
    /// At most `per_second` lines a second for what went well and as many for what did not; what is
    /// beyond is counted, and the next second begins with the number. 0 is no limit.
    pub fn new(mode: AccessLogMode, per_second: u32) -> Self {
        let budget = || Budget::new(per_second.into());
        Self { mode, good: budget(), bad: budget(), began: Instant::now() }
    }

    /// Whether what ended with `status` is to be written now.
    pub(crate) fn wants(&self, status: u16) -> bool {
        let (name, budget) = match (self.mode, status) {
            (AccessLogMode::All, ..400) => ("good", &self.good),
            (AccessLogMode::All | AccessLogMode::Errors, 400..) => ("bad", &self.bad),
            _ => return false,
        };
        let (granted, missed) = budget.take(self.began.elapsed().as_secs());
        if missed > 0 {
            line!(answers = name, requests = missed, "requests without a line of their own");
        }
        granted
    }
}

impl Exchange<'_> {
    pub(crate) fn write(&self) {
        line!(
            request.id = self.request_id,
            method = self.method,
            http.route = self.route.unwrap_or("-"),
            status = self.status,
            duration_ms = millis(self.duration),
            request_bytes = self.request_bytes,
            response_bytes = self.response_bytes,
            client.address = self.client.map(tracing::field::display),
            user_agent = self.user_agent,
            trace.id = self.trace_id,
            session.id = self.session.as_deref(),
            "answered"
        );
    }
}

/// Milliseconds, to the microsecond.
fn millis(duration: Duration) -> f64 {
    let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    f64::from(micros) / 1000.0
}

impl FromStr for AccessLogMode {
    type Err = NoMode;

    fn from_str(text: &str) -> Result<Self, NoMode> {
        match text {
            "all" => Ok(Self::All),
            "errors" => Ok(Self::Errors),
            "off" => Ok(Self::Off),
            _ => Err(NoMode),
        }
    }
}

/// Not the name of a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMode;

impl std::error::Error for NoMode {}

impl fmt::Display for NoMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected all, errors or off")
    }
}

/// So many a second.
#[derive(Debug)]
struct Budget {
    per_second: u64,
    second: AtomicU64,
    used: AtomicU64,
}

impl Budget {
    fn new(per_second: u64) -> Self {
        Self { per_second, second: AtomicU64::new(0), used: AtomicU64::new(0) }
    }

    /// Whether there is one left in this second, and how many too many the last one had if this
    /// is the first to ask in a new one. Exact but for who asks at the very turn of the second.
    fn take(&self, second: u64) -> (bool, u64) {
        if self.per_second == 0 {
            return (true, 0);
        }
        let last = self.second.load(Ordering::Relaxed);
        let turned = second > last
            && self
                .second
                .compare_exchange(last, second, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if turned {
            let used = self.used.swap(1, Ordering::Relaxed);
            return (true, used.saturating_sub(self.per_second));
        }
        (self.used.fetch_add(1, Ordering::Relaxed) < self.per_second, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_budget_is_counted_and_told_in_the_next_second() {
        let budget = Budget::new(2);
        let taken = [0, 0, 0, 0, 7, 7, 7, 8].map(|second| budget.take(second));
        let (yes, no) = ((true, 0), (false, 0));
        assert_eq!(taken, [yes, yes, no, no, (true, 2), yes, no, (true, 1)]);
        let unlimited = Budget::new(0);
        assert!((0..1000).all(|_| unlimited.take(0) == (true, 0)));
    }

    #[test]
    fn the_mode_decides_what_gets_a_line_and_errors_have_a_budget_of_their_own() {
        let wanted = |mode| {
            let log = AccessLog::new(mode, 1);
            [200, 204, 404, 503].map(|it| log.wants(it))
        };
        assert_eq!(wanted(AccessLogMode::All), [true, false, true, false]);
        assert_eq!(wanted(AccessLogMode::Errors), [false, false, true, false]);
        assert_eq!(wanted(AccessLogMode::Off), [false; 4]);
        assert_eq!("errors".parse(), Ok(AccessLogMode::Errors));
        assert_eq!("some".parse::<AccessLogMode>(), Err(NoMode));
    }
}
