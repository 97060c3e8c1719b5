//! The accounting: what became of every single record. Pure: times come from the caller, as time
//! since the start of the run.

use std::time::Duration;

use super::report::{PathReport, Totals, WindowReport};
use super::stamp::Stamp;
use super::window::{Event, Windows};

/// What became of every record of a run.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Of each producer, of each partition, by sequence.
    tracks: Vec<Vec<Track>>,
    windows: Windows,
    last_ack: Vec<Option<Duration>>,
    last_consumed: Vec<Option<Duration>>,
    totals: Totals,
    unresolved: u64,
    unconsumed: u64,
}

/// The records of one producer in one partition.
#[derive(Clone, Debug, Default)]
struct Track {
    fates: Vec<Fate>,
    /// The highest sequence that was consumed, plus one.
    consumed_below: usize,
}

/// What became of one record.
#[derive(Clone, Copy, Debug)]
struct Fate {
    due: Duration,
    outcome: Outcome,
    /// Where it was found first.
    offset: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Sent,
    Acked,
    Failed,
}

impl Ledger {
    pub(crate) fn new(producers: usize, partitions: usize) -> Self {
        Self {
            tracks: vec![vec![Track::default(); partitions]; producers],
            windows: Windows::new(),
            last_ack: vec![None; partitions],
            last_consumed: vec![None; partitions],
            totals: Totals::default(),
            unresolved: 0,
            unconsumed: 0,
        }
    }

    /// Begins another window. What is due from now on belongs to it. A silence that lasts counts up
    /// to here in the window before, and as a whole where it ends.
    pub(crate) fn mark(&mut self, name: &str, at: Duration) {
        self.note_silence(at);
        self.windows.begin(name, at);
    }

    /// A record is about to be sent.
    pub(crate) fn send(&mut self, producer: usize, partition: usize, due: Duration) -> Stamp {
        let fates = &mut self.tracks[producer][partition].fates;
        let sequence = fates.len();
        fates.push(Fate { due, outcome: Outcome::Sent, offset: None });
        self.totals.sent += 1;
        self.unresolved += 1;
        Stamp { producer, partition, sequence, due }
    }

    /// The brokers have acknowledged a record.
    pub(crate) fn acked(&mut self, stamp: &Stamp, at: Duration) {
        let Some(fate) = self.resolve(stamp, Outcome::Acked) else { return };
        self.totals.acked += 1;
        self.unconsumed += u64::from(fate.offset.is_none());
        self.windows.note(stamp.due, Event::Acked { latency: at.saturating_sub(stamp.due) });
        if let Some(before) = self.last_ack[stamp.partition].replace(at) {
            self.windows.note(at, Event::AckGap(stamp.partition, at.saturating_sub(before)));
        }
    }

    /// A record will not be acknowledged.
    pub(crate) fn failed(&mut self, stamp: &Stamp) {
        if self.resolve(stamp, Outcome::Failed).is_some() {
            self.totals.failed += 1;
            self.windows.note(stamp.due, Event::Failed);
        }
    }

    /// A record was read from its partition.
    pub(crate) fn consumed(&mut self, stamp: &Stamp, offset: i64, at: Duration) {
        let Some(track) = self.track(stamp) else { return };
        let consumed_below = track.consumed_below;
        let Some(fate) = track.fates.get_mut(stamp.sequence) else { return };
        match fate.offset {
            // A consumer that took over a partition reads again what was not committed.
            Some(first) if first == offset => self.totals.reread += 1,
            Some(_) => {
                self.totals.duplicated += 1;
                self.windows.note(stamp.due, Event::Duplicated);
            }
            None => {
                fate.offset = Some(offset);
                let waited_for = fate.outcome == Outcome::Acked;
                track.consumed_below = consumed_below.max(stamp.sequence + 1);
                self.unconsumed -= u64::from(waited_for);
                self.totals.consumed += 1;
                if stamp.sequence < consumed_below {
                    self.totals.out_of_order += 1;
                    self.windows.note(stamp.due, Event::OutOfOrder);
                }
            }
        }
        if let Some(before) = self.last_consumed[stamp.partition].replace(at) {
            self.windows.note(at, Event::ConsumeGap(at.saturating_sub(before)));
        }
    }

    /// A request for records came to nothing.
    pub(crate) fn read_failed(&mut self, at: Duration) {
        self.totals.failed_reads += 1;
        self.windows.note(at, Event::FailedRead);
    }

    /// Nothing is sent any more. A silence that still lasts counts up to here.
    pub(crate) fn stop(&mut self, at: Duration) {
        self.note_silence(at);
        self.windows.end(at);
    }

    /// How many records have neither been acknowledged nor failed.
    pub(crate) const fn unresolved(&self) -> u64 {
        self.unresolved
    }

    /// How many acknowledged records were not read yet.
    pub(crate) const fn unconsumed(&self) -> u64 {
        self.unconsumed
    }

    pub(crate) const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The end: what has no answer yet has failed, what was acknowledged and not read is lost. The
    /// run began at `begun_unix`.
    pub(crate) fn close(mut self, begun_unix: Duration) -> PathReport {
        let fates = self.tracks.iter().flatten().flat_map(|track| &track.fates);
        for fate in fates {
            match fate.outcome {
                Outcome::Sent => {
                    self.totals.failed += 1;
                    self.windows.note(fate.due, Event::Failed);
                }
                Outcome::Acked if fate.offset.is_none() => {
                    self.totals.lost += 1;
                    self.windows.note(fate.due, Event::Lost);
                }
                Outcome::Acked | Outcome::Failed => {}
            }
        }
        let windows: Vec<WindowReport> = self.windows.into_reports(begun_unix);
        PathReport { totals: self.totals, windows }
    }

    fn note_silence(&mut self, at: Duration) {
        for (partition, before) in self.last_ack.iter().enumerate() {
            let Some(before) = before else { continue };
            self.windows.note(at, Event::AckGap(partition, at.saturating_sub(*before)));
        }
        for before in self.last_consumed.iter().flatten() {
            self.windows.note(at, Event::ConsumeGap(at.saturating_sub(*before)));
        }
    }

    fn track(&mut self, stamp: &Stamp) -> Option<&mut Track> {
        self.tracks.get_mut(stamp.producer)?.get_mut(stamp.partition)
    }

    /// Notes how a record ended, the first time only.
    fn resolve(&mut self, stamp: &Stamp, outcome: Outcome) -> Option<Fate> {
        let fate = self.track(stamp)?.fates.get_mut(stamp.sequence)?;
        if fate.outcome != Outcome::Sent {
            return None;
        }
        fate.outcome = outcome;
        let fate = *fate;
        self.unresolved -= 1;
        Some(fate)
    }
}

#[cfg(test)]
mod tests;
