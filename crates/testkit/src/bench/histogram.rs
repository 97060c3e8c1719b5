//! Latencies, counted in buckets of at most a sixteenth of their size.

use std::time::Duration;

use serde::Serialize;

const STEPS: usize = 16;
const BUCKETS: usize = 64 * STEPS;

/// How often each latency was seen.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: Duration,
}

/// In milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Latency {
    pub(super) samples: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max: Duration::ZERO }
    }

    pub(super) fn add(&mut self, latency: Duration) {
        self.counts[bucket(nanos(latency))] += 1;
        self.total += 1;
        self.max = self.max.max(latency);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    pub(super) fn latency(&self) -> Latency {
        Latency {
            samples: self.total,
            p50_ms: self.quantile_ms(50),
            p99_ms: self.quantile_ms(99),
            max_ms: self.max.as_secs_f64() * 1e3,
        }
    }

    /// The middle of the bucket that the `percent`th part of all falls into.
    fn quantile_ms(&self, percent: u64) -> f64 {
        let wanted = (self.total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        found.map_or(0.0, |it| Duration::from_nanos(middle(it)).as_secs_f64() * 1e3)
    }
}

fn nanos(latency: Duration) -> u64 {
    u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX)
}

/// The power of two below it, and the sixteenth of the way to the next.
fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(STEPS as u64);
    let power = nanos.ilog2() as usize;
    let step = (nanos >> (power - 4)) & (STEPS as u64 - 1);
    power * STEPS + usize::try_from(step).unwrap_or(0)
}

fn middle(bucket: usize) -> u64 {
    let (power, step) = (bucket / STEPS, bucket % STEPS);
    let width = 1_u64 << power.saturating_sub(4);
    (1_u64 << power) + width * step as u64 + width / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_sixteenth() {
        let mut histogram = Histogram::new();
        for micros in 1..=10_000 {
            histogram.add(Duration::from_micros(micros));
        }
        let latency = histogram.latency();
        assert!((latency.p50_ms - 5.0).abs() < 5.0 / 16.0, "{latency:?}");
        assert!((latency.p99_ms - 9.9).abs() < 9.9 / 16.0, "{latency:?}");
        assert_eq!((latency.max_ms, latency.samples), (10.0, 10_000));
    }

    #[test]
    fn nothing_seen_is_zero() {
        assert_eq!(Histogram::new().latency().samples, 0);
        assert!(Histogram::new().latency().p99_ms < 1e-9);
    }
}
