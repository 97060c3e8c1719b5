//! Whatever the times are, and however large a page is.

use super::*;

const ALL: usize = 100;

/// Both sequences, as a database has them: a line is `e3` or `d3`.
#[derive(Clone, Default)]
struct Logs {
    events: Vec<Entry<String>>,
    denials: Vec<Entry<String>>,
}

impl Logs {
    /// The lines have these times. Their ids have gaps.
    fn of(events: &[i64], denials: &[i64]) -> Self {
        let entries = |kind: &str, times: &[i64]| {
            let entry = |(index, at): (usize, &i64)| {
                let id = 3 * i64::try_from(index).unwrap() + 2;
                Entry { id, at: Timestamp(*at), line: format!("{kind}{id}") }
            };
            times.iter().enumerate().map(entry).collect()
        };
        Self { events: entries("e", events), denials: entries("d", denials) }
    }

    /// What there was when there were so many.
    fn earlier(&self, events: usize, denials: usize) -> Self {
        let (events, denials) = (&self.events[..events], &self.denials[..denials]);
        Self { events: events.to_vec(), denials: denials.to_vec() }
    }

    fn read(&self, direction: Direction, limit: usize) -> (Vec<String>, Place) {
        let of = |all: &[Entry<String>], mark: fn(Place) -> Mark| -> Vec<Entry<String>> {
            let all = all.iter().cloned();
            let size = limit.max(1);
            match direction {
                Direction::After(from) => {
                    all.filter(|it| it.id > mark(from).after()).take(size).collect()
                }
                Direction::Newest | Direction::Before(None) => all.rev().take(size).collect(),
                Direction::Before(Some(from)) => {
                    all.rev().filter(|it| it.id < mark(from).before()).take(size).collect()
                }
            }
        };
        page(of(&self.events, |it| it.events), of(&self.denials, |it| it.denials), direction, limit)
    }

    /// All pages from there on.
    fn follow(&self, mut direction: Direction, limit: usize) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let (lines, place) = self.read(direction, limit);
            if lines.is_empty() {
                return all;
            }
            all.extend(lines);
            direction = match direction {
                Direction::After(_) | Direction::Newest => Direction::After(place),
                Direction::Before(_) => Direction::Before(Some(place)),
            };
        }
    }

    fn all(&self) -> Vec<String> {
        let both = self.events.iter().chain(&self.denials);
        sorted(both.map(|it| it.line.clone()).collect())
    }
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// Each way in which three events and three denials can be at three times.
fn histories() -> impl Iterator<Item = Logs> {
    (0..3_i64.pow(6)).map(|it| {
        let times: Vec<i64> = (0..6).map(|place| it / 3_i64.pow(place) % 3).collect();
        Logs::of(&times[..3], &times[3..])
    })
}

#[test]
fn lines_are_in_the_order_of_time() {
    let logs = Logs::of(&[1, 4, 5], &[2, 3, 5]);
    let forwards = ["e2", "d2", "d5", "e5", "e8", "d8"].map(str::to_owned).to_vec();
    assert_eq!(logs.follow(Direction::After(Place::START), ALL), forwards);
    assert_eq!(logs.read(Direction::Newest, ALL).0, forwards);
    assert_eq!(logs.read(Direction::Newest, 3).0, forwards[3..]);
    let backwards: Vec<String> = forwards.into_iter().rev().collect();
    assert_eq!(logs.follow(Direction::Before(None), ALL), backwards);
}

#[test]
fn pages_of_any_size_have_each_line_once_both_ways() {
    for logs in histories() {
        for limit in 1..=7 {
            for direction in [Direction::After(Place::START), Direction::Before(None)] {
                let pages = logs.follow(direction, limit);
                assert_eq!(sorted(pages.clone()), logs.all());
                assert_eq!(pages, logs.follow(direction, ALL), "pages of {limit}");
            }
        }
    }
}

#[test]
fn who_follows_from_the_newest_on_hears_of_what_comes_and_of_nothing_else() {
    for logs in histories() {
        for (events, denials, limit) in [(0, 0, 2), (1, 0, 1), (0, 2, 1), (2, 1, 1), (2, 2, 3)] {
            let earlier = logs.earlier(events, denials);
            for limit in [limit, 0] {
                let (lines, place) = earlier.read(Direction::Newest, limit);
                assert_eq!(lines.len(), limit.min(events + denials));
                assert_eq!(earlier.read(Direction::After(place), 1), (Vec::new(), place));
                let mut all = logs.follow(Direction::After(place), 2);
                all.extend(earlier.all());
                assert_eq!(sorted(all), logs.all(), "{events} and {denials}, {limit}");
            }
        }
    }
}

#[test]
fn each_place_has_one_line_and_all_others_on_one_of_its_sides() {
    for logs in histories() {
        for limit in 1..=3 {
            for mut direction in
                [Direction::After(Place::START), Direction::Newest, Direction::Before(None)]
            {
                loop {
                    let (lines, place) = logs.read(direction, limit);
                    let is_backwards = matches!(direction, Direction::Before(_));
                    let Some(last) = lines.last() else { break };
                    let mut all = vec![last.clone()];
                    all.extend(logs.follow(Direction::After(place), ALL));
                    all.extend(logs.follow(Direction::Before(Some(place)), ALL));
                    assert_eq!(sorted(all), logs.all(), "{place} after {direction:?}");
                    direction = if is_backwards {
                        Direction::Before(Some(place))
                    } else {
                        Direction::After(place)
                    };
                }
            }
        }
    }
}

#[test]
fn who_pages_backwards_does_not_hear_of_what_came_meanwhile() {
    let logs = Logs::of(&[1, 2, 9], &[3, 9]);
    let earlier = logs.earlier(2, 1);
    let (lines, place) = earlier.read(Direction::Before(None), 1);
    assert_eq!(lines, ["d2"]);
    assert_eq!(logs.follow(Direction::Before(Some(place)), 1), ["e5", "e2"]);
    let nothing = Logs::default().read(Direction::Before(None), 5);
    assert_eq!(nothing, (Vec::new(), Place::START));
}
