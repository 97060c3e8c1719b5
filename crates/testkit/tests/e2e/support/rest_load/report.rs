//! What the load went through, and what may not be in it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::log::{Book, Window};

/// A load that is over.
pub(crate) struct Report(Book);

impl Report {
    /// Fails if a record was lost, skipped, out of order, or repeated without need.
    pub(super) fn new(book: Book) -> Self {
        assert!(book.odd.is_empty(), "{:#?}", book.odd);
        for (stream, acked) in book.acked.iter().enumerate() {
            let places: Vec<_> = acked.iter().map(|it| it.place).collect();
            let in_order = places.is_sorted_by(|a, b| a.0 == b.0 && a.1 < b.1);
            assert!(in_order, "stream {stream} is out of order: {places:?}");
        }
        for (number, group) in book.groups.iter().enumerate() {
            let mut expected: BTreeMap<i64, i64> = BTreeMap::new();
            let mut written: BTreeMap<(usize, u64), usize> = BTreeMap::new();
            for (&(partition, offset), record) in &group.seen {
                let next = expected.entry(partition).or_default();
                assert_eq!(offset, *next, "group {number} skipped records of {partition}");
                *next += 1;
                *written.entry(*record).or_default() += 1;
            }
            for (stream, acked) in book.acked.iter().enumerate() {
                for (sequence, ack) in (0_u64..).zip(acked) {
                    let read = group.seen.get(&ack.place);
                    assert_eq!(read, Some(&(stream, sequence)), "group {number}: {:?}", ack.place);
                    let times = written[&(stream, sequence)];
                    assert!(times == 1 || !ack.first_try, "{stream} {sequence}: {times} times");
                }
            }
        }
        Self(book)
    }

    /// Fails unless what failed, by window and kind as in `records 503 503`, is among `allowed`: the
    /// window's name and the end of a kind.
    pub(crate) fn assert_failures(&self, allowed: &[(&str, &str)]) {
        for window in &self.0.windows {
            for kind in window.failures.keys() {
                let known =
                    allowed.iter().any(|(name, end)| window.name == *name && kind.ends_with(end));
                assert!(known, "{}: {:?}", window.name, window.failures);
            }
        }
    }

    /// Fails unless each consumer had this many instances.
    pub(crate) fn assert_instances(&self, count: usize) {
        let each = &self.0.instances;
        assert!(each.iter().all(|it| it.len() == count), "not {count} each: {each:?}");
    }

    /// Fails if a request of before that moment broke.
    pub(crate) fn assert_answered(&self, name: &str, begun_before: Instant) {
        for window in self.0.windows.iter().filter(|it| it.name == name) {
            let early = window.broken.iter().filter(|it| **it < begun_before).count();
            assert_eq!(early, 0, "{name}: requests in flight got no answer");
        }
    }

    /// For the figures.
    pub(crate) fn to_json(&self) -> Value {
        let repeated: usize = self.0.groups.iter().map(|it| it.repeated).sum();
        let windows: Vec<Value> = self.0.windows.iter().map(window).collect();
        json!({ "read_again": repeated, "windows": windows })
    }
}

fn window(window: &Window) -> Value {
    let mut took = window.took.clone();
    took.sort_unstable();
    let share =
        |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)));
    let ms = |it: Option<&Duration>| it.map(|it| it.as_secs_f64() * 1000.0);
    let slowest = window.slowest.iter().map(|(what, it)| (*what, json!(it.as_secs_f64())));
    json!({
        "name": window.name,
        "slowest_secs": slowest.collect::<BTreeMap<_, _>>(),
        "requests": window.requests,
        "acked": took.len(),
        "failures": window.failures,
        "longest_without_ack_secs": window.outage.as_secs_f64(),
        "longest_without_record_secs": window.unread.as_secs_f64(),
        "ack_ms": { "p50": ms(share(50)), "p99": ms(share(99)), "max": ms(took.last()) },
    })
}
