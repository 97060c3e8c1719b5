//! How long partitions had too few in-sync replicas, or no leader. Pure: pictures and times come
//! from the caller.

use std::collections::BTreeMap;
use std::time::Duration;

use super::report::PartitionsReport;
use super::window::{FIRST, millis};

/// What is wrong with a partition in a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sick {
    /// `TOPIC-INDEX`
    pub(super) partition: String,
    /// It has fewer in-sync replicas than `min.insync.replicas`.
    pub(super) under: bool,
    pub(super) leaderless: bool,
}

/// What was seen, by windows.
#[derive(Debug)]
pub(super) struct Health {
    windows: Vec<Window>,
    /// The last picture, and when it was taken.
    last: Option<(Duration, Vec<Sick>)>,
}

#[derive(Debug, Default)]
struct Window {
    name: String,
    pictures: u64,
    longest_blind: Duration,
    /// Of each partition, its time under the minimum and without a leader.
    sick: BTreeMap<String, (Duration, Duration)>,
}

impl Health {
    pub(super) fn new() -> Self {
        let first = Window { name: FIRST.to_owned(), ..Window::default() };
        Self { windows: vec![first], last: None }
    }

    /// Begins another window.
    pub(super) fn mark(&mut self, name: &str) {
        self.windows.push(Window { name: name.to_owned(), ..Window::default() });
    }

    /// A picture was taken at `at`. What the one before showed counts up to here.
    pub(super) fn note(&mut self, at: Duration, picture: Vec<Sick>) {
        let Some(window) = self.windows.last_mut() else { return };
        window.pictures += 1;
        if let Some((before, sick)) = self.last.replace((at, picture)) {
            let passed = at.saturating_sub(before);
            window.longest_blind = window.longest_blind.max(passed);
            for it in sick {
                let (under, leaderless) = window.sick.entry(it.partition).or_default();
                *under += if it.under { passed } else { Duration::ZERO };
                *leaderless += if it.leaderless { passed } else { Duration::ZERO };
            }
        }
    }

    pub(super) fn reports(&self) -> Vec<PartitionsReport> {
        self.windows.iter().map(Window::report).collect()
    }
}

impl Window {
    fn report(&self) -> PartitionsReport {
        let max = |of: fn(&(Duration, Duration)) -> Duration| self.sick.values().map(of).max();
        let sum = |of: fn(&(Duration, Duration)) -> Duration| self.sick.values().map(of).sum();
        let worst = self.sick.iter().max_by_key(|(_, times)| **times);
        PartitionsReport {
            name: self.name.clone(),
            pictures: self.pictures,
            longest_blind_ms: millis(self.longest_blind),
            under_min_isr_max_ms: millis(max(|it| it.0).unwrap_or_default()),
            under_min_isr_sum_ms: millis(sum(|it| it.0)),
            leaderless_max_ms: millis(max(|it| it.1).unwrap_or_default()),
            leaderless_sum_ms: millis(sum(|it| it.1)),
            worst: worst.map(|(partition, _)| partition.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn sick(partition: &str, under: bool, leaderless: bool) -> Sick {
        Sick { partition: partition.to_owned(), under, leaderless }
    }

    #[test]
    fn a_partition_is_sick_from_the_picture_that_shows_it_to_the_next_that_does_not() {
        let mut health = Health::new();
        health.note(ms(0), vec![]);
        health.mark("roll");
        health.note(ms(100), vec![sick("a-0", true, false), sick("b-1", true, true)]);
        health.note(ms(200), vec![sick("b-1", true, false)]);
        health.note(ms(350), vec![]);
        health.note(ms(450), vec![]);
        let roll = &health.reports()[1];
        let expected = PartitionsReport {
            name: "roll".to_owned(),
            pictures: 4,
            longest_blind_ms: 150.0,
            under_min_isr_max_ms: 250.0,
            under_min_isr_sum_ms: 350.0,
            leaderless_max_ms: 100.0,
            leaderless_sum_ms: 100.0,
            worst: Some("b-1".to_owned()),
        };
        assert_eq!(*roll, expected);
    }

    #[test]
    fn nothing_seen_is_nothing_told() {
        let mut health = Health::new();
        health.mark("roll");
        let empty = PartitionsReport { name: "roll".to_owned(), ..PartitionsReport::default() };
        assert_eq!(health.reports()[1], empty);
    }
}
