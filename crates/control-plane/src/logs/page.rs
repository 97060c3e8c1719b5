//! A page of the logs, merged of two sequences.

use model::Timestamp;

use super::place::{Mark, Place};

/// A line of one of the sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<L> {
    pub(super) id: i64,
    pub(super) at: Timestamp,
    pub(super) line: L,
}

/// Which way is read, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Lines after a place, the oldest of them first.
    After(Place),
    /// The newest lines, the oldest of them first; read on after them.
    Newest,
    /// Lines before a place, or before the end, the newest of them first.
    Before(Option<Place>),
}

/// From which sequence a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Event,
    Denial,
}

/// The first `limit` lines of both, and the place from which to read on the same way; from there the
/// other way are the lines on the other side of the last one. Without a line it stays where it was.
///
/// Each sequence comes in the order of its ids from where `direction` says: forwards for `After`, else
/// backwards; `limit` lines and at least one, or all that there are. Lines are in the order of time as
/// far as that leaves a choice: of each sequence the next is taken, whatever its time, so that pages of
/// any size have each line once.
pub(super) fn page<L>(
    events: Vec<Entry<L>>,
    denials: Vec<Entry<L>>,
    direction: Direction,
    limit: usize,
) -> (Vec<L>, Place) {
    let end = [&events, &denials].map(|it| Mark::Behind(it.first().map_or(0, |it| it.id)));
    let is_forwards = matches!(direction, Direction::After(_));
    let merged = merge(events, denials, is_forwards, limit);
    let read: Vec<(Source, i64)> = merged.iter().map(|(source, it)| (*source, it.id)).collect();
    let mut lines: Vec<L> = merged.into_iter().map(|(_, it)| it.line).collect();
    let place = match direction {
        Direction::After(from) => last_of(from, &read, is_forwards),
        Direction::Before(from) => last_of(from.unwrap_or_else(|| place(end)), &read, is_forwards),
        Direction::Newest => {
            lines.reverse();
            last_of(place(end), read.get(..1).unwrap_or_default(), is_forwards)
        }
    };
    (lines, place)
}

/// The first of both, by time, and of an event and a denial at the same time the event is the older.
fn merge<L>(
    events: Vec<Entry<L>>,
    denials: Vec<Entry<L>>,
    is_forwards: bool,
    limit: usize,
) -> Vec<(Source, Entry<L>)> {
    let (mut events, mut denials) = (events.into_iter().peekable(), denials.into_iter().peekable());
    let next = || {
        let is_event = match (events.peek(), denials.peek()) {
            (Some(event), Some(denial)) => (event.at <= denial.at) == is_forwards,
            (event, _) => event.is_some(),
        };
        if is_event {
            events.next().map(|it| (Source::Event, it))
        } else {
            denials.next().map(|it| (Source::Denial, it))
        }
    };
    std::iter::from_fn(next).take(limit).collect()
}

/// The place of the last of these lines, which were read from a place on; that place if there are none.
fn last_of(from: Place, read: &[(Source, i64)], is_forwards: bool) -> Place {
    let Some((last, last_id)) = read.last() else { return from };
    let mut marks = [from.events, from.denials]
        .map(|it| Mark::Behind(if is_forwards { it.after() } else { it.before() - 1 }));
    for (source, id) in read {
        marks[*source as usize] = Mark::Behind(if is_forwards { *id } else { id - 1 });
    }
    marks[*last as usize] = Mark::At(*last_id);
    place(marks)
}

const fn place([events, denials]: [Mark; 2]) -> Place {
    Place { events, denials }
}

#[cfg(test)]
mod tests;
