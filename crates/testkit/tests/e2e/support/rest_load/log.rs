//! What happened to the load, as it happens.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::client::Failure;
use super::{GROUPS, READERS, STREAMS};

/// Partition and offset.
pub(super) type Place = (i64, i64);

/// A record that was acknowledged.
pub(super) struct Ack {
    pub(super) place: Place,
    pub(super) begun: Instant,
    pub(super) first_try: bool,
}

/// A record that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) place: Place,
    pub(super) stream: usize,
    pub(super) sequence: u64,
}

/// What ended between two marks.
#[derive(Default)]
pub(super) struct Window {
    pub(super) name: String,
    pub(super) requests: usize,
    /// By what failed and how.
    pub(super) failures: BTreeMap<String, usize>,
    /// When requests began that got no answer.
    pub(super) broken: Vec<Instant>,
    /// The longest that a request took, by what was asked.
    pub(super) slowest: BTreeMap<&'static str, Duration>,
    /// How long acknowledged records took.
    pub(super) took: Vec<Duration>,
    /// The longest time in which a producer was acknowledged nothing.
    pub(super) outage: Duration,
    /// The longest time in which a group read nothing.
    pub(super) unread: Duration,
}

/// What a group has read.
#[derive(Default)]
pub(super) struct Group {
    pub(super) seen: BTreeMap<Place, (usize, u64)>,
    pub(super) repeated: usize,
    /// The next record of each stream that it has not read.
    reached: [u64; STREAMS],
    last: Option<Instant>,
}

/// Everything that was noted.
#[derive(Default)]
pub(super) struct Book {
    pub(super) windows: Vec<Window>,
    /// Of each stream, by sequence number.
    pub(super) acked: [Vec<Ack>; STREAMS],
    last_acked: [Option<Instant>; STREAMS],
    pub(super) groups: [Group; GROUPS],
    /// The instances that each consumer had.
    pub(super) instances: [Vec<String>; READERS.len()],
    committed: [Option<Instant>; READERS.len()],
    /// What may never be.
    pub(super) odd: Vec<String>,
}

/// A request on its way.
pub(super) struct Request {
    what: &'static str,
    begun: Instant,
}

pub(super) struct Log(Mutex<Book>);

impl Log {
    pub(super) fn new() -> Self {
        let log = Self(Mutex::default());
        log.mark("before");
        log
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn into_book(self) -> Book {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn mark(&self, name: &str) {
        self.book().windows.push(Window { name: name.to_owned(), ..Window::default() });
    }

    pub(super) fn requests(&self) -> usize {
        self.book().windows.iter().map(|it| it.requests).sum()
    }

    pub(super) fn begin(what: &'static str) -> Request {
        Request { what, begun: Instant::now() }
    }

    #[expect(clippy::print_stdout, reason = "it is seen if the test fails")]
    pub(super) fn end(&self, request: &Request, failure: Option<&Failure>) {
        let mut book = self.book();
        let Request { what, begun } = *request;
        let window = book.windows.last_mut().expect("there is one");
        window.requests += 1;
        let slowest = window.slowest.entry(what).or_default();
        *slowest = (*slowest).max(begun.elapsed());
        if let Some(failure) = failure {
            let count = window.failures.entry(format!("{what} {}", failure.kind())).or_default();
            *count += 1;
            if *count <= 3 {
                println!("load: {}: {what} {failure:?} after {:?}", window.name, begun.elapsed());
            }
            if let Failure::Broken(_) = failure {
                window.broken.push(begun);
            }
        }
    }

    pub(super) fn odd(&self, what: String) {
        self.book().odd.push(what);
    }

    pub(super) fn acknowledged(&self, stream: usize, ack: Ack) {
        let mut book = self.book();
        let now = Instant::now();
        let quiet = book.last_acked[stream].replace(now).map_or(Duration::ZERO, |it| now - it);
        let window = book.windows.last_mut().expect("there is one");
        window.outage = window.outage.max(quiet);
        window.took.push(now - ack.begun);
        book.acked[stream].push(ack);
    }

    /// A reader got records, in this order.
    pub(super) fn read(&self, reader: usize, records: Vec<Seen>) {
        let mut book = self.book();
        let (now, group) = (Instant::now(), READERS[reader]);
        let quiet = book.groups[group].last.replace(now).map_or(Duration::ZERO, |it| now - it);
        let window = book.windows.last_mut().expect("there is one");
        window.unread = window.unread.max(quiet);
        let alone = READERS.iter().filter(|it| **it == group).count() == 1;
        for record in records {
            if let Some(odd) = book.groups[group].take(record, alone) {
                book.odd.push(format!("group {group}: {odd}"));
            }
        }
    }

    pub(super) fn joined(&self, reader: usize, instance: &str) {
        self.book().instances[reader].push(instance.to_owned());
    }

    pub(super) fn committed(&self, reader: usize, begun: Instant) {
        self.book().committed[reader] = Some(begun);
    }

    /// What has not worked since then.
    pub(super) fn missing_since(&self, since: Instant) -> Option<String> {
        let book = self.book();
        for (stream, acked) in book.acked.iter().enumerate() {
            let first = acked.partition_point(|it| it.begun < since);
            if first == acked.len() {
                return Some(format!("no acknowledgement for stream {stream}"));
            }
            let behind = |it: &Group| it.reached[stream] <= first as u64;
            if let Some(group) = book.groups.iter().position(behind) {
                let place = acked[first].place;
                return Some(format!("group {group} does not read stream {stream} at {place:?}"));
            }
        }
        let idle = book.committed.iter().position(|it| it.is_none_or(|it| it < since));
        idle.map(|reader| format!("consumer {reader} has not committed"))
    }

    /// An acknowledged record that a group has not read.
    pub(super) fn unread(&self) -> Option<String> {
        let book = self.book();
        let acked = book.acked.iter().enumerate();
        let mut acked = acked.flat_map(|(stream, acks)| acks.iter().map(move |it| (stream, it)));
        acked.find_map(|(stream, ack)| {
            let group = book.groups.iter().position(|it| !it.seen.contains_key(&ack.place))?;
            Some(format!("group {group} has not read stream {stream} at {:?}", ack.place))
        })
    }
}

impl Group {
    /// Takes a record, and says what is wrong with it. A consumer that is alone in its group goes
    /// back at most; it never leaves out a record.
    fn take(&mut self, record: Seen, alone: bool) -> Option<String> {
        let Seen { place, stream, sequence } = record;
        let reached = self.reached.get_mut(stream)?;
        *reached = (*reached).max(sequence + 1);
        let (partition, offset) = place;
        let before = self.seen.range((partition, 0)..(partition, i64::MAX)).next_back();
        let next = before.map_or(0, |((_, offset), _)| offset + 1);
        match self.seen.insert(place, (stream, sequence)) {
            Some(other) if other != (stream, sequence) => {
                Some(format!("{place:?} is {other:?}, then {stream} {sequence}"))
            }
            Some(_) => {
                self.repeated += 1;
                None
            }
            None if alone && offset != next => Some(format!("{place:?} comes after {next}")),
            None => None,
        }
    }
}
