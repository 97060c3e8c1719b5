//! Stretches of time that are measured apart from each other.

use std::time::Duration;

use super::report::{Gap, WindowReport};

/// The name of the window that begins with the run.
pub(super) const FIRST: &str = "start";
/// So many of the longest gaps are told one by one.
const TOLD: usize = 48;

/// The windows of a run, each from its mark to the next.
#[derive(Debug)]
pub(super) struct Windows(Vec<Window>);

#[derive(Debug, Default)]
struct Window {
    name: String,
    from: Duration,
    to: Option<Duration>,
    latencies: Vec<Duration>,
    failed: u64,
    lost: u64,
    duplicated: u64,
    out_of_order: u64,
    failed_reads: u64,
    /// The longest, without an acknowledgement: how long, until when, on which partition.
    gaps: Vec<(Duration, Duration, usize)>,
    consume_gap: Duration,
}

/// Something to be counted in a window.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Acked {
        latency: Duration,
    },
    Failed,
    Lost,
    Duplicated,
    OutOfOrder,
    FailedRead,
    /// So long no acknowledgement came for this partition.
    AckGap(usize, Duration),
    /// So long nothing was read from some partition.
    ConsumeGap(Duration),
}

impl Windows {
    pub(super) fn new() -> Self {
        Self(vec![Window { name: FIRST.to_owned(), ..Window::default() }])
    }

    pub(super) fn begin(&mut self, name: &str, at: Duration) {
        self.end(at);
        self.0.push(Window { name: name.to_owned(), from: at, ..Window::default() });
    }

    pub(super) fn end(&mut self, at: Duration) {
        if let Some(last) = self.0.last_mut() {
            last.to.get_or_insert(at);
        }
    }

    /// Counts an event in the window of `at`: for what concerns a record, when that was due; for a
    /// gap, when it ended.
    pub(super) fn note(&mut self, at: Duration, event: Event) {
        let index = self.0.partition_point(|it| it.from <= at).saturating_sub(1);
        let Some(window) = self.0.get_mut(index) else { return };
        match event {
            Event::Acked { latency } => window.latencies.push(latency),
            Event::Failed => window.failed += 1,
            Event::Lost => window.lost += 1,
            Event::Duplicated => window.duplicated += 1,
            Event::OutOfOrder => window.out_of_order += 1,
            Event::FailedRead => window.failed_reads += 1,
            Event::AckGap(partition, gap) => window.note_gap((gap, at, partition)),
            Event::ConsumeGap(gap) => window.consume_gap = window.consume_gap.max(gap),
        }
    }

    /// The reports, of a run that began at `begun_unix`.
    pub(super) fn into_reports(self, begun_unix: Duration) -> Vec<WindowReport> {
        self.0.into_iter().map(|it| it.into_report(begun_unix)).collect()
    }
}

impl Window {
    fn note_gap(&mut self, gap: (Duration, Duration, usize)) {
        if self.gaps.len() == TOLD && self.gaps.last().is_some_and(|least| *least >= gap) {
            return;
        }
        let at = self.gaps.partition_point(|it| *it >= gap);
        self.gaps.insert(at, gap);
        self.gaps.truncate(TOLD);
    }

    fn into_report(mut self, begun_unix: Duration) -> WindowReport {
        self.latencies.sort_unstable();
        let to = self.to.unwrap_or(self.from);
        let gaps: Vec<Gap> = self
            .gaps
            .iter()
            .map(|&(gap, until, partition)| Gap {
                partition,
                ms: millis(gap),
                until_unix_ms: millis(begun_unix + until),
            })
            .collect();
        WindowReport {
            name: self.name,
            seconds: to.saturating_sub(self.from).as_secs_f64(),
            acked: self.latencies.len() as u64,
            failed: self.failed,
            lost: self.lost,
            duplicated: self.duplicated,
            out_of_order: self.out_of_order,
            failed_reads: self.failed_reads,
            p50_ms: millis(quantile(&self.latencies, 50)),
            p99_ms: millis(quantile(&self.latencies, 99)),
            max_ms: millis(quantile(&self.latencies, 100)),
            longest_gap_ms: gaps.first().map_or(0.0, |it| it.ms),
            consume_gap_ms: millis(self.consume_gap),
            gaps,
        }
    }
}

/// The smallest value that at least `percent` of them do not exceed; zero of nothing.
fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

pub(super) fn millis(duration: Duration) -> f64 {
    // Microseconds are finer than anything that is measured here.
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_was_measured() {
        let sorted: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(quantile(&sorted, 50), Duration::from_millis(100));
        assert_eq!(quantile(&sorted, 99), Duration::from_millis(198));
        assert_eq!(quantile(&sorted, 100), Duration::from_millis(200));
        assert_eq!(quantile(&sorted[..1], 50), Duration::from_millis(1));
        assert_eq!(quantile(&[], 99), Duration::ZERO);
    }

    #[test]
    fn an_event_belongs_to_the_window_of_its_time() {
        let second = Duration::from_secs(1);
        let mut windows = Windows::new();
        windows.begin("roll", 5 * second);
        windows.note(4 * second, Event::Failed);
        windows.note(5 * second, Event::Lost);
        windows.note(9 * second, Event::AckGap(2, second));
        windows.end(10 * second);
        let reports = windows.into_reports(100 * second);
        assert_eq!((reports[0].name.as_str(), reports[0].failed, reports[0].lost), ("start", 1, 0));
        assert_eq!((reports[1].failed, reports[1].lost), (0, 1));
        assert!((reports[1].seconds - 5.0).abs() < 1e-9);
        assert!((reports[1].longest_gap_ms - 1000.0).abs() < 1e-9);
        let gap = Gap { partition: 2, ms: 1000.0, until_unix_ms: 109_000.0 };
        assert_eq!(reports[1].gaps, [gap]);
    }

    #[test]
    fn only_the_longest_gaps_are_told() {
        let mut window = Window::default();
        for millis in (1..=100).step_by(2).chain((1..=100).rev().step_by(2)) {
            window.note_gap((Duration::from_millis(millis), Duration::ZERO, 0));
        }
        let told: Vec<u128> = window.gaps.iter().map(|it| it.0.as_millis()).collect();
        assert!(told.iter().copied().eq((53..=100).rev()), "{told:?}");
    }
}
